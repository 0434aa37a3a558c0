"""The guard against a void: where Temporal suddenly does not know orders that were started, sweeps only report.

So it is when Temporal was restored from an older backup, is another one than before, or is empty. Looked at are the
newest orders that run, since an older backup lacks those first; and only those that changed lately, which Temporal
cannot have forgotten for their age.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from api.engine import Engine, Whereabouts
from api.sweeps.recovery import RecoveryMode
from api.sweeps.sweep import Pace
from orders.differences import Difference, DifferenceKind
from store.differences import DifferenceStore
from store.posted_orders import PostedOrders
from workflows.contracts.ids import root_workflow

_LOOKS_EVERY = timedelta(seconds=30)
_LOOKED_AT = 20
_FEWEST = 3
"""Orders that one by one may be lost by a mishap of their own."""
_CHANGED_LATELY = timedelta(days=1)
"""For how long at least Temporal keeps what has ended."""

WHO = "the guard"

_log = structlog.get_logger(__name__)


class RestoreGuard:
    """Switches recovery on by itself."""

    def __init__(
        self,
        orders: PostedOrders,
        differences: DifferenceStore,
        engine: Engine,
        recovery: RecoveryMode,
        interval: timedelta = _LOOKS_EVERY,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._orders = orders
        self._differences = differences
        self._noted: set[str] = set()
        self._engine = engine
        self._recovery = recovery
        self._pace = Pace(interval)
        self._now = now

    async def sweep(self) -> int:
        """Look whether Temporal knows the orders that run; return how many of those looked at it does not.

        Raises:
            EngineUnavailableError: when Temporal does not serve.
            StoreUnavailableError: when the order store does not.
        """
        if not self._pace.is_due() or await self._recovery.is_on():
            return 0
        # What people have switched off in the knowledge of it does not count again.
        switched = (await self._recovery.state()).since
        since = max(filter(None, (self._now() - _CHANGED_LATELY, switched)))
        looked_at = await self._orders.newest(_LOOKED_AT, since)
        unknown = [each for each in looked_at if await self._is_unknown(each)]
        await self._note(unknown, looked_at)
        if len(unknown) >= _FEWEST and 2 * len(unknown) >= len(looked_at):
            why = (
                f"Temporal does not know {len(unknown)} of the {len(looked_at)} newest orders that run, such as "
                f"{unknown[0]}: it was restored from an older backup, or is another one than before"
            )
            await self._recovery.switch(WHO, why, on=True)
        elif unknown:
            _log.error("orders that were started are unknown to Temporal; `ordersaga reconcile` tells", orders=unknown)
        return len(unknown)

    async def _note(self, unknown: list[str], looked_at: list[str]) -> None:
        """Have those shown that are unknown, at the second look as a reconciliation's, until they are known again."""
        error = "it was started, and Temporal knows no workflow"
        lost = [Difference(DifferenceKind.LOST_ORDER, each, error, each, root_workflow(each)) for each in unknown]
        await self._differences.note(lost, self._now())
        for each in self._noted.intersection(looked_at).difference(unknown):
            await self._differences.over(DifferenceKind.LOST_ORDER, each)
        self._noted = set(unknown)

    async def _is_unknown(self, order_id: str) -> bool:
        return await self._engine.look(root_workflow(order_id)) == Whereabouts.UNKNOWN
