"""Carries a plan out in memory, as the workflows do in the network: what is installed when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any, Protocol, TypeVar

from catalogs.model.expressions import evaluate_late
from orders.model.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.model.product_orders import Action
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import Characteristics, ProductPlan, ResourceItem, ServiceItem, ServiceOrderPlan


class Planned(Protocol):
    key: str
    depends_on: list[str]


P = TypeVar("P", bound=Planned)


def install(plan: OrchestrationPlan, base: InstalledBase | None = None) -> InstalledBase:
    """Return the installed base after a plan."""
    return _Installation(plan, base or InstalledBase()).done()


def in_sequence(nodes: Sequence[P]) -> list[P]:
    """Return the nodes in a sequence that keeps to what each starts after."""
    by_key = {node.key: node for node in nodes}
    order = TopologicalSorter({node.key: node.depends_on for node in nodes}).static_order()
    return [by_key[key] for key in order if key in by_key]


@dataclass
class _Installation:
    plan: OrchestrationPlan
    base: InstalledBase
    outcomes: dict[str, InstalledService | None] = field(default_factory=dict)

    def done(self) -> InstalledBase:
        for service_order in in_sequence(self.plan.service_orders):
            self.outcomes[service_order.key] = self._service_order(service_order)
        products = dict(self.base.products)
        ids = {product.key: product.product_id or f"product-{product.key}" for product in self.plan.products}
        for product in self.plan.products:
            if product.action is Action.DELETE:
                products.pop(ids[product.key])
            elif product.action is not Action.NO_CHANGE:
                products[ids[product.key]] = self._product(product, ids)
        gone = {ids[product.key] for product in self.plan.products if product.action is Action.DELETE}
        for product_id, there in products.items():
            left = [each for each in there.components if each not in gone]
            products[product_id] = there.model_copy(update={"components": left})
        return InstalledBase(products=products)

    def _product(self, product: ProductPlan, ids: dict[str, str]) -> InstalledProduct:
        before = self.base.products.get(ids[product.key])
        services = {service.key: service for service in before.services} if before else {}
        for key in product.services:
            name = key.rsplit(":", 1)[1]
            outcome = self.outcomes[key]
            if outcome is not None:
                services[name] = outcome
            elif not name.endswith("~replaced"):
                services.pop(name)
        components = [*(before.components if before else []), *(ids[each] for each in product.components)]
        relies_on = [*(before.relies_on if before else []), *(ids[each] for each in product.relies_on)]
        return InstalledProduct(
            id=ids[product.key],
            name=product.name,
            status="active",
            offering_id=product.offering.id if product.offering else None,
            specification_id=product.specification.id if product.specification else None,
            customer_id=product.customer_id,
            place=product.place,
            billing_account=product.billing_account,
            characteristics=product.characteristics,
            prices=product.prices,
            services=list(services.values()),
            components=list(dict.fromkeys(components)),
            relies_on=list(dict.fromkeys(relies_on)),
        )

    def _service_order(self, plan: ServiceOrderPlan) -> InstalledService | None:
        seen: dict[str, Characteristics] = dict(plan.given)
        for name, key in plan.inputs.items():
            outcome = self.outcomes[key]
            assert outcome is not None, f"{plan.key} reads {name}, which goes"
            seen[name] = outcome.characteristics
        services: dict[str, InstalledService] = {}
        for item in in_sequence(plan.items):
            done = _service(item, f"{plan.key}/{item.key}", seen)
            if done is not None:
                services[item.key] = done
                seen[item.key] = done.characteristics
        whole = services.pop("service", None)
        name = plan.key.rsplit(":", 1)[1]
        update = {
            "key": name,
            "place": plan.place,
            "customer_id": plan.customer_id,
            "services": list(services.values()),
        }
        return whole and whole.model_copy(update=update)


def _service(item: ServiceItem, path: str, services: dict[str, Characteristics]) -> InstalledService | None:
    assigned: dict[str, dict[str, Any]] = {}
    resources: list[InstalledResource] = []
    for resource in in_sequence(item.resources):
        done = _resource(resource, path, assigned, services)
        if done is not None:
            resources.append(done)
            assigned[resource.key] = {**done.characteristics, "id": done.id, "value": done.value}
    if item.action is Action.DELETE:
        return None
    return InstalledService(
        id=item.service_id or f"service-{path}",
        key=item.key,
        specification_id=item.specification.id,
        state="active",
        place=item.place,
        characteristics={**item.characteristics, **evaluate_late(item.late, assigned, services)},
        resources=resources,
    )


def _resource(
    item: ResourceItem, path: str, assigned: dict[str, dict[str, Any]], services: dict[str, Characteristics]
) -> InstalledResource | None:
    if item.action is Action.DELETE:
        return None
    name = f"{path}/{item.key}"
    wanted = ",".join(filter(None, [item.demand.pool, item.demand.place, *map(str, item.demand.criteria.values())]))
    return InstalledResource(
        id=item.resource_id or f"resource-{name}@{wanted}",
        key=item.key,
        specification_id=item.specification.id,
        value=item.demand.value or f"{name}@{wanted}",
        pool=item.demand.pool,
        place=item.demand.place,
        characteristics={**item.characteristics, **evaluate_late(item.late, assigned, services)},
    )
