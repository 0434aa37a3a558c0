"""Cancels what runs on below a posted order that was terminated: service and resource orders undo their part then.

A posted order goes on in new runs, so that its children do not depend on Temporal to outlive it, or to end with it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from api.engine import Engine
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.sweep import OneByOne
from tmf.words import reason_of

_LOOKS_BACK = timedelta(days=7)
"""How long ago an order may have been terminated when the first sweep looks."""
_LAGS = timedelta(minutes=5)
"""How late Temporal's visibility may tell of a workflow that has ended."""

_log = structlog.get_logger(__name__)


class OrphanSweep:
    """Sees to it that nothing goes on for an order that was terminated."""

    def __init__(self, engine: Engine, recovery: RecoveryMode = NO_RECOVERY) -> None:
        self._engine = engine
        self._recovery = recovery
        self._since = datetime.now(UTC) - _LOOKS_BACK
        self._seen: set[str] = set()

    async def sweep(self) -> int:
        """Cancel the children of orders that were terminated since the last sweep; return how many there were.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
        """
        began, one_by_one = datetime.now(UTC), OneByOne(self._engine)
        terminated = await self._engine.terminated_orders(self._since)
        self._seen.intersection_update(terminated)
        done = 0
        new = [each for each in terminated if each not in self._seen]
        if await self._recovery.is_on():
            self._recovery.withhold("orphans", [f"cancel what runs below {each}" for each in new])
            return 0
        for workflow_id in new:
            if error := await one_by_one.trouble_with(self._cancel_below(workflow_id)):
                reason = reason_of(error)
                _log.error("cannot cancel what runs below a terminated order", workflow=workflow_id, reason=reason)
            else:
                self._seen.add(workflow_id)
                done += 1
        if done == len(new):
            self._since = began - _LAGS
        return done

    async def _cancel_below(self, workflow_id: str) -> None:
        if cancelled := await self._engine.cancel_children(workflow_id):
            _log.warning("cancelled what ran below a terminated order", workflow=workflow_id, count=cancelled)
