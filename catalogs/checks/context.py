"""The context of checks: what those of an order look at, and how they say what they find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from catalogs.model.catalog_set import CatalogSet
from catalogs.nodes.products import ProductNode, product_nodes
from orders.model.installed import InstalledBase, InstalledProduct
from orders.model.product_orders import Action, ProductOrder
from orders.model.violation import Violation


@dataclass(frozen=True)
class OrderContext:
    """An order with the products that its items are about."""

    order: ProductOrder
    catalogs: CatalogSet
    installed: InstalledBase
    on: datetime
    nodes: dict[str, ProductNode]
    """Item id → its product, the first where it orders several."""
    paths: dict[str, str]
    """Item id → its JSON path."""

    @classmethod
    def of(cls, order: ProductOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime) -> OrderContext:
        nodes: dict[str, ProductNode] = {}
        for node in product_nodes(order, catalogs, installed, on):
            if node.item:
                nodes.setdefault(node.item_id, node)
        return cls(order, catalogs, installed, on, nodes, {item.id: path for item, _, path in order.items()})

    def violation(self, node: ProductNode, code: str, part: str, message: str) -> Violation:
        """Return a violation at a part of an item, such as `product.id`."""
        path, item = self.paths[node.item_id], node.item
        if part.startswith("productOffering") and item and item.product_offering and item.product:
            # Where an item has it of its product only, the two are one.
            part = f"product.{part}" if item.product_offering is item.product.product_offering else part
        return Violation(code=code, path=f"{path}.{part}" if part else path, message=message, item_id=node.item_id)

    def going(self) -> set[str]:
        """Return the ids of installed products that the order deletes, with all parts of deleted bundles."""
        gone: set[str] = set()
        for node in self.nodes.values():
            if node.action is Action.DELETE and node.installed:
                gone.update(part.id for part in self.with_parts(node.installed))
        return gone

    def with_parts(self, product: InstalledProduct) -> Iterator[InstalledProduct]:
        """Yield an installed product and the parts of it that are installed, outer ones first."""
        seen: set[str] = set()
        queue = [product]
        while queue:
            each = queue.pop(0)
            if each.id not in seen:
                seen.add(each.id)
                yield each
                queue += [part for name in each.components if (part := self.installed.products.get(name))]
