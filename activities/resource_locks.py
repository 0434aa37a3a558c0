"""Resource locks: orders that touch the same installed product, service or resource run one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from orders.model.posted import PostedOrder
from orders.model.product_orders import Action, ProductOrderItem
from orders.model.resource_orders import PostedResourceItem
from orders.model.service_orders import PostedServiceItem
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ResourceItem
from tmf.instants import timestamp

_PRODUCT, _SERVICE, _RESOURCE = "product:", "service:", "installedResource:"


def accepted_at(order: PostedOrder) -> str:
    """Return when an order was accepted, as the store writes times."""
    return timestamp(order.order_date) if order.order_date else ""


def is_installed(subject: str) -> bool:
    """Return whether a subject is something installed, of which inventory may say another thing by the next look."""
    return subject.startswith((_PRODUCT, _SERVICE, _RESOURCE))


def named_subjects(order: PostedOrder) -> Iterator[str]:
    """Yield the installed products, services or resources that the items of an order are about."""
    for item, _, _ in order.items():
        match item:
            case ProductOrderItem() if item.product and item.product.id:
                yield f"{_PRODUCT}{item.product.id}"
            case PostedServiceItem() if item.service.id:
                yield f"{_SERVICE}{item.service.id}"
            case PostedResourceItem() if item.resource.id:
                yield f"{_RESOURCE}{item.resource.id}"


def planned_subjects(plan: OrchestrationPlan) -> Iterator[str]:
    """Yield what is installed and a plan changes, and the members of pools that it takes or gives back.

    A service or resource that is changed by itself is changed for all that it realises or supports, too: so it
    waits for the orders of its product, and they for it.
    """
    yield from plan.belongs_to
    for product in plan.products:
        if product.product_id and product.action != Action.NO_CHANGE:
            yield f"{_PRODUCT}{product.product_id}"
    for service_order in plan.service_orders:
        for item in service_order.items:
            yield from filter(None, map(_subject, item.resources))
    for single in plan.resource_orders:
        yield from filter(None, map(_subject, single.resource_order().resources))


def _subject(resource: ResourceItem) -> str | None:
    if resource.action not in (Action.ADD, Action.DELETE) or resource.demand.value is None:
        return None
    return f"resource:{resource.specification.id}:{resource.demand.value}"
