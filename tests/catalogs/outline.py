"""A plan as lines of text: every node with its action and what it starts after."""

from __future__ import annotations

from collections.abc import Iterator

from orders.model.product_orders import Action
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ServiceOrderPlan


def outline(plan: OrchestrationPlan) -> list[str]:
    """Return a line for each node of a plan; services and resources are indented below their service order."""
    lines: list[str] = []
    for service_order in plan.service_orders:
        lines.append(
            _line(service_order.key, service_order.action, service_order.specification.id, service_order.depends_on)
        )
        lines += _items(service_order)
    for delivery in plan.deliveries:
        lines.append(f"{delivery.key} after {' '.join(delivery.depends_on)}")
    for product in plan.products:
        name = product.offering.id if product.offering else "-"
        lines.append(_line(product.key, product.action, name, product.depends_on))
    return lines


def _items(service_order: ServiceOrderPlan) -> Iterator[str]:
    for item in service_order.items:
        yield "  " + _line(item.key, item.action, item.specification.id, item.depends_on)
        for resource in item.resources:
            place = f"@{resource.demand.place}" if resource.demand.place else ""
            yield "    " + _line(resource.key, resource.action, resource.specification.id + place, resource.depends_on)


def _line(key: str, action: Action, name: str, after: list[str]) -> str:
    return f"{key} {action.value} {name}" + (f" after {' '.join(after)}" if after else "")
