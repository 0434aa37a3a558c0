"""Durations as the catalogs write them: `30s`, `5m`, `2h`, `3d`, or ISO 8601 such as `PT1H30M`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from tmf.words import shown

_SHORT = re.compile(r"(?P<amount>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)")
_ISO = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Return the duration that `text` writes.

    Raises:
        ValueError: when it is written in neither of the two ways.
    """
    if short := _SHORT.fullmatch(text.strip()):
        return timedelta(**{_UNITS[short["unit"]]: float(short["amount"])})
    iso = _ISO.fullmatch(text.strip())
    if iso is None or not any(iso.groupdict().values()):
        raise ValueError(f"{text!r} is not a duration: write 30s, 5m, 2h, 3d or ISO 8601 (PT1H30M)")
    return timedelta(**{unit: float(amount) for unit, amount in iso.groupdict().items() if amount})


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a duration: write it with its unit, such as 30s, 5m, 2h or 3d")
    return parse_duration(value)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
