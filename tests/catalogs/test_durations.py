from __future__ import annotations

from datetime import timedelta

import pytest

from catalogs.model.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("1.5m", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("PT30S", timedelta(seconds=30)),
        ("PT1H30M", timedelta(minutes=90)),
        ("P3DT0.5S", timedelta(days=3, seconds=0.5)),
        ("P2W", timedelta(weeks=2)),
    ],
)
def test_durations_are_read_in_short_and_in_iso_8601(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "30", "s", "-5s", "5 minutes", "P", "PT", "P1DT", "1h30m", "P1Y"])
def test_what_is_no_duration_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 30s, 5m, 2h, 3d or ISO 8601"):
        parse_duration(text)
