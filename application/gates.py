"""Gates: whether calls of a system go out, as all gateways and workers see it.

A circuit breaker (Nygard, "Release It!") whose state is in the order store: a system that gives no answer to so many
calls in a row is away for all. Its calls wait, each for a time of its own, the longer the longer the system is away,
until one call that is let through gets an answer; then more and more at a time go out. Operators pause a system by the
same row.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.common import MetricGauge, MetricMeter

from application.http import SystemAwayError
from store.errors import StoreUnavailableError
from store.systems import SystemState, SystemStates

_LOOKS_EVERY = timedelta(seconds=2)
_FULL = 100
"""Calls at a time from which on nothing is limited any more after a system is back."""
_BUSY = timedelta(seconds=4)
"""How long a call waits that finds too many before it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CircuitLimits:
    """When a system is away, and how it is found out that it is not."""

    opens_after: int = 5
    """Calls in a row, of one process, without an answer."""
    first_probe: timedelta = timedelta(seconds=5)
    """How long after that the next call goes out; twice as long each time it has no answer."""
    longest_probe: timedelta = timedelta(minutes=1)
    longest_wait: timedelta = timedelta(minutes=5)
    """What calls wait for at most, give or take a half, before they ask again whether they may go out."""
    ramp: timedelta = timedelta(minutes=1)
    """How long it takes after the return of a system until as many calls at a time go out as always."""


class SystemGate:
    """The gate of one system in this process. Not for use by several threads."""

    def __init__(
        self,
        system: str,
        states: SystemStates,
        limits: CircuitLimits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.system = system
        self._states, self._limits, self._now = states, limits or CircuitLimits(), now
        self._state = SystemState(system)
        self._silent = self._running = 0

    def is_closed(self) -> bool:
        """Whether calls wait: the system is away, or paused."""
        return self._state.away_since is not None or self._state.paused(self._now()) is not None

    def learn(self, state: SystemState) -> None:
        """Take note of how the system stands."""
        if self._state.away_since and not state.away_since:
            self._silent = 0  # Another process has had an answer.
        self._state = state

    async def admit(self) -> None:
        """Let a call go out.

        Raises:
            SystemAwayError: when it is to wait.
        """
        now = self._now()
        if pause := self._state.paused(now):
            wait = self._wait(now - pause.since)
            if pause.until:
                wait = min(wait, pause.until - now + _BUSY * random.random())
            raise SystemAwayError(self.system, f"{self.system} {pause}", wait, paused=True)
        if since := self._state.away_since:
            if not await self._may_probe(now):
                why = f"{self.system} is away since {since:%Y-%m-%d %H:%M} UTC: {self._state.error}"
                raise SystemAwayError(self.system, why, self._wait(now - since))
        elif self._running >= self._places(now):
            why = f"{self.system} is back, and takes calls little by little"
            raise SystemAwayError(self.system, why, _BUSY * random.uniform(0.5, 1.5), ramping=True)
        self._running += 1

    def left(self) -> None:
        """A call that was let out has ended."""
        self._running -= 1

    async def answered(self) -> None:
        """The system has answered: it is there."""
        self._silent = 0
        if self._state.away_since is None:
            return
        away_since = self._state.away_since
        self._state = SystemState(self.system, back_at=self._now(), pause=self._state.pause)
        try:
            if await self._states.back(self.system):
                _log.warning("a system is back", system=self.system, away_since=str(away_since))
        except StoreUnavailableError as error:
            _log.warning("that a system is back cannot be noted", system=self.system, reason=str(error))

    async def silent(self, why: str) -> timedelta | None:
        """The system has not answered; return how long the call is to wait where it is away."""
        self._silent += 1
        now = self._now()
        since = self._state.away_since
        if since is None and self._silent < self._limits.opens_after:
            return None
        probe_at = now + self._limits.first_probe
        if since is None:
            self._state = SystemState(self.system, now, why, probe_at=probe_at, pause=self._state.pause)
        try:
            if await self._states.away(self.system, why, probe_at):
                _log.error("a system is away: its calls wait until it is back", system=self.system, reason=why)
        except StoreUnavailableError as error:
            _log.warning("that a system is away cannot be noted", system=self.system, reason=str(error))
        return self._wait(now - since if since else timedelta())

    async def _may_probe(self, now: datetime) -> bool:
        due = self._state.probe_at
        if due is None or now < due:
            return False
        pause = min(self._limits.first_probe * (1 << min(self._state.probes + 1, 10)), self._limits.longest_probe)
        try:
            return await self._states.take_probe(self.system, now + pause)
        except StoreUnavailableError:
            return False

    def _wait(self, lasting: timedelta) -> timedelta:
        """Return how long a call waits: longer the longer it lasts, and not as long as others."""
        longest = max(self._limits.first_probe, min(lasting / 2, self._limits.longest_wait))
        return longest * random.uniform(0.5, 1.5)

    def _places(self, now: datetime) -> float:
        """Return how many calls may go out at a time: one when the system is back, and more and more."""
        over = self._state.pause.until if self._state.pause else None
        back_at = max(filter(None, (self._state.back_at, over)), default=None)
        if back_at is None or now - back_at >= self._limits.ramp:
            return float("inf")
        return 1 + _FULL * ((now - back_at) / self._limits.ramp)


async def refresh(states: SystemStates, gates: Mapping[str, SystemGate], gauge: MetricGauge | None = None) -> None:
    """Tell the gates how their systems stand; what cannot be read stays as it was."""
    try:
        found = await states.all()
    except StoreUnavailableError as error:
        _log.warning("it cannot be read which systems are away", reason=str(error))
        return
    for name, gate in gates.items():
        gate.learn(found.get(name) or SystemState(name))
        if gauge:
            gauge.set(int(gate.is_closed()), {"system": name})


@asynccontextmanager
async def states_followed(
    states: SystemStates, gates: Mapping[str, SystemGate], meter: MetricMeter | None = None
) -> AsyncIterator[None]:
    """Follow how the systems stand while the context is open."""
    what = "1 where calls of a system wait, since it is away or paused"
    gauge = meter.create_gauge("ordersaga_system_away", what) if meter else None
    await refresh(states, gates, gauge)

    async def follow() -> None:
        while True:
            await asyncio.sleep(_LOOKS_EVERY.total_seconds())
            try:
                await refresh(states, gates, gauge)
            except Exception:
                _log.exception("it cannot be followed which systems are away; it is tried again")

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
