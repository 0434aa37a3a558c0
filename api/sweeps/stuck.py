"""Stuck work: what does not get on, looked for by a sweep and told to operators with the error and what to do.

An order is late when it is not started within minutes. What gateways and workers try again and again they note in the
order store; of workflows whose own code fails, Temporal keeps a list. So to look costs a few queries, however many
orders there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import structlog
from pydantic import Field

from api.engine import Engine, EngineRefusedError, EngineUnavailableError, TroubledWorkflow
from orders.differences import ADVICE, MEANINGS
from orders.events.subscription import Subscription
from store.differences import DifferenceStore, Standing
from store.errors import StoreUnavailableError
from store.orders import LateOrder, OrderStore
from store.setbacks import Setback, Setbacks, Work
from store.subscriptions import SubscriptionStore
from store.systems import SystemState, SystemStates
from tmf.instants import UtcDatetime
from tmf.model import Model
from workflows.contracts.ids import root_order_of, root_workflow, subscription_workflow

SHOWN = 100
"""Stuck things that are told of each sort, the oldest first."""
LATE_AFTER = timedelta(minutes=2)
"""How long an accepted order may wait for its start."""
_FAILED_OFTEN = 3
_LOOKS_EVERY = timedelta(seconds=30)
_EVER = datetime.min.replace(tzinfo=UTC)
_STALE_AFTER = timedelta(minutes=5)

_log = structlog.get_logger(__name__)


class StuckKind(StrEnum):
    """What sort of thing does not get on."""

    ORDER = "order"
    CANCELLATION = "cancellation"
    LISTENER = "listener"
    REMOVAL = "removal"
    ACTIVITY = "activity"
    WORKFLOW = "workflow"
    QUEUE = "queue"
    EVENT = "event"
    DIFFERENCE = "difference"
    GIVEN_UP_LISTENER = "givenUpListener"
    SYSTEM = "system"
    FAILURE = "failure"


_PLURALS = {
    StuckKind.ORDER: ("order is not started", "orders are not started"),
    StuckKind.CANCELLATION: ("cancellation does not reach its order", "cancellations do not reach their orders"),
    StuckKind.LISTENER: ("listener cannot be told of events", "listeners cannot be told of events"),
    StuckKind.REMOVAL: ("listener cannot be taken off", "listeners cannot be taken off"),
    StuckKind.ACTIVITY: ("activity fails again and again", "activities fail again and again"),
    StuckKind.WORKFLOW: ("workflow cannot go on", "workflows cannot go on"),
    StuckKind.QUEUE: ("queue has no worker", "queues have no worker"),
    StuckKind.EVENT: ("event cannot be told", "events cannot be told"),
    StuckKind.DIFFERENCE: ("difference was found", "differences were found"),
    StuckKind.GIVEN_UP_LISTENER: ("listener was given up", "listeners were given up"),
    StuckKind.SYSTEM: ("system is away or paused", "systems are away or paused"),
    StuckKind.FAILURE: ("failure of a service cannot be seen to", "failures of services cannot be seen to"),
}

_ADVICE = {
    StuckKind.ORDER: "mend what the error says: it is tried every few minutes. What Temporal refuses for an hour is "
    "rejected, and can be placed anew",
    StuckKind.CANCELLATION: "mend what the error says: it is tried every few minutes",
    StuckKind.LISTENER: "mend what the error says: it is tried every few minutes; or take the listener off",
    StuckKind.REMOVAL: "mend what the error says, or cancel its workflow: nothing is sent to the listener any more",
    StuckKind.ACTIVITY: "mend what the error says: it is tried again by itself; or cancel the order",
    StuckKind.WORKFLOW: "the workers' logs say why. Run workers of a release that can go on with it: it does so by "
    "itself",
    StuckKind.QUEUE: "start a worker that serves it",
    StuckKind.EVENT: "its listeners were told of what comes behind it. Where another release has written it, run that "
    "one's workers, and replay from then on: `ordersaga hub replay`. It is told of for a day",
    StuckKind.SYSTEM: "its calls wait, and fail nothing. One that is away is tried again by itself; get it up",
    StuckKind.FAILURE: "mend what the error says: it is tried every few minutes",
}
_GIVEN_UP = (
    "once it can be reached, `ordersaga hub resume {0}` tells it what is still kept, with `--from-now` only what "
    "comes; or take it off: `ordersaga hub remove {0}`"
)
_WAITS_FOR_TEMPORAL = "it is started by itself once Temporal answers; see what `GET /health/ready` says of it"

_KINDS = {
    Work.START: StuckKind.ORDER,
    Work.CANCELLATION: StuckKind.CANCELLATION,
    Work.LISTENER: StuckKind.LISTENER,
    Work.REMOVAL: StuckKind.REMOVAL,
    Work.ACTIVITY: StuckKind.ACTIVITY,
    Work.EVENT: StuckKind.EVENT,
    Work.ASSURANCE: StuckKind.FAILURE,
}


class Stuck(Model):
    """Something that does not get on."""

    kind: StuckKind
    id: str = Field(description="Of the order, cancellation, listener, queue, system or thing; else of the workflow.")
    order_id: str | None = Field(default=None, description="The order at the top of the tree that it belongs to.")
    workflow_id: str | None = None
    what: str = Field(description="What does not succeed, in words.")
    error: str | None = Field(default=None, description="What went wrong last.")
    attempts: int | None = Field(default=None, description="How often it has been tried.")
    since: UtcDatetime | None = Field(default=None, description="Since when, where that is known.")
    advice: str = Field(description="What to do.")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found stuck: the oldest of each sort, and how much there is of each."""

    stuck: list[Stuck]
    totals: Mapping[StuckKind, int]

    @property
    def total(self) -> int:
        return sum(self.totals.values())

    def __str__(self) -> str:
        counted = [f"{number} {_PLURALS[kind][number > 1]}" for kind, number in self.totals.items() if number]
        first = min(self.stuck, key=lambda each: each.since or _EVER)
        since = f", since {first.since:%Y-%m-%d %H:%M} UTC" if first.since else ""
        why = f": {first.error}" if first.error else ""
        oldest = f"the first is {first.kind} {first.id}{since}{why}"
        return f"{', '.join(counted)}; {oldest}. `ordersaga status` shows each"


class StuckWork:
    """Looks for what does not get on."""

    def __init__(
        self,
        orders: OrderStore,
        setbacks: Setbacks,
        engine: Engine,
        subscriptions: SubscriptionStore,
        systems: SystemStates,
        differences: DifferenceStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._systems = systems
        self._orders = orders
        self._subscriptions = subscriptions
        self._differences = differences
        self._setbacks = setbacks
        self._engine = engine
        self._now = now
        self._last = Found([], {})
        self._looked_at = now()

    async def find(self) -> Found:
        """Return what is stuck now.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        late, number_late = await self._orders.late_to_start(self._now() - LATE_AFTER, SHOWN)
        noted, numbers = await self._setbacks.standing(_FAILED_OFTEN, SHOWN)
        given_up, number_given_up = await self._subscriptions.given_up(SHOWN)
        totals = {StuckKind.ORDER: number_late} | {_KINDS[work]: number for work, number in numbers.items()}
        totals[StuckKind.GIVEN_UP_LISTENER] = number_given_up
        differences, numbers_different = await self._differences.standing(SHOWN)
        totals[StuckKind.DIFFERENCE] = sum(numbers_different.values())
        troubled: list[TroubledWorkflow] = []
        unserved: list[str] = []
        # That Temporal is away is told by another part of the gateway's health.
        with suppress(EngineUnavailableError, EngineRefusedError):
            troubled, totals[StuckKind.WORKFLOW] = await self._engine.troubled(SHOWN)
            unserved = await self._engine.unserved()
            totals[StuckKind.QUEUE] = len(unserved)
        waiting = [each for each in map(self._waiting, (await self._systems.all()).values()) if each]
        totals[StuckKind.SYSTEM] = len(waiting)
        starts = await self._setbacks.of(Work.START, [each.id for each in late])
        stuck = [
            *waiting,
            *map(_unserved, unserved),
            *(_late(each, starts.get(each.id)) for each in late),
            *map(_noted, noted),
            *map(_given_up, given_up),
            *map(_troubled, troubled),
            *map(different, differences),
        ]
        return Found(stuck, totals)

    def _waiting(self, system: SystemState) -> Stuck | None:
        """Return a system whose calls wait, one for all orders that wait for it."""
        pause = system.paused(self._now())
        since = pause.since if pause else system.away_since
        if since is None:
            return None
        return Stuck(
            kind=StuckKind.SYSTEM,
            id=system.name,
            what="take calls",
            error=f"{system.name} {pause}" if pause else system.error,
            since=since,
            advice=f"end the pause with `ordersaga system resume {system.name}`"
            if pause
            else _ADVICE[StuckKind.SYSTEM],
        )

    async def look(self) -> None:
        """Look, and keep what was found for the gateway's health.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        await self._setbacks.forget_past()
        found = await self.find()
        if {each.id for each in found.stuck} - {each.id for each in self._last.stuck}:
            _log.warning("stuck", what=str(found))
        self._last, self._looked_at = found, self._now()

    async def look_for_ever(self) -> None:
        """Look now and then: by itself, so that it is seen, too, where the sweeps that pass things on hang."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY.total_seconds())
            try:
                await self.look()
            except StoreUnavailableError as error:
                _log.warning("cannot look for what is stuck", reason=str(error))
            except Exception:
                _log.exception("cannot look for what is stuck")

    def trouble(self) -> str | None:
        """Say what was stuck when the sweep looked last, or that it does not look any more; None where all gets on."""
        if self._now() - self._looked_at > _STALE_AFTER:
            return f"since {self._looked_at:%Y-%m-%d %H:%M} UTC it could not be seen what is stuck; the log says why"
        return str(self._last) if self._last.total else None


def different(standing: Standing) -> Stuck:
    """Return a difference as it is shown, with what helps."""
    found = standing.difference
    return Stuck(
        kind=StuckKind.DIFFERENCE,
        id=found.id,
        order_id=found.order_id,
        workflow_id=found.workflow_id,
        what=f"{MEANINGS[found.kind]} ({found.kind})",
        error=found.error,
        attempts=standing.looks,
        since=standing.since,
        advice=ADVICE[found.kind].replace("ORDER", found.order_id or "ORDER"),
    )


def _unserved(queue: str) -> Stuck:
    return Stuck(
        kind=StuckKind.QUEUE,
        id=queue,
        what="have a worker",
        error="no worker has asked for its work for minutes",
        advice=f"{_ADVICE[StuckKind.QUEUE]}: `ordersaga worker --queue {queue}`",
    )


def _late(order: LateOrder, setback: Setback | None) -> Stuck:
    return Stuck(
        kind=StuckKind.ORDER,
        id=order.id,
        order_id=order.id,
        workflow_id=root_workflow(order.id),
        what="start the order",
        error=setback.error if setback else None,
        attempts=setback.attempts if setback else None,
        since=order.accepted_at,
        advice=_ADVICE[StuckKind.ORDER] if setback else _WAITS_FOR_TEMPORAL,
    )


def _noted(setback: Setback) -> Stuck:
    tried = setback.tried
    kind = _KINDS[tried.work]
    return Stuck(
        kind=kind,
        id=(tried.workflow_id if kind == StuckKind.ACTIVITY else None) or tried.id,
        order_id=tried.order_id,
        workflow_id=tried.workflow_id,
        what=tried.what,
        error=setback.error,
        attempts=setback.attempts,
        since=setback.since,
        advice=_ADVICE[kind],
    )


def _given_up(listener: Subscription) -> Stuck:
    return Stuck(
        kind=StuckKind.GIVEN_UP_LISTENER,
        id=listener.id,
        workflow_id=subscription_workflow(listener.id),
        what=f"tell {listener.callback} of events",
        error=listener.state_reason,
        since=listener.state_since,
        advice=_GIVEN_UP.format(listener.id),
    )


def _troubled(found: TroubledWorkflow) -> Stuck:
    return Stuck(
        kind=StuckKind.WORKFLOW,
        id=found.id,
        order_id=root_order_of(found.id),
        workflow_id=found.id,
        what=f"go on with {found.type}",
        error=", ".join(found.causes) or None,
        since=found.started_at,
        advice=_ADVICE[StuckKind.WORKFLOW],
    )
