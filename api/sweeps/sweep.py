"""A sweep: what was accepted and is still to be passed on to Temporal is looked for again and again, one by one.

What goes wrong with one thing is its own: it is noted, rests for a while, and holds up nothing behind it. A sweep is
broken off only where nothing at all could be passed on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

import structlog

from api.engine import Engine, EngineNotReadyError, EngineRefusedError, EngineUnavailableError
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.rounds import Rounds
from store.errors import StoreUnavailableError
from store.setbacks import Setbacks, Tried, Work
from tmf.words import reason_of

T = TypeVar("T")

Sweep = Callable[[], Awaitable[int]]
"""Passes on what waits, and returns how much it was."""

_LONGEST = timedelta(minutes=5)
"""How long a sweep may take; what it has not come to waits for the next."""
_STALLED_IN_A_ROW = 5
"""So many without an answer, one after another, are taken for an outage, though Temporal says that it serves."""

_log = structlog.get_logger(__name__)


class NotYetError(Exception):
    """Something cannot be passed on yet; the message says what it waits for."""


async def pass_on_now(passing_on: Awaitable[bool], what: str, which: str) -> bool:
    """Return whether something could be passed on just now; what could not is left to the sweep."""
    try:
        return await passing_on
    except (EngineUnavailableError, EngineRefusedError, NotYetError, StoreUnavailableError) as error:
        _log.warning(f"{what} left to the sweep", id=which, reason=str(error))
    except Exception:
        _log.exception(f"{what} left to the sweep", id=which)
    return False


class OneByOne:
    """Does one thing after another, of which none stops the next, unless Temporal or the store is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stalled = 0

    async def trouble_with(self, doing: Awaitable[object]) -> Exception | None:
        """Do something; return what went wrong with it alone, None where nothing did.

        Raises:
            EngineUnavailableError, StoreUnavailableError: since nothing else could be done either.
        """
        try:
            await doing
        except (EngineNotReadyError, StoreUnavailableError):
            raise
        except EngineUnavailableError as error:
            self._stalled += 1
            if self._stalled >= _STALLED_IN_A_ROW:
                raise
            await self._engine.check()
            return error
        except Exception as error:
            self._stalled = 0
            return error
        self._stalled = 0
        return None


class Backlog(Generic[T]):
    """What of one sort was accepted and waits to be passed on."""

    def __init__(
        self,
        work: Work,
        waiting: Callable[[], Awaitable[Sequence[T]]],
        pass_on: Callable[[T], Awaitable[object]],
        tried: Callable[[T], Tried],
        engine: Engine,
        setbacks: Setbacks,
        recovery: RecoveryMode = NO_RECOVERY,
    ) -> None:
        """Make it.

        Args:
            waiting: returns the next part of what waits, without what rests after a setback.
            pass_on: passes one thing on, so that it is not among what waits any more.
            tried: says what that is in words, where it fails.
        """
        self._work = work
        self._waiting = waiting
        self._pass_on = pass_on
        self._tried = tried
        self._engine = engine
        self._setbacks = setbacks
        self._recovery = recovery

    async def sweep(self) -> int:
        """Pass on what waits, each once; return how much could be. While recovery is on, only say what waits.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        if await self._recovery.is_on():
            waiting = [self._tried(each) for each in await self._waiting()]
            self._recovery.withhold(self._work.value, [f"{each.what}: {each.id}" for each in waiting])
            return 0
        passed: set[str] = set()
        one_by_one = OneByOne(self._engine)
        # What was passed on and waits all the same, for a change in between, waits for the next sweep.
        while part := [each for each in await self._waiting() if self._tried(each).id not in passed]:
            over = [self._tried(each) for each in part if await self._passed_on(each, one_by_one)]
            passed.update(each.id for each in over)
            if over:
                await self._setbacks.over(self._work, [each.id for each in over])
        return len(passed)

    async def _passed_on(self, what: T, one_by_one: OneByOne) -> bool:
        error = await one_by_one.trouble_with(self._pass_on(what))
        if error is None:
            return True
        tried = self._tried(what)
        setback = await self._setbacks.note(tried, reason_of(error))
        unforeseen = not isinstance(error, EngineUnavailableError | EngineRefusedError | NotYetError)
        _log.error(
            "could not be passed on; it is tried again",
            what=tried.what,
            id=tried.id,
            order=tried.order_id,
            attempts=setback.attempts,
            reason=setback.error,
            exc_info=error if unforeseen else None,
        )
        return False


class Pace:
    """Says when it is time again for what is done at the beginning, and then every `interval` at most."""

    def __init__(self, interval: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval.total_seconds()
        self._clock = clock
        self._last: float | None = None

    def is_due(self) -> bool:
        now = self._clock()
        if self._last is not None and now - self._last < self._interval:
            return False
        self._last = now
        return True


async def sweep_for_ever(
    sweeps: Mapping[str, Sweep], interval: timedelta, longest: timedelta = _LONGEST, rounds: Rounds | None = None
) -> None:
    """Run the sweeps, by their names, every `interval`, one after another; what one does wrong stops no other.

    Args:
        rounds: is told of each round.
        longest: after how long one is broken off, so that the others have their turn; it goes on with the next.
    """
    rounds = rounds or Rounds()
    rounds.expect(sweeps)
    while True:
        for name, sweep in sweeps.items():
            await run_sweep(name, sweep, longest, rounds)
        await asyncio.sleep(interval.total_seconds())


async def run_sweep(name: str, sweep: Sweep, longest: timedelta = _LONGEST, rounds: Rounds | None = None) -> None:
    """Run a sweep once, for so long at most; what goes wrong is logged, and noted among its rounds."""
    rounds = rounds or Rounds()
    try:
        async with asyncio.timeout(longest.total_seconds()) as limit:
            done = await sweep()
    except (EngineUnavailableError, StoreUnavailableError) as error:
        _log.warning("sweep broken off", what=name, reason=str(error))
        rounds.broken_off(name, str(error))
    except Exception as error:
        if limit.expired():
            why = f"it took more than {longest}"
            _log.error("sweep broken off", what=name, reason=why)
            rounds.broken_off(name, why)
        else:
            _log.exception("sweep failed", what=name)
            rounds.broken_off(name, reason_of(error))
    else:
        rounds.whole(name)
        if done:
            _log.info("passed on by the sweep", what=name, count=done)
