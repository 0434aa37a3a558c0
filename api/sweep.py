"""What was accepted and is still to be passed on to the engine: looked for again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from api.engine import EngineUnavailableError
from store.errors import StoreUnavailableError

Sweep = Callable[[], Awaitable[int]]
"""Passes on what waits, and returns how much it was."""

_log = structlog.get_logger(__name__)


async def sweep_for_ever(sweeps: Mapping[str, Sweep], interval: timedelta) -> None:
    """Run the sweeps, by their names, every `interval`, one after another; what one does wrong stops no other."""
    while True:
        for name, sweep in sweeps.items():
            await _run(name, sweep)
        await asyncio.sleep(interval.total_seconds())


async def _run(name: str, sweep: Sweep) -> None:
    try:
        if done := await sweep():
            _log.info("passed on by the sweep", what=name, count=done)
    except (EngineUnavailableError, StoreUnavailableError) as error:
        _log.warning("sweep broken off", what=name, reason=str(error))
    except Exception:
        _log.exception("sweep failed", what=name)
