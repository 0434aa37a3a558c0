"""A small stock of services and resources that plays service orders through, as their workflow does."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from orders.model.product_orders import Action
from orders.plan.graph import in_order
from orders.plan.order_documents import characteristic_list, place_reference
from orders.plan.outcome import AssignedResource, RealisedService, ServiceOrderOutcome
from orders.plan.parts import Characteristics, ResourceItem, ServiceItem, ServiceOrderPlan

Inputs = Mapping[str, Characteristics]


class Stock:
    """What there is of services and resources. Resources come from endless pools that give none twice unless asked."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Any]] = {}
        self.resources: dict[str, Characteristics] = {}
        """Value of a resource in use → its characteristics."""
        self.taken: set[str] = set()
        """Values that someone else holds."""
        self._used: set[str] = set()
        self._ids = itertools.count(1)

    def contents(self) -> dict[str, Any]:
        """Return what is in use."""
        active = {key: each for key, each in self.services.items() if each["state"] == "active"}
        services = {
            key: {name: sorted(value, key=str) if isinstance(value, list) else value for name, value in record.items()}
            for key, record in active.items()
        }
        return copy.deepcopy({"services": services, "resources": self.resources})

    def run(self, plan: ServiceOrderPlan, inputs: Inputs | None = None, *, undo: bool = False) -> ServiceOrderOutcome:
        """Play a service order through, and return what it came to."""
        return _Run(self, plan, {**plan.given, **(inputs or {})}, undo=undo).run()

    def evaluated(self, late: Mapping[str, str], assigned: Inputs, services: Inputs) -> Characteristics:
        return evaluated(late, assigned, services)

    def record(self) -> str:
        service_id = f"service-{next(self._ids)}"
        self.services[service_id] = {"state": "reserved"}
        return service_id

    def reserve(self, item: ResourceItem) -> AssignedResource:
        pool = f"{item.specification.id}/{item.demand.criteria.get('kind', 1)}"
        value = item.demand.value or next(
            each for number in itertools.count(1) if (each := f"{pool}/{number}") not in self._used
        )
        assert value not in self.resources.keys() | self.taken, f"{value} is taken"
        self._used.add(value)
        given = {"kind": value.split("/")[1]} if "/" in value else {}
        self.resources[value] = given
        return AssignedResource(id=f"id of {value}", value=value, characteristics=given)

    def assign(self, resources: Sequence[ResourceItem], services: Inputs | None = None) -> dict[str, AssignedResource]:
        """Play a resource order through, and return its resources as they came to be."""
        items = {each.key: each for each in resources}
        assert len(items) == len(resources), "two resources have the same key"
        assigned: dict[str, AssignedResource] = {}
        for key in in_order({key: each.depends_on for key, each in items.items()}):
            assigned[key] = self._assigned(items[key], assigned, services or {})
        return assigned

    def _assigned(
        self, item: ResourceItem, assigned: Mapping[str, AssignedResource], services: Inputs
    ) -> AssignedResource:
        if item.action == Action.ADD:
            resource = self.reserve(item)
        else:
            assert item.resource_id == f"id of {item.demand.value}"
            resource = AssignedResource(id=item.resource_id, value=item.demand.value, characteristics=item.previous)
        value = resource.value or ""
        if item.action == Action.NO_CHANGE:
            assert self.resources[value] == item.previous
            return resource
        if item.action == Action.DELETE:
            del self.resources[value]
            return resource
        given = resource.characteristics if item.action == Action.ADD else {}
        others = {key: each.as_value() for key, each in assigned.items()}
        characteristics = {**given, **item.characteristics, **self.evaluated(item.late, others, services)}
        self.resources[value] = characteristics
        return resource.model_copy(update={"characteristics": characteristics})


class _Run:
    def __init__(self, stock: Stock, plan: ServiceOrderPlan, inputs: Inputs, *, undo: bool) -> None:
        self.stock, self.plan, self.inputs, self.undo = stock, plan, inputs, undo
        self.done: dict[str, RealisedService] = {}

    def run(self) -> ServiceOrderOutcome:
        items = {item.key: item for item in self.plan.items}
        assert len(items) == len(self.plan.items), "two items have the same key"
        for key in in_order({key: item.depends_on for key, item in items.items()}):
            self._item(items[key])
        return ServiceOrderOutcome(services=self.done)

    def _item(self, item: ServiceItem) -> None:
        service_id = item.service_id or self.stock.record()
        known = {**self.inputs, **{key: self.done[key].characteristics for key in item.relies_on if key in self.done}}
        resources = self.stock.assign(item.resources, known)
        self.done[item.key] = RealisedService(id=service_id, characteristics=item.previous, resources=resources)
        if item.action == Action.NO_CHANGE:
            assert self.stock.services[service_id]["state"] == "active"
        elif item.action == Action.DELETE:
            self._terminate(service_id)
        else:
            gone = {each.key for each in item.resources if each.action == Action.DELETE}
            assigned = {key: each.as_value() for key, each in resources.items() if key not in gone}
            characteristics = {**item.characteristics, **self.stock.evaluated(item.late, assigned, known)}
            self._record(item, service_id, characteristics)

    def _terminate(self, service_id: str) -> None:
        for each in self.stock.services.values():
            supports = [named["id"] for named in each.get("supportingService", [])]
            assert each["state"] != "active" or service_id not in supports, f"{service_id} is relied on"
        self.stock.services[service_id]["state"] = "terminated"

    def _record(self, item: ServiceItem, service_id: str, characteristics: Characteristics) -> None:
        gone = {each.key for each in self.plan.items if each.action == Action.DELETE}
        released = {each.key for each in item.resources if each.action == Action.DELETE}
        services = {key: self.done[key].id for key in item.relies_on if key in self.done and key not in gone}
        resources = {key: each.id for key, each in self.done[item.key].resources.items() if key not in released}
        there = self.stock.services[service_id].get("place")
        assert item.previous_place is None or there in (None, [place_reference(item.previous_place)])
        place = self.plan.place_of(item)
        self.stock.services[service_id] = (self.undo and item.record) or {
            "state": "active",
            "place": [place_reference(place)] if place else [],
            "serviceCharacteristic": characteristic_list(characteristics),
            "supportingService": [{"id": each, "name": key} for key, each in services.items()],
            "supportingResource": [{"id": each, "name": key} for key, each in resources.items()],
        }
        self.done[item.key] = self.done[item.key].model_copy(update={"characteristics": characteristics})


def evaluated(late: Mapping[str, str], assigned: Inputs, services: Inputs) -> Characteristics:
    """Evaluate expressions of the form `services.name.attribute`; what is not there is left out."""
    variables = {"assigned": assigned, "services": services}
    values = {}
    for name, text in late.items():
        variable, key, attribute = text.split(".")
        value = variables[variable].get(key, {}).get(attribute)
        if value is not None:
            values[name] = value
    return values
