"""Reconciliations as the gateway has them: started when somebody asks; and closing orders without a workflow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from api.engine import Engine, Whereabouts
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import ITEM_LISTS, TERMINAL, OrderState
from orders.model.order_ids import root_kind
from orders.plan.outcome import Failure, Residue
from orders.plan.reasons import reasons_document, residue_document
from store.differences import DifferenceStore
from store.orders import OrderStore
from store.posted_orders import PostedOrders
from store.resource_locks import ResourceLocks
from store.sql.database import Database
from tmf.bodies import Document
from tmf.instants import timestamp
from workflows.contracts.ids import root_workflow

_log = structlog.get_logger(__name__)


class StillRunsError(Exception):
    """The workflow of an order runs: the order can be told to cancel."""


class Reconciling:
    """Starts reconciliations, and closes orders that have lost their workflow."""

    def __init__(
        self, database: Database, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._orders, self._posted, self._locks = OrderStore(database), PostedOrders(database), ResourceLocks(database)
        self._engine = engine
        self._now = now
        self.differences = DifferenceStore(database)

    async def start(self, *, mend: bool) -> Document:
        """Start a reconciliation; return it as it is so far.

        Raises:
            EngineUnavailableError, EngineRefusedError: when Temporal does not take it; then there is none.
            StoreUnavailableError: when the order store does not serve.
        """
        run_id, now = f"reconciliation:{uuid4()}", self._now()
        document = {"id": run_id, "state": "requested", "startedAt": timestamp(now), "mend": mend}
        await self._engine.reconcile(run_id, mend=mend)
        return await self.differences.begin_run(run_id, now, document)

    async def close(self, order_id: str, by: str, reason: str) -> None:
        """Let an order end as failed whose workflow is gone; one that is over stays as it is.

        What it had done stays as it is: the order's `residue` says so.

        Raises:
            StillRunsError: when its workflow runs.
            EngineUnavailableError, EngineRefusedError: when Temporal does not say.
            StoreUnavailableError: when the order store does not serve.
        """
        kind = root_kind(order_id)
        document = await self._orders.get(kind, order_id)
        if document is None or document["state"] in TERMINAL:
            return
        if await self._engine.look(root_workflow(order_id)) == Whereabouts.RUNNING:
            raise StillRunsError(order_id)
        # One that waits for its start would be started later, and carried out.
        await self._orders.mark_started([(kind, order_id)])
        await self._posted.follow(_closed(document, order_id, f"closed by {by}: {reason}", self._now()))
        await self._locks.release(order_id)
        _log.warning("order closed whose workflow is gone", order=order_id, by=by, reason=reason)


def _closed(document: Document, order_id: str, why: str, at: datetime) -> OrderChange:
    """Return the change by which an order ends of which nobody knows what it has left."""
    kind = root_kind(order_id)
    name = ITEM_LISTS[kind]
    left = Residue(
        step="close",
        system="temporal",
        target=f"workflow {root_workflow(order_id)}",
        message="the workflow was gone, so nothing was undone: see what the order had done by then",
    )
    failure = Failure(code="closed", message=why)
    return OrderChange(
        kind=kind,
        order_id=order_id,
        version=0,
        state=OrderState.FAILED,
        attributes={
            "completionDate": timestamp(at),
            **reasons_document(kind, [failure], (), at),
            **residue_document([left]),
        },
        items={item: {"state": OrderState.FAILED} for item in _open_items(document.get(name) or [], name)},
    )


def _open_items(items: list[Document], name: str) -> list[str]:
    return [
        each
        for item in items
        for each in ([] if item.get("state") in TERMINAL else [str(item["id"])])
        + _open_items(item.get(name) or [], name)
    ]
