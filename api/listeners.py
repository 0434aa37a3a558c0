"""Starts what tells listeners of events: at once where the engine is there, by a sweep where it was not."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import structlog

from api.engine import Engine, EngineRefusedError, EngineUnavailableError
from api.sweep import pass_on_all
from orders.subscription import Subscription
from store.errors import StoreUnavailableError
from store.outbox import Outbox
from store.subscriptions import SubscriptionStore
from workflows.ids import subscription_workflow

_PRUNING_INTERVAL = timedelta(hours=1)

_log = structlog.get_logger(__name__)


class ListenerStarter:
    """Starts the workflows of registered listeners, and forgets events that are old and that none of them needs."""

    def __init__(self, subscriptions: SubscriptionStore, outbox: Outbox, engine: Engine, retention: timedelta) -> None:
        self._subscriptions = subscriptions
        self._outbox = outbox
        self._engine = engine
        self._retention = retention
        self._pruned_at: float | None = None

    async def start(self, subscription: Subscription) -> bool:
        """Start to tell a listener that was just registered; return whether that was possible now."""
        try:
            return await self._start(subscription)
        except (EngineUnavailableError, StoreUnavailableError) as error:
            _log.warning("listener left to the sweep", listener=subscription.id, reason=str(error))
        return False

    async def sweep(self) -> int:
        """Start what has not been started yet; return how many listeners were.

        Raises:
            EngineUnavailableError: when the engine does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await pass_on_all(self._subscriptions.unstarted, self._start)

    async def stop(self, subscription_id: str) -> bool:
        """Tell the workflow of a listener that was taken off; return whether that was possible now."""
        try:
            return await self._stop(subscription_id)
        except (EngineUnavailableError, StoreUnavailableError) as error:
            _log.warning("its stop is left to the sweep", listener=subscription_id, reason=str(error))
        return False

    async def sweep_stopped(self) -> int:
        """Tell the workflows of listeners that were taken off, and do not know yet; return how many.

        Raises:
            EngineUnavailableError: when the engine does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await pass_on_all(self._subscriptions.unstopped, self._stop)

    async def prune(self) -> int:
        """Forget old events that no listener needs, hourly at most; return how many.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        now = time.monotonic()
        if self._pruned_at is not None and now - self._pruned_at < _PRUNING_INTERVAL.total_seconds():
            return 0
        self._pruned_at = now
        needed_after = await self._subscriptions.needed_after()
        return await self._outbox.prune(datetime.now(UTC) - self._retention, needed_after)

    async def _start(self, subscription: Subscription) -> bool:
        try:
            await self._engine.listen(subscription)
        except EngineRefusedError as error:
            _log.error("listener refused by the engine; it is tried again", listener=subscription.id, reason=str(error))
            return False
        await self._subscriptions.mark_started(subscription.id)
        _log.info("listener started", listener=subscription.id, callback=subscription.callback)
        return True

    async def _stop(self, subscription_id: str) -> bool:
        try:
            await self._engine.signal(subscription_workflow(subscription_id), "stop")
        except EngineRefusedError as error:
            _log.error("the engine refuses to stop a listener", listener=subscription_id, reason=str(error))
            return False
        await self._subscriptions.mark_stopped(subscription_id)
        return True
