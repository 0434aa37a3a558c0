"""What is to be watched of events and their listeners, as metrics of the worker that delivers them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog
from temporalio.common import MetricMeter

from store.errors import StoreUnavailableError
from store.outbox import Outbox
from store.subscriptions import SubscriptionStore

INTERVAL: Final = timedelta(seconds=30)

_log = structlog.get_logger("worker")


class ListenerMetrics:
    """Looks into the order store now and then."""

    def __init__(self, meter: MetricMeter, outbox: Outbox, subscriptions: SubscriptionStore) -> None:
        self._given_up = meter.create_gauge("ordersaga_listeners_given_up", "Listeners that are told nothing any more")
        self._kept = meter.create_gauge("ordersaga_events_kept", "Events in the order store")
        self._outbox = outbox
        self._subscriptions = subscriptions

    async def look(self) -> None:
        """Set the metrics to what is there now.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        _, given_up = await self._subscriptions.given_up(0)
        self._given_up.set(given_up)
        self._kept.set(await self._outbox.kept())

    @asynccontextmanager
    async def kept_up_to_date(self) -> AsyncIterator[None]:
        """Look while the context is open."""
        looking = asyncio.create_task(self._look_for_ever())
        try:
            yield
        finally:
            looking.cancel()

    async def _look_for_ever(self) -> None:
        while True:
            try:
                await self.look()
            except StoreUnavailableError as error:
                _log.warning("events cannot be counted", reason=str(error))
            except Exception:
                _log.exception("events cannot be counted")
            await asyncio.sleep(INTERVAL.total_seconds())
