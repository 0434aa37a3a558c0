"""Finds the products and services of others that a product relies on: in its order, or in what is installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from catalogs.nodes.products import ProductNode
from orders.model.installed import InstalledBase, InstalledProduct
from orders.model.product_orders import Action

RELIES_ON = frozenset({"reliesOn", "dependency"})
"""Types of item relations that mean «starts after the other is complete» (TMF622 and TMF641)."""


class Reliance:
    """Who relies on whom among the products of one order.

    What a catalog calls by its specification is looked for among those the item names, in the same bundle, at the
    same place, in the whole order, in this sequence; the first that has any settles it.
    """

    def __init__(self, nodes: Iterable[ProductNode], installed: InstalledBase) -> None:
        self._installed = installed
        self._by_item: dict[str, list[ProductNode]] = {}
        self._by_root: dict[tuple[str, str | None], list[ProductNode]] = {}
        self._by_place: dict[tuple[str | None, str | None], list[ProductNode]] = {}
        self._by_specification: dict[str | None, list[ProductNode]] = {}
        self._going: set[str] = set()
        self._roots: dict[str, ProductNode] = {}
        for node in nodes:
            self._by_item.setdefault(node.item_id, []).append(node)
            self._by_root.setdefault((node.root, node.specification_id), []).append(node)
            self._by_place.setdefault((node.place, node.specification_id), []).append(node)
            self._by_specification.setdefault(node.specification_id, []).append(node)
            self._roots.setdefault(node.root, node)
            if node.action is Action.DELETE and node.installed:
                self._going.add(node.installed.id)

    def named(self, node: ProductNode) -> list[ProductNode]:
        """Return the products that the order itself says this one, or a bundle around it, relies on."""
        found = [
            each
            for item_id in _relations(node)
            for other in self._by_item.get(item_id, [])
            for each in _with_parts(other)
        ]
        return [each for each in dict.fromkeys(found) if each is not node]

    def by_catalog(self, node: ProductNode) -> list[ProductNode]:
        """Return the products that its specification says it relies on as a whole."""
        if node.specification is None:
            return []
        return [
            each
            for relation in node.specification.product_specification_relationship
            if relation.relationship_type == "reliesOn"
            for each in self.of_specification(node, relation.id)
        ]

    def of_specification(self, node: ProductNode, specification_id: str) -> list[ProductNode]:
        """Return the products of this order that a catalog means when this one relies on a specification."""
        circles = (
            (each for each in self.named(node) if each.specification_id == specification_id),
            self._by_root.get((node.root, specification_id), ()),
            self._by_place.get((node.place, specification_id), ()) if node.place else (),
            self._by_specification.get(specification_id, ()),
        )
        for circle in circles:
            found = [each for each in circle if each is not node and _fits(node, each)]
            if found:
                return found
        return []

    def installed(self, node: ProductNode, specification_id: str) -> list[InstalledProduct]:
        """Return the installed products, not in this order, that a catalog means when this one relies on it."""
        for circle in (self._related(node), self._beside(node)):
            known = (self._installed.products.get(each) for each in dict.fromkeys(circle))
            found = [
                each
                for each in known
                if each and each.specification_id == specification_id and each.id not in self._going
            ]
            if found:
                return found
        return []

    def _related(self, node: ProductNode) -> Iterator[str]:
        """Yield the products it relies on, as the order says and as inventory does."""
        product = node.item.product if node.item else None
        for relation in (product.model_extra or {}).get("productRelationship") or [] if product else []:
            if isinstance(relation, dict) and relation.get("relationshipType") == "reliesOn":
                yield from _ids(relation.get("product"))
        if node.installed:
            yield from node.installed.relies_on

    def _beside(self, node: ProductNode) -> Iterator[str]:
        """Yield the installed parts of the bundle it belongs to."""
        root = self._roots[node.root].installed
        if root:
            yield from self._components(root)
        if node.installed:
            for other in self._installed.products.values():
                if node.installed.id in other.components:
                    yield from self._components(other)

    def _components(self, bundle: InstalledProduct) -> Iterator[str]:
        for product_id in bundle.components:
            yield product_id
            if part := self._installed.products.get(product_id):
                yield from self._components(part)


def _relations(node: ProductNode) -> Iterator[str]:
    """Yield the ids of the items that a product or a bundle around it relies on."""
    around: ProductNode | None = node
    while around:
        for relation in around.item.product_order_item_relationship if around.item else []:
            if relation.relationship_type in RELIES_ON:
                yield relation.id
        around = around.parent


def _with_parts(node: ProductNode) -> Iterator[ProductNode]:
    yield node
    for child in node.children:
        yield from _with_parts(child)


def _fits(node: ProductNode, other: ProductNode) -> bool:
    return node.action is not Action.ADD or other.action is not Action.DELETE


def _ids(product: Any) -> Iterator[str]:
    if isinstance(product, dict) and isinstance(product.get("id"), str):
        yield product["id"]
