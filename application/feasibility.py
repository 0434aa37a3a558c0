"""Feasibility: can each service be had at its place (TMF645), and are there resources enough for it?"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from application.addresses import AVAILABILITY, QUALIFICATION
from application.answers import AvailabilityAnswer, Qualification, QualifiedItem
from application.http import Answer, DownstreamSystem
from orders.model.product_orders import WITH_VALUES, Action
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.order_documents import characteristic_list
from orders.plan.parts import ResourceItem, ServiceItem, ServiceOrderPlan
from tmf.bodies import Document

UNKNOWN_PLACE = "unknownPlace"
"""The code of a reason, in inventory's answers and in ours, that a place is none of those it knows."""

_AT_ONCE = 500
"""Questions of one request: its body is bounded, and no system works on one request for long."""

A = TypeVar("A")

_Subject = tuple[str | None, str | None]
"""What a reason is about: a place or a service order, and the item; None for the one that it does not depend on."""


class FeasibilityCheck:
    """Asks inventory what is possible; nothing is reserved."""

    def __init__(self, inventory: DownstreamSystem) -> None:
        self._inventory = inventory

    async def infeasible(
        self, plan: OrchestrationPlan, paths: Mapping[str, str], running: OrchestrationPlan | None = None
    ) -> list[Violation]:
        """Return why a plan is not possible, item by item; once for each place that inventory does not know.

        Args:
            paths: each item's JSON path of what it is about.
            running: the plan that the order runs already: what its service orders ask for, they have or will get.
        """
        moving = _moving(plan)
        # Of what goes to another place, that place is what is asked about.
        paths = {item_id: f"{path}.place" if item_id in moving else path for item_id, path in paths.items()}
        unqualified = await self._unqualified(plan, paths)
        return [*unqualified.values(), *await self._unavailable(plan, paths, running, unqualified.keys())]

    async def _unqualified(self, plan: OrchestrationPlan, paths: Mapping[str, str]) -> dict[_Subject, Violation]:
        asked = [
            (order, item)
            for order in plan.service_orders
            for item in order.items
            if item.customer_facing and item.action in WITH_VALUES
        ]
        questions = [_qualification(index, *each) for index, each in enumerate(asked)]
        results = await self._answers(
            QUALIFICATION,
            _requests([questions]),
            lambda some: {"serviceQualificationItem": some},
            lambda answer: answer.read_as(Qualification).service_qualification_item,
        )
        found: dict[_Subject, Violation] = {}
        for (order, item), result in zip(asked, results, strict=True):
            if result.qualification_result != "qualified":
                subject, violation = _against(order, item, result, paths[order.item_id])
                found.setdefault(subject, violation)
        return found

    async def _unavailable(
        self,
        plan: OrchestrationPlan,
        paths: Mapping[str, str],
        running: OrchestrationPlan | None,
        told: Collection[_Subject],
    ) -> list[Violation]:
        """Return what the pools have too few of; of places, and items without one, that are `told` of, nothing more."""
        demands = Counter[str]()
        items: dict[str, set[str]] = {}
        before = {key: _demands(resources) for key, _, resources in _resources(running)} if running else {}
        for key, item_id, resources in _resources(plan):
            placed = [each for each in resources if not {(None, item_id), (each.demand.place, None)}.intersection(told)]
            more = _demands(placed) - before.get(key, Counter())
            demands += more
            for demand in more:
                items.setdefault(demand, set()).add(item_id)
        by_pool: dict[str, list[str]] = defaultdict(list)
        for demand in demands:
            by_pool[_pool(demand)].append(demand)
        asked = [[{**json.loads(each), "quantity": demands[each]} for each in of] for of in by_pool.values()]
        results = await self._answers(
            AVAILABILITY,
            _requests(asked),
            lambda some: {"demands": some},
            lambda answer: answer.read_as(AvailabilityAnswer).results,
        )
        found = dict(zip(chain.from_iterable(by_pool.values()), results, strict=True))
        return [
            Violation(
                code="noCapacity",
                path=paths[item_id],
                item_id=item_id,
                message=found[demand].reason or f"{count} asked for, {found[demand].free} free",
            )
            for demand, count in demands.items()
            if not found[demand].available
            for item_id in sorted(items[demand])
        ]

    async def _answers(
        self,
        path: str,
        requests: Iterable[Sequence[Document]],
        said: Callable[[Sequence[Document]], Document],
        read: Callable[[Answer], list[A]],
    ) -> list[A]:
        """Ask inventory one request after the other; return the answers to all of their questions."""
        answers: list[A] = []
        for some in requests:
            answer = await self._inventory.call("POST", path, body=said(some))
            found = read(answer)
            if len(found) != len(some):
                raise answer.senseless(f"{len(found)} answers to {len(some)} questions")
            answers += found
        return answers


def _requests(groups: Iterable[Sequence[Document]]) -> list[list[Document]]:
    """Return questions as so many requests as they take; those of a group go together, unless they are too many."""
    requests: list[list[Document]] = []
    for group in groups:
        for start in range(0, len(group), _AT_ONCE):
            some = group[start : start + _AT_ONCE]
            if requests and len(requests[-1]) + len(some) <= _AT_ONCE:
                requests[-1] += some
            else:
                requests.append([*some])
    return requests


def _against(
    order: ServiceOrderPlan, item: ServiceItem, result: QualifiedItem, path: str
) -> tuple[_Subject, Violation]:
    """Return what speaks against a service, and whether that is a place, an item without one, or the two together."""
    name, why, there = item.specification.name, _why(result), f"{path.removesuffix('.place')}.place"
    if order.place is None:
        message = f"{name} is not possible without a place, and the item names none: {why}"
        found = Violation(code="placeMissing", path=there, message=message, item_id=order.item_id)
        return (None, order.item_id), found
    if any(reason.code == UNKNOWN_PLACE for reason in result.eligibility_unavailability_reason):
        message = f"place {order.place} is not known; give one that inventory knows, in the role installation"
        found = Violation(code=UNKNOWN_PLACE, path=there, message=message, item_id=order.item_id)
        return (order.place, None), found
    message = f"{name} is not possible at {order.place}: {why}"
    return (order.key, order.item_id), Violation(code="notFeasible", path=path, message=message, item_id=order.item_id)


def _moving(plan: OrchestrationPlan) -> set[str]:
    """Return the items of a plan by which something installed goes to another place."""
    products = (each.item_id for each in plan.products if each.moves)
    services = (order.item_id for order in plan.service_orders if any(item.moves for item in order.items))
    resources = (single.item_id for single in plan.resource_orders if single.replaced)
    return {*products, *services, *resources}


def _resources(plan: OrchestrationPlan) -> Iterator[tuple[str, str, list[ResourceItem]]]:
    """Yield each service or resource order of a plan by key, with the posted order's item, and its resources."""
    for order in plan.service_orders:
        yield order.key, order.item_id, [resource for item in order.items for resource in item.resources]
    for single in plan.resource_orders:
        yield single.key, single.item_id, [single.resource]


def _demands(resources: list[ResourceItem]) -> Counter[str]:
    """Return how often the pools are asked for what, as JSON."""
    return Counter(
        json.dumps(_demand(resource), sort_keys=True) for resource in resources if resource.action == Action.ADD
    )


def _demand(resource: ResourceItem) -> dict[str, Any]:
    demand: dict[str, Any] = {"resourceSpecification": {"id": resource.specification.id}}
    if resource.demand.criteria:
        demand["criteria"] = resource.demand.criteria
    if resource.demand.pool:
        demand["pool"] = resource.demand.pool
    if resource.demand.place:
        demand["place"] = {"id": resource.demand.place}
    if resource.demand.value is not None:
        demand["value"] = resource.demand.value
    return demand


def _pool(demand: str) -> str:
    """Return what tells the pool that a demand, as JSON, is about: what is asked of it is to be met together."""
    asked = json.loads(demand)
    return json.dumps([asked.get(name) for name in ("resourceSpecification", "pool", "place")])


def _qualification(index: int, order: ServiceOrderPlan, item: ServiceItem) -> dict[str, Any]:
    return {
        "id": str(index),
        "service": {
            "serviceSpecification": {"id": item.specification.id},
            "place": [{"id": order.place}] if order.place else [],
            "serviceCharacteristic": characteristic_list(item.characteristics),
        },
    }


def _why(result: QualifiedItem) -> str:
    reasons = [reason.label or reason.code or "" for reason in result.eligibility_unavailability_reason]
    return "; ".join(filter(None, reasons)) or "no reason given"
