"""The services that a posted service order is about: one for each item, with its specification, values and past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import with_defaults
from catalogs.model.entities import ServiceSpecification
from catalogs.nodes.products import WHOLE_ORDER, customer_variables, no_place, order_variables, place_variables
from catalogs.nodes.reliance import RELIES_ON
from catalogs.nodes.targets import Scope
from orders.model.installed import InstalledBase, InstalledService
from orders.model.product_orders import Action, place_among
from orders.model.service_orders import PostedServiceItem, ServiceOrder
from orders.plan.keys import CUSTOMER_FACING, segment, service_order_key
from orders.plan.parts import Characteristics


@dataclass(frozen=True, eq=False)
class ServiceNode:
    """One service of a posted order."""

    key: str
    item: PostedServiceItem
    path: str
    unit: str
    relies_on: tuple[str, ...]
    """The items that it starts after when it is added: those it names, and those nested in it."""
    specification: ServiceSpecification | None
    installed: InstalledService | None
    characteristics: Characteristics
    """Its characteristics as the order wants them: given over installed over defaults."""
    scope: Scope

    def before(self) -> Characteristics:
        """Return its characteristics as they are installed."""
        known = self.specification.characteristics if self.specification else []
        return with_defaults(known, self.installed.characteristics if self.installed else {})

    def scope_before(self) -> Scope:
        """Return the scope as it was before this order, for what is installed."""
        if self.installed is None or self.installed.place in (None, self.scope.place["id"]):
            return self.scope
        return replace(self.scope, place=no_place() | {"id": self.installed.place})


def service_nodes(
    order: ServiceOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime | None
) -> list[ServiceNode]:
    """Return the services of an order, outer items before those nested in them."""
    parents = order.parents()
    items = {item.id: item for item, _, _ in order.items()}
    whole = (order.model_extra or {}).get("allOrNothing") is True
    variables, customer = order_variables(order), customer_variables(order)
    return [
        ServiceNode(
            key=service_order_key(segment(item.id), CUSTOMER_FACING),
            item=item,
            path=path,
            unit=WHOLE_ORDER if whole else _unit(item.id, parents, items),
            relies_on=tuple(dict.fromkeys(_needs(item))),
            specification=(specification := _specification(item, there := _installed(item, installed), catalogs, on)),
            installed=there,
            characteristics=with_defaults(
                specification.characteristics if specification else [],
                there.characteristics if there else {},
                item.service.characteristics(),
            ),
            scope=Scope(
                order=variables,
                customer=customer,
                item={"id": item.id, "action": item.action.value, "quantity": 1, "instance": 1}
                | {"offering": None, "bundle": None},
                product={},
                place=_place(item, there),
            ),
        )
        for item, _, path in order.items()
    ]


def reliance_of(nodes: list[ServiceNode], moving: Mapping[str, ServiceNode]) -> dict[str, list[str]]:
    """Return for each item that does something the others that it relies on.

    What an item says of one that only groups others, or leaves its service alone, is said of those nested in that.
    """
    by_item = {node.item.id: node for node in nodes}

    def stands_for(item_id: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        if item_id in moving:
            yield item_id
        elif item_id not in seen:
            for nested in by_item[item_id].item.service_order_item or []:
                yield from stands_for(nested.id, seen | {item_id})

    return {
        item_id: list(dict.fromkeys(each for need in node.relies_on for each in stands_for(need) if each != item_id))
        for item_id, node in moving.items()
    }


def _needs(item: PostedServiceItem) -> Iterator[str]:
    for relation in item.service_order_item_relationship:
        if relation.relationship_type in RELIES_ON and relation.target is not None:
            yield relation.target
    for nested in item.service_order_item or []:
        yield nested.id


def _unit(item_id: str, parents: Mapping[str, str], items: Mapping[str, PostedServiceItem]) -> str:
    """Return the item around it with which it is all or nothing; one that leaves its service alone only groups."""
    outer = item_id
    while (parent := parents.get(outer)) is not None and items[parent].action is not Action.NO_CHANGE:
        outer = parent
    return segment(outer)


def _installed(item: PostedServiceItem, installed: InstalledBase) -> InstalledService | None:
    return installed.single_services.get(item.service.id) if item.service.id else None


def _specification(
    item: PostedServiceItem, installed: InstalledService | None, catalogs: CatalogSet, on: datetime | None
) -> ServiceSpecification | None:
    reference = item.service.service_specification
    if installed is not None:
        return catalogs.services.get(installed.specification_id)
    if reference is None:
        return None
    return catalogs.services.on_sale(reference.id, (reference.model_extra or {}).get("version"), on)


def _place(item: PostedServiceItem, installed: InstalledService | None) -> dict[str, Any]:
    if place := place_among(item.service.place):
        return place_variables(place)
    return no_place() | {"id": installed.place if installed else None}
