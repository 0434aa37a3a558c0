"""The products that an order is about: one for each item and instance, with its bundle, its target and its past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import of_offering, with_defaults
from catalogs.model.entities import ProductOffering, ProductSpecification
from catalogs.nodes.targets import Scope
from orders.model.installed import InstalledBase, InstalledProduct
from orders.model.posted import PostedOrder
from orders.model.product_orders import Action, ProductOrder, ProductOrderItem, RelatedPlace, place_among
from orders.plan.keys import part_key, product_key

WHOLE_ORDER = "order"
"""The unit of an order that is all or nothing."""


@dataclass(eq=False)
class ProductNode:
    """One product of an order."""

    key: str
    item_id: str
    action: Action
    unit: str
    root: str
    """Key of the outermost bundle around it, or its own."""
    item: ProductOrderItem | None
    """None for a part of a bundle that goes with it without an item of its own."""
    offering: ProductOffering | None
    specification: ProductSpecification | None
    installed: InstalledProduct | None
    scope: Scope
    billing_account: str | None
    parent: ProductNode | None = None
    children: list[ProductNode] = field(default_factory=list)

    @property
    def specification_id(self) -> str | None:
        if self.specification:
            return self.specification.id
        return self.installed.specification_id if self.installed else None

    left: str | None = None
    """The place that it leaves for another; None where it stays."""

    @property
    def place(self) -> str | None:
        place = self.scope.place["id"]
        return place if isinstance(place, str) else None

    def before(self) -> Scope:
        """Return the scope as it was before this order, for what is installed."""
        installed = self.installed
        if installed is None:
            return self.scope
        known = of_offering(self.specification, self.offering)
        return Scope(
            order=self.scope.order,
            customer=self.scope.customer,
            item=self.scope.item,
            product=with_defaults(known, installed.characteristics),
            place=self.scope.place if installed.place == self.place else no_place() | {"id": installed.place},
        )


def no_place() -> dict[str, Any]:
    return {"id": None, "name": None, "role": None}


def place_variables(place: RelatedPlace) -> dict[str, Any]:
    return {"id": place.id or None, "name": place.name, "role": place.role}


def product_nodes(
    order: ProductOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime | None
) -> list[ProductNode]:
    """Return the products of an order, bundles before their parts."""
    return list(_Nodes(order, catalogs, installed, on).build())


class _Nodes:
    def __init__(
        self, order: ProductOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime | None
    ) -> None:
        self.order, self.catalogs, self.installed, self.on = order, catalogs, installed, on
        self.items = {item.id: item for item, _, _ in order.items()}
        self.parents = parents_of(order)
        self.named = {item.product.id for item in self.items.values() if item.product and item.product.id}
        self.whole = (order.model_extra or {}).get("allOrNothing") is True
        self.order_variables = order_variables(order)
        self.customer = customer_variables(order)

    def build(self) -> Iterator[ProductNode]:
        nodes: dict[str, ProductNode] = {}
        for item_id in self._parents_first():
            item, parent_id = self.items[item_id], self.parents.get(item_id)
            quantity = item.quantity or 1
            for instance in range(1, quantity + 1):
                parent = nodes[parent_id] if parent_id else None
                node = self._node(item, product_key(item.id, instance, quantity), instance, parent)
                nodes.setdefault(item.id, node)
                yield node
                if node.installed and (node.action is Action.DELETE or node.left):
                    yield from self._parts(node, node.installed)

    def _parents_first(self) -> list[str]:
        return list(dict.fromkeys(each for item in self.items for each in reversed(ancestors(item, self.parents))))

    def _node(self, item: ProductOrderItem, key: str, instance: int, parent: ProductNode | None) -> ProductNode:
        product = item.product
        installed = self.installed.products.get(product.id) if product and product.id else None
        offering = offering_of(item, installed, self.catalogs, self.on)
        specification = specification_of(item, offering, installed, self.catalogs)
        given = product.characteristics() if product else {}
        before = installed.characteristics if installed else {}
        place = _place(item, installed, parent)
        node = ProductNode(
            key=key,
            item_id=item.id,
            action=item.action,
            unit=WHOLE_ORDER if self.whole else (parent.root if parent else key),
            root=parent.root if parent else key,
            item=item,
            offering=offering,
            specification=specification,
            installed=installed,
            scope=Scope(
                order=self.order_variables,
                customer=self.customer,
                item=item_variables(item, offering, parent.offering if parent else None, instance),
                product=with_defaults(of_offering(specification, offering), before, given),
                place=place,
            ),
            billing_account=self._billing_account(item, installed, parent),
            parent=parent,
            left=self._left(installed, place["id"]) if installed and item.action is Action.MODIFY else None,
        )
        if parent:
            parent.children.append(node)
        return node

    def _left(self, installed: InstalledProduct, place: str | None) -> str | None:
        """Return the place that a product leaves for another; of a bundle without one, that of all its parts."""
        before = installed.place
        if before is None:
            parts = (self.installed.products.get(each) for each in installed.components)
            places = {part.place for part in parts if part and part.place and part.in_use}
            before = places.pop() if len(places) == 1 else None
        return before if place and before != place else None

    def _parts(self, bundle: ProductNode, installed: InstalledProduct) -> Iterator[ProductNode]:
        """Yield the parts of a bundle that no item names and that go with it: all that end, or those that move."""
        for product_id in installed.components:
            part = self.installed.products.get(product_id)
            if part is None or product_id in self.named:
                continue
            if bundle.left and (part.place != bundle.left or not part.in_use):
                continue
            offering = self.catalogs.offerings.get(part.offering_id) if part.offering_id else None
            specification = self.catalogs.products.get(part.specification_id) if part.specification_id else None
            known = of_offering(specification, offering)
            node = ProductNode(
                key=part_key(bundle.key, product_id),
                item_id=bundle.item_id,
                action=bundle.action,
                unit=bundle.unit,
                root=bundle.root,
                item=None,
                offering=offering,
                specification=specification,
                installed=part,
                scope=Scope(
                    order=bundle.scope.order,
                    customer=bundle.scope.customer,
                    item=bundle.scope.item | {"offering": part.offering_id, "bundle": installed.offering_id},
                    product=with_defaults(known, part.characteristics) if bundle.left else part.characteristics,
                    place=bundle.scope.place if bundle.left else no_place() | {"id": part.place},
                ),
                billing_account=part.billing_account,
                parent=bundle,
                left=bundle.left,
            )
            bundle.children.append(node)
            yield node
            yield from self._parts(node, part)

    def _billing_account(
        self, item: ProductOrderItem, installed: InstalledProduct | None, parent: ProductNode | None
    ) -> str | None:
        if item.billing_account:
            return item.billing_account.id
        if installed and (installed.billing_account or item.action is Action.NO_CHANGE):
            return installed.billing_account
        if parent and parent.billing_account:
            return parent.billing_account
        return self.order.billing_account.id if self.order.billing_account else None


def parents_of(order: ProductOrder) -> dict[str, str]:
    """Return each item's bundle: the item it is nested in, or one that `bundles` it.

    A relation that would make a circle is passed over; the order's check names it.
    """
    ids = {item.id for item, _, _ in order.items()}
    parents = {item.id: parent.id for item, parent, _ in order.items() if parent}
    above: dict[str, str] = dict(parents)
    """Item → a bundle somewhere around it, in the end the outermost: long chains are walked once, not for each item."""

    def outermost(item_id: str) -> str:
        while (around := above.get(item_id)) is not None:
            above[item_id] = above.get(around, around)
            item_id = around
        return item_id

    for item, _, _ in order.items():
        for relation in item.product_order_item_relationship:
            free = relation.relationship_type == "bundles" and relation.id in ids and relation.id not in parents
            # What has no bundle yet is around the item only as its outermost one.
            if free and relation.id != outermost(item.id):
                parents[relation.id] = above[relation.id] = item.id
    return parents


def depth_of(order: ProductOrder) -> int:
    """Return how many levels of items, one in the other, an order has at most."""
    parents = parents_of(order)
    depths: dict[str, int] = {}
    for item_id in parents:
        way: list[str] = []
        around: str | None = item_id
        while around is not None and around not in depths:
            way.append(around)
            around = parents.get(around)
        for each in reversed(way):
            depths[each] = depths[parents[each]] + 1 if each in parents else 1
    return max(depths.values(), default=1)


def ancestors(item_id: str, parents: dict[str, str]) -> list[str]:
    """Return an item's id and those of the bundles around it, outwards."""
    chain = [item_id]
    while chain[-1] in parents:
        chain.append(parents[chain[-1]])
    return chain


def offering_of(
    item: ProductOrderItem, installed: InstalledProduct | None, catalogs: CatalogSet, on: datetime | None
) -> ProductOffering | None:
    """Return the offering that an item orders, or that its product came from."""
    if item.product_offering:
        version = (item.product_offering.model_extra or {}).get("version")
        return catalogs.offerings.on_sale(item.product_offering.id, version, on)
    return catalogs.offerings.get(installed.offering_id) if installed and installed.offering_id else None


def specification_of(
    item: ProductOrderItem,
    offering: ProductOffering | None,
    installed: InstalledProduct | None,
    catalogs: CatalogSet,
) -> ProductSpecification | None:
    """Return the product specification of an item: its offering's, the one it names, or its product's."""
    if specification := catalogs.product_of(offering):
        return specification
    if item.product and item.product.product_specification:
        return catalogs.products.get(item.product.product_specification.id)
    return catalogs.products.get(installed.specification_id) if installed and installed.specification_id else None


def order_variables(order: PostedOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "externalId": order.external_id,
        "category": order.category,
        "description": order.description,
        "priority": order.priority,
    }


def customer_variables(order: PostedOrder) -> dict[str, Any]:
    customer = order.customer_id()
    name = next((party.name for party in order.related_party if party.id == customer), None)
    return {"id": customer, "name": name}


def item_variables(
    item: ProductOrderItem, offering: ProductOffering | None, bundle: ProductOffering | None, instance: int = 1
) -> dict[str, Any]:
    return {
        "id": item.id,
        "action": item.action.value,
        "quantity": item.quantity or 1,
        "instance": instance,
        "offering": offering.id if offering else None,
        "bundle": bundle.id if bundle else None,
    }


def _place(item: ProductOrderItem, installed: InstalledProduct | None, parent: ProductNode | None) -> dict[str, Any]:
    if item.product and (place := place_among(item.product.place)):
        return place_variables(place)
    if installed and installed.place:
        follows = item.action is Action.MODIFY and parent and parent.left == installed.place
        return parent.scope.place if parent and follows else no_place() | {"id": installed.place}
    stays = installed and parent and parent.left  # what is at no place moves with nothing
    return parent.scope.place if parent and not stays else no_place()
