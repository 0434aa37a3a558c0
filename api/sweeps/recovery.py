"""The recovery mode: sweeps only report what they would do, while what was restored is compared with what was not.

It is a switch in the order store, so that all gateways see it, or a setting of one gateway.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from store.errors import StoreUnavailableError
from store.recovery import RecoveryState, RecoveryStore

_BELIEVED_SECONDS = 1.0
_SHOWN = 20

_log = structlog.get_logger(__name__)


class RecoveryMode:
    """Says whether sweeps only report, and keeps what they do."""

    def __init__(
        self, store: RecoveryStore | None = None, *, forced: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Make it.

        Args:
            store: where the switch is; without, it is never on.
            forced: whether it is on whatever the switch says.
        """
        self._store = store
        self._clock = clock
        self._looked_at = float("-inf")
        self._state = RecoveryState()
        self._withheld: dict[str, list[str]] = {}
        self.forced = forced

    async def state(self) -> RecoveryState:
        """Return how the switch stands; how it stood last where the store does not say."""
        if self._store is not None and self._clock() - self._looked_at >= _BELIEVED_SECONDS:
            try:
                self._state = await self._store.state()
                self._looked_at = self._clock()
            except StoreUnavailableError as error:
                _log.warning("whether recovery is on is not known; as before is believed", reason=str(error))
        return self._state

    async def is_on(self) -> bool:
        """Return whether sweeps only report."""
        on = self.forced or (await self.state()).is_on
        if not on:
            self._withheld.clear()
        return on

    async def switch(self, who: str, why: str, *, on: bool) -> RecoveryState:
        """Have all sweeps only report from now on, or act again.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        if self._store is None:
            return self._state
        turn = self._store.switch_on if on else self._store.switch_off
        self._state, self._looked_at = await turn(who, why), self._clock()
        _log.warning("recovery switched", on=self._state.is_on, by=who, reason=why)
        return self._state

    def withhold(self, sweep: str, what: Sequence[str]) -> None:
        """Keep what a sweep would do, in words, in place of what it would have done the last time."""
        if what and what != self._withheld.get(sweep):
            _log.warning("recovery is on, so this is not done", sweep=sweep, count=len(what), what=what[:_SHOWN])
        self._withheld[sweep] = list(what)

    def withheld(self) -> Mapping[str, list[str]]:
        """Return what each sweep would do, in words, some of it at the most."""
        return {name: what[:_SHOWN] for name, what in self._withheld.items() if what}


def resting(recovery: RecoveryMode, sweep: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
    """Return a sweep that does nothing at all while recovery is on."""

    async def swept() -> int:
        return 0 if await recovery.is_on() else await sweep()

    return swept


def said_of(recovery: RecoveryMode, state: RecoveryState) -> str:
    """Say that recovery is on, since when and why, and what sweeps would do."""
    held_back = sum(map(len, recovery.withheld().values()))
    waits = f"; {held_back} things or more wait for its end" if held_back else ""
    if not state.is_on:
        return f"sweeps only report: ORDERSAGA_RECOVERY is set{waits}"
    since = f" since {state.since:%Y-%m-%d %H:%M} UTC" if state.since else ""
    return f"sweeps only report{since}, by {state.who}: {state.why}{waits}. `ordersaga recovery off` ends it"


NO_RECOVERY = RecoveryMode()
"""Of a gateway whose sweeps always act."""
