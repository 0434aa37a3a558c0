"""Tells workflows of cancellations that were accepted: at once where Temporal is there, by a sweep where it was not.

A cancellation that was told twice is one to the workflow, which knows it by its id.
"""

from __future__ import annotations

from typing import Any

import structlog

from api.engine import Engine, EngineRefusedError
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.starter import Starter
from api.sweeps.sweep import Backlog, NotYetError, pass_on_now
from api.workflow_ids import workflow_of
from orders.lifecycle.admission import Message
from orders.lifecycle.states import TERMINAL, OrderState
from orders.model.order_ids import is_root, root_id
from store.cancellations import CancelStore, UnsentCancel
from store.orders import OrderStore
from store.setbacks import Setbacks, Tried, Work
from tmf.instants import read_instant
from workflows.contracts.payloads import Cancel

_log = structlog.get_logger(__name__)


class Canceller:
    """Passes accepted cancellations on to the workflows of their orders; an order that waits for its start is started.

    Where no workflow is there any more, the cancellation ends as the order has.
    """

    def __init__(
        self,
        orders: OrderStore,
        cancellations: CancelStore,
        setbacks: Setbacks,
        engine: Engine,
        starter: Starter,
        recovery: RecoveryMode = NO_RECOVERY,
    ) -> None:
        self._orders = orders
        self._cancellations = cancellations
        self._engine = engine
        self._starter = starter
        self._recovery = recovery
        self._backlog = Backlog(Work.CANCELLATION, cancellations.unsent, self._send, _tried, engine, setbacks, recovery)

    async def send(self, cancel: UnsentCancel) -> bool:
        """Pass on a cancellation that was just accepted; return whether that could be done. The sweep does the rest."""
        if await self._recovery.is_on():
            return False
        return await pass_on_now(self._send(cancel), "cancellation", cancel.id)

    async def sweep(self) -> int:
        """Pass on, oldest first, what no workflow has been told of yet; return how many cancellations were.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await self._backlog.sweep()

    async def _send(self, cancel: UnsentCancel) -> bool:
        try:
            told = await self._told(cancel, _message(cancel))
        except (EngineRefusedError, ValueError) as error:
            # What cannot be read, or is not taken, gets no better: who asked is told, and can ask anew.
            _log.error("cancellation cannot be passed on", order=cancel.order_id, reason=str(error))
            await self._end(cancel, f"it could not be passed on to the order, so ask for it anew: {error}")
            return True
        if not told:
            await self._end(cancel)
        await self._cancellations.mark_sent(cancel.kind, cancel.id)
        _log.info("cancellation passed on", order=cancel.order_id, cancellation=cancel.id, told=told)
        return True

    async def _told(self, cancel: UnsentCancel, message: Cancel) -> bool:
        """Tell the order's workflow; return False when there is none any more.

        Raises:
            NotYetError: when there is none yet.
        """
        workflow_id = workflow_of(cancel.kind, cancel.order_id)
        if await self._engine.signal(workflow_id, Message.CANCEL.value, message):
            return True
        document = await self._orders.get(cancel.kind, cancel.order_id)
        if document is None or document["state"] in TERMINAL:
            return False
        if await self._starter.has_lost(cancel.kind, cancel.order_id):
            raise NotYetError(f"Temporal does not know the workflow of order {cancel.order_id}, which was started")
        if not is_root(cancel.order_id):
            return False
        if not await self._starter.start(cancel.order_id, document):
            raise NotYetError(f"order {cancel.order_id} is not started yet, so that nobody can be told to cancel it")
        return await self._engine.signal(workflow_id, Message.CANCEL.value, message)

    async def _end(self, cancel: UnsentCancel, why: str = "no workflow runs it any more") -> None:
        """Let a cancellation end: as its order has where that is cancelled, else in an error that says why."""
        document = await self._orders.get(cancel.kind, cancel.order_id) or {}
        state = document.get("state")
        if state == OrderState.CANCELLED:
            at = {"effectiveCancellationDate": date} if (date := document.get("cancellationDate")) else {}
            await self._cancellations.settle(cancel.kind, cancel.id, "done", **at)
            return
        ended = {
            "code": "ended",
            "reason": "The order has ended",
            "message": f"the {cancel.kind.value} is {state}, and {why}",
        }
        refused = {"code": "refused", "reason": "The cancellation did not reach the order", "message": why}
        told = ended if state in TERMINAL else refused
        await self._cancellations.settle(cancel.kind, cancel.id, "terminatedWithError", errorMessage=told)


def _tried(cancel: UnsentCancel) -> Tried:
    workflow_id = workflow_of(cancel.kind, cancel.order_id)
    return Tried(Work.CANCELLATION, cancel.id, "cancel the order", root_id(cancel.order_id), workflow_id)


def _message(cancel: UnsentCancel) -> Cancel:
    wish: dict[str, Any] = cancel.document
    at = wish.get("requestedCancellationDate")
    return Cancel(
        task=cancel.id,
        by=wish.get("author"),
        reason=wish.get("cancellationReason"),
        at=read_instant(at) if at else None,
    )
