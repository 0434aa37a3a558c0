"""Which texts are instants, which are not, and the one form that they are kept in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from orders.model.revision import Revision
from orders.model.task import Resolution, Task
from orders.plan.outcome import Failure
from tests.thorough import examples
from tests.tmf.spellings import spellings
from tmf.instants import UtcDatetime, UtcDayOrDatetime, read_day_or_instant, read_instant, timestamp
from workflows.contracts.payloads import Cancel, Reschedule, TimelineEntry
from workflows.contracts.subscriptions import Replay

MANY = settings(max_examples=examples(100, 20_000))


@MANY
@given(spellings())
def test_any_spelling_of_an_instant_is_the_moment_that_it_says(spelt: tuple[str, datetime]) -> None:
    text, moment = spelt
    read = read_instant(text)
    assert read == moment
    assert read.utcoffset() == timedelta()
    assert read_instant(timestamp(read)) == read


INSTANTS = [
    ("2026-12-24t09:00:00z", "2026-12-24T09:00:00.000Z"),
    ("2026-12-24 09:00:00+02:30", "2026-12-24T06:30:00.000Z"),
    ("2020-11-20T10:19:46+0000", "2020-11-20T10:19:46.000Z"),
    ("2020-11-20T10:19:46-0130", "2020-11-20T11:49:46.000Z"),
    ("2026-12-24T09:00:00", "2026-12-24T09:00:00.000Z"),
    ("2026-12-24T09:00:00.1Z", "2026-12-24T09:00:00.100Z"),
    ("2026-12-24T09:00:00.123999999999Z", "2026-12-24T09:00:00.123Z"),
    ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00.000Z"),
    ("2026-06-30T16:59:60.9-07:00", "2026-07-01T00:00:00.000Z"),
    ("2028-02-29T00:00:00-00:00", "2028-02-29T00:00:00.000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"),
]


@pytest.mark.parametrize(("text", "written"), INSTANTS)
def test_an_instant_is_kept_in_one_form(text: str, written: str) -> None:
    assert timestamp(read_instant(text)) == written


NO_INSTANTS = [
    "",
    "20261224",
    "-1",
    "1766566800",
    "1766566800.5",
    "2026-12-24",
    "2026-12-24T09:00",
    "2026-12-24T09:00Z",
    "2026-12-24T0900:00Z",
    "20261224T090000Z",
    "2026-W52-4T09:00:00Z",
    "2026-12-24T09:00:00,5Z",
    "2026-12-24T09:00:00.Z",
    "2026-12-24T09:00:00+01",
    "2026-12-24T09:00:00+010",
    "2026-12-24T09:00:00+24:00",
    "2026-12-24T09:00:00+01:60",
    "2026-12-24T24:00:00Z",
    "2026-12-24T09:00:60Z",
    "2026-12-24T23:59:60Z",
    "2026-12-24T09:60:00Z",
    "2026-02-29T09:00:00Z",
    "2026-13-01T09:00:00Z",
    "0000-01-01T09:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59-01:00",
    "+2026-12-24T09:00:00Z",
    " 2026-12-24T09:00:00Z",
    "2026-12-24T09:00:00Z\n",
    "2026-12-24  09:00:00Z",
    "2026-12-24_09:00:00Z",
    "２０２６-12-24T09:00:00Z",
    "2026-12-24T09:00:00 Z",
    "now",
    "2026-12-24T09:00:00Z[Europe/Berlin]",
]


@pytest.mark.parametrize("text", NO_INSTANTS)
def test_what_says_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|does not exist|last minute|outside the years"):
        read_instant(text)


@MANY
@given(st.one_of(st.text(max_size=40), st.from_regex(r"[-+0-9.eET:Zz ]{1,30}", fullmatch=True)))
def test_no_other_text_is_an_instant(text: str) -> None:
    try:
        read = read_instant(text)
    except ValueError:
        return
    day, time = text[:10], text[11:19]
    assert (len(day), len(time), text[10]) == (10, 8, text[10])
    assert text[10] in "Tt "
    assert abs(read.replace(tzinfo=None) - datetime.fromisoformat(f"{day}T{time[:6]}00")) <= timedelta(days=1)


@pytest.mark.parametrize("value", ["20261224", 20261224, 1766566800.5, True, [], {}, ["2026-12-24T09:00:00Z"]])
def test_a_model_takes_nothing_else_for_an_instant(value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter[datetime](UtcDatetime).validate_python(value)
    assert "RFC 3339" in refused.value.errors()[0]["msg"]


def test_a_long_text_is_not_shown_whole() -> None:
    with pytest.raises(ValueError, match="RFC 3339") as refused:
        read_instant("9" * 10_000)
    assert len(str(refused.value)) < 200


def test_a_day_alone_is_an_instant_only_where_that_is_said() -> None:
    assert read_day_or_instant("2026-12-24") == datetime(2026, 12, 24, tzinfo=UTC)
    assert TypeAdapter[datetime](UtcDayOrDatetime).validate_python("2026-12-24") == datetime(2026, 12, 24, tzinfo=UTC)
    with pytest.raises(ValueError, match="RFC 3339"):
        read_day_or_instant("20261224")


def test_a_time_in_code_without_an_offset_is_in_utc() -> None:
    assert timestamp(datetime(2026, 3, 1, 10)) == timestamp(datetime(2026, 3, 1, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Task, {"created_at", "due_at"}),
        (Resolution, {"at"}),
        (Revision, {"requested_at", "decided_at"}),
        (Failure, {"at"}),
        (TimelineEntry, {"at"}),
        (Cancel, {"at"}),
        (Reschedule, {"due_at"}),
        (Replay, {"at"}),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_what_people_are_shown_and_say_has_the_one_form(model: type[BaseModel], fields: set[str]) -> None:
    moments: dict[str, Any] = dict.fromkeys(fields, datetime(2026, 12, 24, 9, 0, 0, 123_999, UTC))
    said = model.model_construct(**moments)
    assert set(said.model_dump(mode="json", include=fields).values()) == {"2026-12-24T09:00:00.123Z"}
    for field in fields:
        wanted = {model.model_fields[field].alias or field: "20261224"}
        with pytest.raises(ValidationError, match="«20261224» is no date and time"):
            model.model_validate(wanted)
