"""Enacts plans node by node, amends them on the way and undoes them, as the workflows do: what there is then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from catalogs.model.expressions import evaluate_late
from orders.change.amendment import NodeProgress, NodeState, decide
from orders.change.comparison import compare
from orders.change.compensation import undo_resources, undo_service_order
from orders.change.redo import merged_outcome, modified_service_order
from orders.model.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.model.product_orders import Action
from orders.model.revision import NodeAction
from orders.plan.keys import REPLACED
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.outcome import AssignedResource, ServiceOrderOutcome
from orders.plan.parts import Characteristics, ProductPlan, ResourceItem, ResourcePlan, ServiceItem, ServiceOrderPlan
from tests.catalogs.installation import in_sequence
from tests.orders.stock import Inputs, Stock

_Node = ServiceOrderPlan | ResourcePlan | ProductPlan
_TAKEN_BACK = (NodeAction.REPLACE, NodeAction.UNDO)


class PlacedStock(Stock):
    """A stock for the shipped catalogs: its resources know where they are, and expressions are those of catalogs."""

    def reserve(self, item: ResourceItem) -> AssignedResource:
        resource = super().reserve(item)
        given = {"at": item.demand.place, "criteria": item.demand.criteria}
        self.resources[str(resource.value)] = given
        return resource.model_copy(update={"characteristics": given})

    def evaluated(self, late: Mapping[str, str], assigned: Inputs, services: Inputs) -> Characteristics:
        return evaluate_late(dict(late), dict(assigned), dict(services))


@dataclass
class World:
    """What there is, and what an order that is on its way has done of its plan."""

    stock: PlacedStock = field(default_factory=PlacedStock)
    products: dict[str, InstalledProduct] = field(default_factory=dict)
    services: dict[str, InstalledService] = field(default_factory=dict)
    """The services that orders realise, by id."""
    customers: dict[str, str | None] = field(default_factory=dict)
    """Whose each service is, its parts too: nobody asks again once it is there."""
    resources: dict[str, InstalledResource] = field(default_factory=dict)
    """The resources that are ordered by themselves, by id."""
    plan: OrchestrationPlan | None = None
    done: dict[str, ServiceOrderOutcome | None] = field(default_factory=dict)
    """The nodes that are done; of service orders, what they came to."""
    assigned: dict[str, dict[str, AssignedResource]] = field(default_factory=dict)
    """Resource order that is done → what it came to."""
    records: dict[str, Any] = field(default_factory=dict)
    """What inventory had of the installed services that the order's plans name."""
    before: dict[str, Any] = field(default_factory=dict)
    """Node → the product, the service, or all single resources as they were before."""

    def base(self) -> InstalledBase:
        return InstalledBase(
            products={
                key: product.model_copy(update={"services": [self.services[each.id] for each in product.services]})
                for key, product in self.products.items()
            }
        )

    def singles(self) -> InstalledBase:
        """Return what posted orders of services and resources find there."""
        return InstalledBase(single_services=dict(self.services), single_resources=dict(self.resources))

    def begin(self, plan: OrchestrationPlan, nodes: Collection[str] | None = None) -> None:
        """Do an order's plan, or only some nodes of it together with all that these wait for."""
        self.plan, self.done, self.assigned, self.before, self.records = plan, {}, {}, {}, {}
        self._with_records(plan)
        needs = plan.graph().dependencies()
        wanted = set(needs) if nodes is None else _with_needs(nodes, needs)
        for key in TopologicalSorter(needs).static_order():
            if key in wanted:
                self._do(key)

    def amend(self, plan: OrchestrationPlan) -> None:
        """Go on as another version of the order wants it, to its end."""
        assert self.plan
        old = self.plan
        progress = {key: NodeProgress(state=NodeState.DONE) for key in self.done}
        decided = decide(compare(old, plan), old.graph(), plan.graph(), progress)
        assert decided.refusals == []
        actions = {each.key: each.action for each in decided.changes}
        for key in reversed(list(self.done)):
            if actions[key] in _TAKEN_BACK:
                self._take_back(key)
        self.plan = self._with_records(plan)
        for key in TopologicalSorter(plan.graph().dependencies()).static_order():
            if key not in self.done:
                self._do(key)
            elif actions[key] is NodeAction.MODIFY:
                self._change(key, next(each for each in old.service_orders if each.key == key))

    def take_back(self) -> None:
        """Undo all that the order has done."""
        for key in reversed(list(self.done)):
            self._take_back(key)

    def _with_records(self, plan: OrchestrationPlan) -> OrchestrationPlan:
        """Note in a plan what inventory has of each installed service, before the order changes it."""
        for item in (item for each in plan.service_orders for item in each.items if item.service_id):
            item.record = self.records.setdefault(str(item.service_id), dict(self.stock.services[str(item.service_id)]))
        return plan

    def _node(self, key: str) -> _Node | None:
        assert self.plan
        plan = self.plan
        nodes: list[_Node] = [*plan.service_orders, *plan.resource_orders, *plan.products]
        return next((each for each in nodes if each.key == key), None)

    def _do(self, key: str) -> None:
        node = self._node(key)
        self.done[key] = None
        if isinstance(node, ServiceOrderPlan):
            self._came_to(node, self.stock.run(node, self._inputs(node)))
        elif isinstance(node, ResourcePlan):
            self._assign(node)
        elif isinstance(node, ProductPlan) and node.action is not Action.NO_CHANGE:
            self._record(node)

    def _change(self, key: str, old: ServiceOrderPlan) -> None:
        node, done = self._node(key), self.done[key]
        assert isinstance(node, ServiceOrderPlan)
        assert done
        delta = modified_service_order(old, done, node)
        self._came_to(node, merged_outcome(done, delta, self.stock.run(delta, self._inputs(node))))

    def _inputs(self, plan: ServiceOrderPlan) -> Inputs:
        found = {name: self.done[key] for name, key in plan.inputs.items()}
        return {name: outcome.customer_facing().characteristics for name, outcome in found.items() if outcome}

    def _came_to(self, plan: ServiceOrderPlan, outcome: ServiceOrderOutcome) -> None:
        self.done[plan.key] = outcome
        there = outcome.customer_facing().id
        self.before.setdefault(plan.key, self.services.get(there))
        for each in outcome.services.values():
            self.customers.setdefault(each.id, plan.customer_id)
        whole = self._service(plan.customer_facing_item(), plan, outcome)
        self.services.pop(there, None)
        if whole:
            parts: dict[str, InstalledService] = {}
            for item in in_sequence(plan.items):
                if not item.customer_facing and (part := self._service(item, plan, outcome)):
                    supports = [parts[each] for each in item.relies_on if each in parts]
                    parts[item.key] = part.model_copy(update={"services": supports})
            key = plan.key.rpartition(":")[2]
            self.services[there] = whole.model_copy(update={"key": key, "services": list(parts.values())})

    def _service(
        self, item: ServiceItem, plan: ServiceOrderPlan, outcome: ServiceOrderOutcome
    ) -> InstalledService | None:
        if item.action is Action.DELETE:
            return None
        done = outcome.services[item.key]
        return InstalledService(
            id=done.id,
            key=item.key,
            specification_id=item.specification.id,
            state="active",
            place=plan.place_of(item),
            customer_id=self.customers[done.id],
            characteristics=done.characteristics,
            resources=[
                _resource(each, done.resources[each.key]) for each in item.resources if each.action is not Action.DELETE
            ],
        )

    def _assign(self, plan: ResourcePlan) -> None:
        items = plan.resource_order().resources
        done = self.assigned[plan.key] = self.stock.assign(items)
        self.before[plan.key] = dict(self.resources)
        for item in items:
            there = done[item.key]
            self.resources.pop(there.id, None)
            if item.action is not Action.DELETE:
                self.resources[there.id] = _resource(item, there)

    def _record(self, plan: ProductPlan) -> None:
        assert self.plan
        key = _id_of(plan)
        there = self.before[plan.key] = self.products.pop(key, None)
        if plan.action is Action.DELETE:
            return
        ids = {each.key: _id_of(each) for each in self.plan.products}
        ended = {ids[each.key] for each in self.plan.products if each.action is Action.DELETE}
        touched = {each.rpartition(":")[2].removesuffix(REPLACED) for each in plan.services}
        services = [each for each in there.services if each.key not in touched] if there else []
        for service_order in plan.services:
            outcome = self.done[service_order]
            assert outcome
            if (realised := outcome.customer_facing().id) in self.services:
                services.append(self.services[realised])
        components = [*(there.components if there else []), *(ids[each] for each in plan.components)]
        relies_on = [*(there.relies_on if there else []), *(ids[each] for each in plan.relies_on)]
        self.products[key] = InstalledProduct(
            id=key,
            name=plan.name,
            status="active",
            offering_id=plan.offering.id if plan.offering else None,
            specification_id=plan.specification.id if plan.specification else None,
            customer_id=plan.customer_id,
            place=plan.place,
            billing_account=plan.billing_account,
            characteristics=plan.characteristics,
            prices=plan.prices,
            services=services,
            components=sorted({*components} - ended),
            relies_on=sorted({*relies_on} - ended),
        )

    def _take_back(self, key: str) -> None:
        node, outcome = self._node(key), self.done.pop(key)
        if isinstance(node, ServiceOrderPlan):
            assert outcome
            self.stock.run(undo_service_order(node, outcome), undo=True)
            self.services.pop(outcome.customer_facing().id, None)
            if before := self.before.pop(key):
                self.services[before.id] = before
        elif isinstance(node, ResourcePlan):
            self.stock.assign(undo_resources(node.resource_order().resources, self.assigned.pop(key)))
            self.resources = self.before.pop(key)
        elif isinstance(node, ProductPlan) and key in self.before:
            self.products.pop(_id_of(node), None)
            if before := self.before.pop(key):
                self.products[before.id] = before


def _with_needs(nodes: Collection[str], needs: Mapping[str, list[str]]) -> set[str]:
    wanted: set[str] = set()
    more = set(nodes)
    while more:
        wanted |= more
        more = {need for key in more for need in needs[key]} - wanted
    return wanted


def _id_of(plan: ProductPlan) -> str:
    return plan.product_id or f"product-{plan.key}"


def _resource(item: ResourceItem, assigned: AssignedResource) -> InstalledResource:
    return InstalledResource(
        id=assigned.id,
        key=item.key,
        specification_id=item.specification.id,
        value=assigned.value,
        pool=item.demand.pool,
        place=assigned.characteristics["at"],
        characteristics=assigned.characteristics,
    )


def outline_of(base: InstalledBase) -> dict[str, Any]:
    """Return what is installed under the keys that things have, whatever ids and values they came to have."""
    names: dict[str, str] = {}

    def name(service: InstalledService, path: str) -> None:
        names[service.id] = path
        for resource in service.resources:
            names[resource.id] = f"{path}/{resource.key} id"
            if resource.value:
                names[resource.value] = f"{path}/{resource.key}"
        for part in service.services:
            name(part, f"{path}/{part.key}")

    for product in base.products.values():
        for service in product.services:
            name(service, f"{product.id}:{service.key}")

    def named(value: Any) -> Any:
        match value:
            case dict():
                return {key: named(each) for key, each in value.items()}
            case list():
                return sorted((named(each) for each in value), key=str)
        return names.get(value, value) if isinstance(value, str) else value

    return {key: named(product.model_dump(mode="json")) for key, product in base.products.items()}
