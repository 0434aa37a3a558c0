"""Starts what tells listeners of events, and passes on what they are to be: at once, or by a sweep.

A listener's row says what was asked for, and its workflow is told of it until it knows.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import structlog

from api.engine import Engine, EngineRefusedError
from api.sweep import pass_on_all, pass_on_now, without_stopping
from orders.subscription import Subscription, SubscriptionState
from store.outbox import Outbox
from store.subscriptions import SubscriptionStore
from workflows.ids import subscription_workflow

_PRUNING_INTERVAL = timedelta(hours=1)
_LOOKING_INTERVAL = timedelta(minutes=1)

_WORDS = {SubscriptionState.ACTIVE: "resume", SubscriptionState.PAUSED: "pause"}
"""What a workflow that runs is told, by what its listener is to be."""

_log = structlog.get_logger(__name__)


class ListenerStarter:
    """Starts the workflows of registered listeners, and forgets events that are old and that none of them needs."""

    def __init__(self, subscriptions: SubscriptionStore, outbox: Outbox, engine: Engine, retention: timedelta) -> None:
        self._subscriptions = subscriptions
        self._outbox = outbox
        self._engine = engine
        self._retention = retention
        self._pruning, self._looking = _Pace(_PRUNING_INTERVAL), _Pace(_LOOKING_INTERVAL)

    async def start(self, subscription: Subscription) -> bool:
        """Start to tell a listener that was just registered, paused or resumed; return whether that was possible now.

        Its row has noted it before, so that the sweep sees to the rest.
        """
        return await pass_on_now(self._start(subscription), "listener", subscription.id)

    async def sweep(self) -> int:
        """Start what has not been started yet, and tell what was not told; return how many listeners it was.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await pass_on_all(self._subscriptions.unstarted, self._start)

    async def sweep_lost(self) -> int:
        """Start again what must run and does not, such as what was terminated, each minute at most; return how many.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next time.
            StoreUnavailableError: when the order store does not.
        """
        if not self._looking.is_due():
            return 0
        started = await self._subscriptions.started()
        return sum([await without_stopping(self._start_again, each) for each in started])

    async def stop(self, subscription_id: str) -> bool:
        """Tell the workflow of a listener that was taken off; return whether that was possible now."""
        return await pass_on_now(self._stop(subscription_id), "stop of a listener", subscription_id)

    async def sweep_stopped(self) -> int:
        """Tell the workflows of listeners that were taken off, and do not know yet; return how many.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await pass_on_all(self._subscriptions.unstopped, self._stop)

    async def prune(self) -> int:
        """Forget old events that no listener needs, hourly at most; return how many.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        if not self._pruning.is_due():
            return 0
        needed_after = await self._subscriptions.needed_after()
        return await self._outbox.prune(datetime.now(UTC) - self._retention, needed_after)

    async def _start(self, subscription: Subscription) -> bool:
        try:
            new = await self._engine.listen(subscription)
            if not new:
                await self._engine.signal(subscription_workflow(subscription.id), _WORDS[subscription.state])
        except EngineRefusedError as error:
            _log.error("listener refused by Temporal; it is tried again", listener=subscription.id, reason=str(error))
            return False
        await self._subscriptions.mark_started(subscription)
        _log.info("listener told", listener=subscription.id, state=subscription.state.value, new=new)
        return True

    async def _start_again(self, subscription: Subscription) -> bool:
        try:
            lost = await self._engine.listen(subscription)
        except EngineRefusedError as error:
            _log.error("lost listener refused by Temporal", listener=subscription.id, reason=str(error))
            return False
        if lost:
            _log.warning("lost listener started again", listener=subscription.id, position=subscription.position)
        return lost

    async def _stop(self, subscription_id: str) -> bool:
        try:
            await self._engine.signal(subscription_workflow(subscription_id), "stop")
        except EngineRefusedError as error:
            _log.error("Temporal refuses to stop a listener", listener=subscription_id, reason=str(error))
            return False
        await self._subscriptions.mark_stopped(subscription_id)
        return True


class _Pace:
    """Says when it is time again for what is done at the beginning, and then every `interval` at most."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval.total_seconds()
        self._last: float | None = None

    def is_due(self) -> bool:
        now = time.monotonic()
        if self._last is not None and now - self._last < self._interval:
            return False
        self._last = now
        return True
