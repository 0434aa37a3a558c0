"""Starts what tells listeners of events, and passes on what they are to be: at once, or by a sweep.

A listener's row says what was asked for, and its workflow is told of it until it knows.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from api.engine import Engine, EngineRefusedError
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.sweep import Backlog, OneByOne, Pace, pass_on_now
from orders.events.hubs import events_of
from orders.events.subscription import Subscription, SubscriptionState
from store.outbox import Outbox
from store.setbacks import Setbacks, Tried, Work
from store.subscriptions import SubscriptionStore
from tmf.words import reason_of
from workflows.contracts.ids import subscription_workflow

_PRUNING_INTERVAL = timedelta(hours=1)
_LOOKING_INTERVAL = timedelta(minutes=1)

_WORDS = {
    SubscriptionState.ACTIVE: "resume",
    SubscriptionState.PAUSED: "pause",
    SubscriptionState.GIVEN_UP: "pause",
}
"""What a workflow that runs is told, by what its listener is to be."""

_log = structlog.get_logger(__name__)


class ListenerStarter:
    """Starts the workflows of registered listeners, and forgets events that are old and that none of them needs."""

    def __init__(
        self,
        subscriptions: SubscriptionStore,
        outbox: Outbox,
        setbacks: Setbacks,
        engine: Engine,
        retention: timedelta,
        recovery: RecoveryMode = NO_RECOVERY,
    ) -> None:
        self._subscriptions = subscriptions
        self._outbox = outbox
        self._engine = engine
        self._retention = retention
        self._pruning, self._looking = Pace(_PRUNING_INTERVAL), Pace(_LOOKING_INTERVAL)
        self._recovery = recovery
        self._unstarted = Backlog(
            Work.LISTENER, subscriptions.unstarted, self._start, _tried_to_start, engine, setbacks, recovery
        )
        self._unstopped = Backlog(
            Work.REMOVAL, subscriptions.unstopped, self._stop, _tried_to_stop, engine, setbacks, recovery
        )

    async def start(self, subscription: Subscription) -> bool:
        """Start to tell a listener that was just registered, paused or resumed; return whether that was possible now.

        Its row has noted it before, so that the sweep sees to the rest.
        """
        if await self._recovery.is_on():
            return False
        return await pass_on_now(self._start(subscription), "listener", subscription.id)

    async def sweep(self) -> int:
        """Start what has not been started yet, and tell what was not told; return how many listeners it was.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await self._unstarted.sweep()

    async def sweep_lost(self) -> int:
        """Start again what must run and does not, such as what was terminated, each minute at most; return how many.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next time.
            StoreUnavailableError: when the order store does not.
        """
        if await self._recovery.is_on() or not self._looking.is_due():
            return 0
        again = list[str]()
        one_by_one = OneByOne(self._engine)
        for each in await self._subscriptions.started():
            if error := await one_by_one.trouble_with(self._start_again(each, again)):
                _log.error("cannot see whether a listener is told", listener=each.id, reason=reason_of(error))
        return len(again)

    async def stop(self, subscription_id: str) -> bool:
        """Tell the workflow of a listener that was taken off; return whether that was possible now."""
        if await self._recovery.is_on():
            return False
        return await pass_on_now(self._stop(subscription_id), "stop of a listener", subscription_id)

    async def sweep_stopped(self) -> int:
        """Tell the workflows of listeners that were taken off, and do not know yet; return how many.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        return await self._unstopped.sweep()

    async def prune(self) -> int:
        """Forget old events that no listener needs, and secrets that sign nothing any more, hourly at most.

        Returns how many events it were.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        if await self._recovery.is_on() or not self._pruning.is_due():
            return 0
        now, needed = await self._outbox.now(), dict[str, int]()
        await self._subscriptions.forget_old_secrets(now)
        for hub, position in (await self._subscriptions.needed_after()).items():
            api = events_of(hub)
            needed[api] = min(needed.get(api, position), position)
        return await self._outbox.prune(now - self._retention, needed)

    async def _start(self, subscription: Subscription) -> bool:
        try:
            new = await self._engine.listen(subscription)
            if not new:
                await self._engine.signal(subscription_workflow(subscription.id), _WORDS[subscription.state])
        except EngineRefusedError as error:
            # Shown where its owner looks, who alone can register another one.
            await self._subscriptions.record(subscription.id, error=f"cannot be told of events: {error}")
            raise
        await self._subscriptions.mark_started(subscription)
        _log.info("listener told", listener=subscription.id, state=subscription.state.value, new=new)
        return True

    async def _start_again(self, subscription: Subscription, again: list[str]) -> None:
        if await self._engine.listen(subscription):
            again.append(subscription.id)
            _log.warning("lost listener started again", listener=subscription.id, position=subscription.position)

    async def _stop(self, subscription_id: str) -> bool:
        await self._engine.signal(subscription_workflow(subscription_id), "stop")
        await self._subscriptions.mark_stopped(subscription_id)
        return True


def _tried_to_start(subscription: Subscription) -> Tried:
    workflow_id = subscription_workflow(subscription.id)
    return Tried(Work.LISTENER, subscription.id, "tell a listener of events", workflow_id=workflow_id)


def _tried_to_stop(subscription_id: str) -> Tried:
    workflow_id = subscription_workflow(subscription_id)
    return Tried(Work.REMOVAL, subscription_id, "stop telling a listener that was taken off", workflow_id=workflow_id)
