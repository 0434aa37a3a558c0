"""What was accepted and is still to be passed on to Temporal: looked for again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog

from api.engine import EngineUnavailableError
from store.errors import StoreUnavailableError

T = TypeVar("T")

Sweep = Callable[[], Awaitable[int]]
"""Passes on what waits, and returns how much it was."""

_log = structlog.get_logger(__name__)


async def pass_on_now(passing_on: Awaitable[bool], what: str, which: str) -> bool:
    """Return whether something could be passed on just now; if Temporal or the store is away, the sweep sees to it."""
    try:
        return await passing_on
    except (EngineUnavailableError, StoreUnavailableError) as error:
        _log.warning(f"{what} left to the sweep", id=which, reason=str(error))
    return False


async def pass_on_all(waiting: Callable[[int], Awaitable[Sequence[T]]], pass_on: Callable[[T], Awaitable[bool]]) -> int:
    """Pass on what waits, part by part, each once: what cannot be holds up nothing behind it; return how much was.

    Args:
        waiting: returns the next part of what waits, behind as many as are given: those that could not be passed on.
    """
    passed = left = 0
    while part := await waiting(left):
        done = sum([await without_stopping(pass_on, each) for each in part])
        passed += done
        left += len(part) - done
    return passed


async def without_stopping(pass_on: Callable[[T], Awaitable[bool]], what: T) -> bool:
    """Return whether something could be passed on; an unforeseen error is of this one alone, and is logged.

    Raises:
        EngineUnavailableError, StoreUnavailableError: since nothing else could be passed on either.
    """
    try:
        return await pass_on(what)
    except (EngineUnavailableError, StoreUnavailableError):
        raise
    except Exception:
        _log.exception("could not be passed on; it is tried again", id=getattr(what, "id", what))
        return False


async def sweep_for_ever(sweeps: Mapping[str, Sweep], interval: timedelta) -> None:
    """Run the sweeps, by their names, every `interval`, one after another; what one does wrong stops no other."""
    while True:
        for name, sweep in sweeps.items():
            await run_sweep(name, sweep)
        await asyncio.sleep(interval.total_seconds())


async def run_sweep(name: str, sweep: Sweep) -> None:
    """Run a sweep once; what goes wrong is logged."""
    try:
        if done := await sweep():
            _log.info("passed on by the sweep", what=name, count=done)
    except (EngineUnavailableError, StoreUnavailableError) as error:
        _log.warning("sweep broken off", what=name, reason=str(error))
    except Exception:
        _log.exception("sweep failed", what=name)
