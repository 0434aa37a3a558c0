"""Deliberate faults of the product, each of which the checks must find. They are outside of it: put on from here.

`make chaos MUTATION=name` runs with one, in every worker and gateway, and must end in failure.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import store.recording
from activities.billing import BillingActivities
from activities.inventory import InventoryActivities
from api.sweeps.starter import Starter
from application.addresses import RESERVATION, RESOURCE
from application.event_delivery import EventDelivery
from application.http import DownstreamSystem, Identified, at
from application.listeners import Listeners, NotTakenError
from orders.lifecycle.states import OrderState
from store.orders import OrderStore
from store.resource_locks import ResourceLocks
from store.tasks import TaskStore
from workflows.runtime import tracker

_EACH = 4
"""A fault that concerns some calls concerns one of so many."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault: what it is, a check that finds it, and what puts it on."""

    says: str
    found_by: str
    apply: Callable[[], None]


MUTATIONS: dict[str, Mutation] = {}


def _mutation(name: str, says: str, found_by: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def known(apply: Callable[[], None]) -> Callable[[], None]:
        MUTATIONS[name] = Mutation(says, found_by, apply)
        return apply

    return known


def _wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Have a method done by `around`, which is given the method as it was, and then its arguments."""
    before = getattr(owner, name)

    @functools.wraps(before)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        return around(before, *arguments, **options)

    @functools.wraps(before)
    async def wrapped_async(*arguments: Any, **options: Any) -> Any:
        return await around(before, *arguments, **options)

    # An activity that is no coroutine function would be run in a thread.
    setattr(owner, name, wrapped_async if inspect.iscoroutinefunction(before) else wrapped)


def _some() -> Iterator[bool]:
    return itertools.cycle([*[False] * (_EACH - 1), True])


@_mutation("lost-effect", "every fourth charge is never started, and an id is made up for it", "billing_is_exact")
def _lost_effect() -> None:
    now = _some()

    async def start(before: Callable[..., Awaitable[str]], self: Any, request: Any) -> str:
        return f"charge-{uuid4()}" if next(now) else await before(self, request)

    _wrap(BillingActivities, "_start", start)


@_mutation("double-effect", "each attempt has a key of its own, so that no repeat is known", "services_are_exact")
def _double_effect() -> None:
    async def call(before: Callable[..., Awaitable[Any]], *arguments: Any, key: str | None = None, **more: Any) -> Any:
        own = key and f"{key}~{uuid4().hex[:6]}"
        answer = await before(*arguments, key=own, **more)
        if own and arguments[2].endswith("/service"):
            # The answer was lost, and the call is repeated.
            answer = await before(*arguments, key=f"{own}~", **more)
        return answer

    _wrap(DownstreamSystem, "call", call)


@_mutation("residue", "an undo says that it gave a resource back, and did not", "resources_are_exact")
def _residue() -> None:
    async def release(_before: Any, _self: Any, _request: Any) -> None:
        return None

    _wrap(InventoryActivities, "release_resource", release)


@_mutation("illegal-transition", "an order is completed without having been in progress", "every_transition_is_legal")
def _illegal_transition() -> None:
    def to(before: Callable[..., None], self: Any, state: OrderState, **attributes: Any) -> None:
        if state == OrderState.IN_PROGRESS and self.state == OrderState.ACKNOWLEDGED:
            self.set(**attributes)
        else:
            before(self, state, **attributes)

    _wrap(tracker.OrderTracker, "to", to)
    _wrap(tracker.OrderTracker, "_by_way_of", lambda *_arguments: ())
    _wrap(tracker, "transition", lambda _before, _kind, _current, target: target)


@_mutation("event-lost", "an event that the listener did not take is given up at once", "every_event_arrives")
def _event_lost() -> None:
    now = _some()

    async def send(before: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        if not next(now):
            with suppress(NotTakenError):
                await before(*arguments)

    _wrap(Listeners, "send", send)


@_mutation("event-not-kept", "every fourth change is written without its events", "every_transition_is_legal")
def _event_not_kept() -> None:
    now = _some()

    def append(before: Callable[..., None], connection: Any, found: Sequence[Any]) -> None:
        before(connection, [] if next(now) else found)

    _wrap(store.recording, "append", append)


@_mutation("event-order", "the events of an order tree are sent the last one first", "events_arrive_in_order")
def _event_order() -> None:
    async def send_all(before: Callable[..., Awaitable[None]], self: Any, root: str, events: Sequence[Any]) -> None:
        for each in reversed(events):
            self._done.pop(root, None)  # else those before the last count as told
            await before(self, root, [each])

    _wrap(EventDelivery, "fresh", send_all)


@_mutation("silence", "a step of people waits, and no task tells anybody", "every_order_ends_or_waits_for_a_person")
def _silence() -> None:
    async def save(_before: Any, _self: Any, _task: Any) -> bool:
        return True

    _wrap(TaskStore, "save", save)


@_mutation("foreign-deletion", "an undo gives back what somebody else holds, too", "others_are_left_alone")
def _foreign_deletion() -> None:
    async def release(before: Callable[..., Awaitable[None]], self: Any, request: Any) -> None:
        await before(self, request)
        held = await self._inventory.search(
            RESOURCE, {"resourceStatus": "reserved", "resourceSpecification.id": "imsi"}, Identified
        )
        for each in held[:1]:
            await self._inventory.call("DELETE", at(RESERVATION, each.id), key=f"{request.key}/more", accept=(404, 422))

    _wrap(InventoryActivities, "release_resource", release)


@_mutation("lock-kept", "an order that ends keeps its resource locks", "nothing_runs_on_in_silence")
def _lock_kept() -> None:
    async def release(_before: Any, _self: Any, _order_id: str) -> list[str]:
        return []

    _wrap(ResourceLocks, "release", release)


@_mutation("order-lost", "every fourth order is answered 201, and not kept", "every_order_ends_or_waits_for_a_person")
def _order_lost() -> None:
    now = _some()

    async def accept(before: Callable[..., Awaitable[Any]], self: Any, order: Any) -> Any:
        return (order.document, True) if next(now) else await before(self, order)

    _wrap(OrderStore, "accept", accept)


@_mutation("order-forgotten", "every fourth order is not started, nor found later", "all_comes_to_rest")
def _order_forgotten() -> None:
    now = _some()

    async def start(before: Callable[..., Awaitable[bool]], self: Any, *arguments: Any) -> bool:
        return False if next(now) else await before(self, *arguments)

    async def sweep(_before: Any, _self: Any) -> int:
        return 0

    _wrap(Starter, "start", start)
    _wrap(Starter, "sweep", sweep)
