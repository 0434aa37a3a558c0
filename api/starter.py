"""Starts what was accepted: at once where Temporal is there, by a sweep where it was not. Never lost, never twice.

The workflow's id follows from the order's, so however many gateways try, Temporal runs it once. That an order has
been started is noted a moment later, for many orders in one write; what a crash keeps from being noted is tried again.
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

from api.engine import Engine, EngineRefusedError, EngineUnavailableError
from api.sweep import pass_on_all, pass_on_now
from orders.change import OrderChange
from orders.form_faults import in_words
from orders.identity import root_kind
from orders.intake import ids_of_items
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import Failure
from orders.posted import posted_order
from orders.reasons import reasons_document
from store.errors import StoreUnavailableError
from store.orders import OrderStore, UnstartedOrder

_MOST_NOTED_AT_ONCE = 1000
_NOTING_PAUSE = 0.2
"""Seconds in which starts gather before they are noted: long for the store, short for the sweep of another gateway."""

_log = structlog.get_logger(__name__)


class Starter:
    """Starts the workflows of accepted orders.

    After Temporal failed once, new orders are left to the sweep for `interval`, so that taking one in stays quick.
    """

    def __init__(
        self, orders: OrderStore, engine: Engine, interval: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._orders = orders
        self._engine = engine
        self._interval = interval.total_seconds()
        self._clock = clock
        self._resting_until = float("-inf")
        self._unnoted: dict[tuple[OrderKind, str], None] = {}
        self._has_unnoted = asyncio.Event()

    async def start(self, order_id: str, document: dict[str, Any]) -> bool:
        """Start an order that was just accepted; return whether that was possible now. The sweep sees to the rest."""
        if self._clock() < self._resting_until:
            return False
        return await pass_on_now(self._start(order_id, document), "order", order_id)

    async def sweep(self) -> int:
        """Start, oldest first, what has not been started yet; return how many orders were.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await pass_on_all(self._unstarted, lambda order: self._start(order.id, order.document))

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

    async def _unstarted(self, skip: int) -> Sequence[UnstartedOrder]:
        await self.note()
        return await self._orders.unstarted(skip)

    async def _start(self, order_id: str, document: dict[str, Any]) -> bool:
        """Start one order and note it; return False when Temporal cannot take this order as it is."""
        kind = root_kind(order_id)
        try:
            order = posted_order(kind, document)
        except ValidationError as error:
            await self._reject(kind, order_id, document, error)
            return True
        try:
            new = await self._engine.start(order)
        except (EngineRefusedError, ValueError) as error:
            _log.error("order refused by Temporal; it is tried again", order=order_id, reason=str(error))
            return False
        except EngineUnavailableError:
            self._resting_until = self._clock() + self._interval
            raise
        self._resting_until = float("-inf")
        self._unnoted[kind, order_id] = None
        self._has_unnoted.set()
        _log.info("order started", order=order_id, new=new)
        return True

    async def _reject(self, kind: OrderKind, order_id: str, document: dict[str, Any], error: ValidationError) -> None:
        """Let an order end that was taken in under other rules and cannot be read, which will not change."""
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {in_words(each)}" for each in error.errors())
        reason = Failure(code="unreadable", message=f"the order cannot be read, so place a new one: {faults}")
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
        _log.error("order rejected, since it cannot be read", order=order_id, reason=faults)
