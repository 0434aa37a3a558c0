"""Instants as people and programs write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, datetime]:
    """Draw an instant as RFC 3339 can spell it, with the moment in milliseconds that it is."""
    zone = timezone(timedelta(minutes=draw(st.integers(-23 * 60 - 59, 23 * 60 + 59))))
    local = draw(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31))).replace(microsecond=0, tzinfo=zone)
    fraction = draw(st.from_regex(r"(\.[0-9]{1,12})?", fullmatch=True))
    offset = local.isoformat()[-6:]
    if offset == "+00:00":
        offset = draw(st.sampled_from(["Z", "z", "+00:00", "-00:00", ""]))
    day, time = local.strftime("%m-%d"), local.strftime("%H:%M:%S")
    text = f"{local.year:04}-{day}{draw(st.sampled_from('Tt '))}{time}{fraction}{offset}"
    return text, local + timedelta(milliseconds=int((fraction[1:] + "000")[:3]))
