"""The one reader of instants, and the one form in which they are kept: RFC 3339 in, UTC with milliseconds and `Z` out.

Every spelling that RFC 3339 allows is taken: `t` and `z`, a space for the `T` (its section 5.6), any offset, any number
of decimals, `23:59:60` of a month's last day in UTC, which is the next day's first moment as clocks of computers have
it. What is finer than a millisecond is cut off. Two spellings more: a time without an offset is in UTC, and the colon
of an offset may be left out, as in TM Forum's own samples. Nothing else is an instant: no number, no text of digits, no
day alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from tmf.forms import Kept

_INSTANT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>(?:[01][0-9]|2[0-3]):[0-9]{2}):(?P<second>[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]+))?(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXAMPLE = "2026-12-24T09:00:00Z"
_MUCH = 60
"""Characters of a text that are shown of one that is no instant."""


def read_instant(text: str) -> datetime:
    """Return the instant that an RFC 3339 text says, in UTC and in whole milliseconds.

    Raises:
        ValueError: when it says none, in words for the person who wrote it.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"{_shown(text)} is no date and time as RFC 3339 writes them, such as {_EXAMPLE}")
    leap = found["second"] == "60"
    milliseconds = "000" if leap else ((found["fraction"] or "") + "000")[:3]
    try:
        day = datetime.fromisoformat(f"{found['day']}T{found['minute']}:{'59' if leap else found['second']}")
        zone = _zone(found["offset"] or "Z")
    except ValueError as error:
        raise ValueError(f"{_shown(text)} is a date, a time or an offset that does not exist") from error
    instant = as_utc(day.replace(microsecond=int(milliseconds) * 1000, tzinfo=zone))
    return _after_leap_second(instant, text) if leap else instant


def read_day_or_instant(text: str) -> datetime:
    """Return the instant that an RFC 3339 text says; a day alone (`2026-12-24`) is its first moment in UTC.

    Raises:
        ValueError: when it says none, in words for the person who wrote it.
    """
    return read_instant(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)


def as_utc(value: datetime) -> datetime:
    """Return `value` in UTC; a time without an offset is taken as UTC.

    Raises:
        ValueError: when the time in UTC is outside the years that there are.
    """
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside the years 1 to 9999 in UTC") from error


def timestamp(value: datetime) -> str:
    """Write a time as TM Forum's samples do: UTC, milliseconds, `Z`."""
    return as_utc(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return read_instant(value)
    raise ValueError(f"must be a date and time in quotes, as RFC 3339 writes them, such as {_EXAMPLE}")


def _read_validity(value: Any) -> datetime:
    return read_day_or_instant(value) if isinstance(value, str) else _read(value)


def _kept(value: Any) -> Any:
    """Return a JSON value in the form in which instants are kept; what is none stays as it is."""
    try:
        return timestamp(read_instant(value)) if isinstance(value, str) else value
    except ValueError:
        return value


UtcDatetime = Annotated[
    datetime,
    BeforeValidator(_read),
    AfterValidator(as_utc),
    PlainSerializer(timestamp, when_used="json"),
    Kept(_kept),
]
"""An instant in JSON."""

UtcDayOrDatetime = Annotated[
    datetime, BeforeValidator(_read_validity), AfterValidator(as_utc), PlainSerializer(timestamp, when_used="json")
]
"""An instant as people write it in files: a day alone is its first moment."""


def _zone(offset: str) -> timezone:
    if offset in "Zz":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(offset)
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if offset[0] == "-" else away)


def _after_leap_second(before: datetime, text: str) -> datetime:
    """Return the moment behind a leap second, which is the last one of a month in UTC."""
    try:
        after = before + timedelta(seconds=1)
    except OverflowError as error:
        raise ValueError("is outside the years 1 to 9999 in UTC") from error
    if (after.day, after.hour, after.minute) != (1, 0, 0):
        raise ValueError(f"{_shown(text)} has a second 60, which only the last minute of a month in UTC can have")
    return after


def _shown(text: str) -> str:
    return f"«{text if len(text) <= _MUCH else text[:_MUCH] + '…'}»"
