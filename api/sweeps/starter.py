"""Starts what was accepted: at once where Temporal is there, by a sweep where it was not. Never lost, never twice.

The workflow's id follows from the order's, so however many gateways try, Temporal runs it once. That an order has
been started is noted a moment later, for many orders in one write; what a crash keeps from being noted is tried again.

An order that Temporal refuses may be a victim of how Temporal is set up, which operators see and mend: it is tried for
an hour. Then it is rejected with what Temporal said; one that is too large is at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from pydantic import ValidationError

from api.engine import Engine, EngineRefusedError, EngineUnavailableError, RequestTooLargeError, Whereabouts
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.sweep import Backlog, pass_on_now
from api.workflow_ids import workflow_of
from orders.intake import ids_of_items
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.order_ids import root_kind
from orders.model.posted import posted_order
from orders.plan.outcome import Failure
from orders.plan.reasons import reasons_document
from store.errors import StoreUnavailableError
from store.orders import OrderStore, UnstartedOrder
from store.setbacks import Setbacks, Tried, Work
from tmf.form_faults import in_words
from workflows.contracts.ids import root_workflow

REFUSAL_BORNE = timedelta(hours=1)
"""How long an order is tried again that Temporal refuses."""

_MOST_NOTED_AT_ONCE = 1000
_NOTING_PAUSE = 0.2
"""Seconds in which starts gather before they are noted: long for the store, short for the sweep of another gateway."""

_log = structlog.get_logger(__name__)


class Starter:
    """Starts the workflows of accepted orders.

    After Temporal was away once, new orders are left to the sweep for `interval`, so that taking one in stays quick.
    """

    def __init__(
        self,
        orders: OrderStore,
        setbacks: Setbacks,
        engine: Engine,
        interval: timedelta,
        clock: Callable[[], float] = time.monotonic,
        recovery: RecoveryMode = NO_RECOVERY,
    ) -> None:
        self._orders = orders
        self._setbacks = setbacks
        self._engine = engine
        self._recovery = recovery
        self._backlog = Backlog(
            Work.START,
            self._unstarted,
            lambda order: self._start(order.id, order.document),
            _tried,
            engine,
            setbacks,
            recovery,
        )
        self._interval = interval.total_seconds()
        self._clock = clock
        self._resting_until = float("-inf")
        self._unnoted: dict[tuple[OrderKind, str], None] = {}
        self._has_unnoted = asyncio.Event()

    async def start(self, order_id: str, document: dict[str, Any]) -> bool:
        """Start an order that was just accepted; return whether that was possible now. The sweep sees to the rest."""
        if self._clock() < self._resting_until or await self._recovery.is_on():
            return False
        return await pass_on_now(self._start_at_once(order_id, document), "order", order_id)

    async def has_lost(self, kind: OrderKind, order_id: str) -> bool:
        """Return whether Temporal does not know an order that was started: to start it anew would do all of it again.

        Raises:
            EngineUnavailableError, EngineRefusedError: when Temporal does not say.
            StoreUnavailableError: when the order store does not serve.
        """
        if not await self._orders.was_started(kind, order_id):
            return False
        return await self._engine.look(workflow_of(kind, order_id)) == Whereabouts.UNKNOWN

    async def sweep(self) -> int:
        """Start, oldest first, what has not been started yet; return how many orders were.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        try:
            return await self._backlog.sweep()
        except EngineUnavailableError:
            self._rest()
            raise

    async def note(self) -> None:
        """Note in the store which orders have been started since it was last done.

        Raises:
            StoreUnavailableError: when the order store does not serve; they are noted the next time.
        """
        while some := list(islice(self._unnoted, _MOST_NOTED_AT_ONCE)):
            await self._orders.mark_started(some)
            for each in some:
                self._unnoted.pop(each, None)

    async def note_for_ever(self) -> None:
        """Note what has been started, a moment after it was; what cannot be noted then is by the next sweep."""
        while True:
            await self._has_unnoted.wait()
            self._has_unnoted.clear()
            await asyncio.sleep(_NOTING_PAUSE)
            try:
                await self.note()
            except StoreUnavailableError as error:
                _log.warning("what was started is left to the sweep to be noted", reason=str(error))
            except Exception:
                _log.exception("what was started could not be noted; the sweep tries again")

    async def _unstarted(self) -> Sequence[UnstartedOrder]:
        await self.note()
        return await self._orders.unstarted()

    async def _start_at_once(self, order_id: str, document: dict[str, Any]) -> bool:
        """Start one order, as `_start`; where Temporal is away for all, leave the next ones to the sweep."""
        try:
            return await self._start(order_id, document)
        except EngineUnavailableError as error:
            try:
                await self._engine.check()
            except EngineUnavailableError:
                self._rest()
            raise error

    def _rest(self) -> None:
        self._resting_until = self._clock() + self._interval

    async def _start(self, order_id: str, document: dict[str, Any]) -> bool:
        """Start one order and note it, or let it end, for good, where that can never be; return whether it runs.

        Raises:
            EngineUnavailableError: when it has to be tried again.
            EngineRefusedError: as well, since Temporal does not take it as it is.
        """
        kind = root_kind(order_id)
        try:
            order = posted_order(kind, document)
        except ValidationError as error:
            await self._reject(kind, order_id, document, _unreadable(error))
            return False
        try:
            new = await self._engine.start(order)
        except (EngineRefusedError, ValueError) as error:
            if not isinstance(error, RequestTooLargeError) and not await self._was_borne(order_id):
                raise
            await self._reject(kind, order_id, document, _refused(error))
            return False
        self._resting_until = float("-inf")
        self._unnoted[kind, order_id] = None
        self._has_unnoted.set()
        _log.info("order started", order=order_id, new=new)
        return True

    async def _was_borne(self, order_id: str) -> bool:
        setback = (await self._setbacks.of(Work.START, [order_id])).get(order_id)
        return setback is not None and setback.at - setback.since >= REFUSAL_BORNE

    async def _reject(self, kind: OrderKind, order_id: str, document: dict[str, Any], reason: Failure) -> None:
        """Let an order end that can never be started."""
        rejected = OrderChange(
            kind=kind,
            order_id=order_id,
            version=1,
            state=OrderState.REJECTED,
            attributes=reasons_document(kind, [reason], (), datetime.now(UTC)),
            items={item_id: {"state": OrderState.REJECTED.value} for item_id in ids_of_items(kind, document)},
        )
        await self._orders.record([rejected])
        await self._orders.mark_started([(kind, order_id)])
        _log.error("order rejected, since it cannot be started", order=order_id, reason=reason.message)


def _unreadable(error: ValidationError) -> Failure:
    """Return why an order ends that was taken in under other rules."""
    faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {in_words(each)}" for each in error.errors())
    return Failure(code="unreadable", message=f"the order cannot be read, so place a new one: {faults}")


def _refused(error: Exception) -> Failure:
    too_large = isinstance(error, RequestTooLargeError)
    way_out = "split it into several orders" if too_large else "place it anew once what Temporal objects to is mended"
    return Failure(code="notStartable", message=f"the order cannot be started; {way_out}: {error}")


def _tried(order: UnstartedOrder) -> Tried:
    return Tried(Work.START, order.id, "start the order", order.id, root_workflow(order.id))
