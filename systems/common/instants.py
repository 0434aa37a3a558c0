"""What is an instant to the systems: RFC 3339 in every spelling, as the orchestrator reads it, and nothing else."""

import re
from datetime import UTC, datetime, timedelta, timezone

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?:[01][0-9]|2[0-3]):[0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_instant(text: str) -> datetime:
    """The instant that ``text`` says, in UTC and whole milliseconds; one without an offset is in UTC.

    Raises ValueError, in words for the person who wrote it.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError("must be a date and time as RFC 3339 writes them, such as 2026-12-24T09:00:00Z")
    day, minute, second, fraction, offset = found.groups()
    leap = second == "60"
    milliseconds = 0 if leap else int(((fraction or "") + "000")[:3])
    try:
        local = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}")
        instant = local.replace(microsecond=milliseconds * 1000, tzinfo=_zone(offset or "Z")).astimezone(UTC)
        after = instant + timedelta(seconds=leap)
    except (ValueError, OverflowError) as error:
        raise ValueError("is a date, a time or an offset that does not exist") from error
    if leap and (after.day, after.hour, after.minute) != (1, 0, 0):
        raise ValueError("has a second 60, which only the last minute of a month in UTC can have")
    return after


def read_day_or_instant(text: str) -> datetime:
    """The same; a day alone is its first moment in UTC."""
    return read_instant(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)


def _zone(offset: str) -> timezone:
    if offset in "Zz":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(offset)
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if offset[0] == "-" else away)
