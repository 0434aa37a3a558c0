"""The resources that a posted resource order is about: one for each item, with its specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import with_defaults
from catalogs.model.entities import ResourceSpecification
from catalogs.nodes.reliance import RELIES_ON
from orders.model.installed import InstalledBase, InstalledResource
from orders.model.product_orders import Action
from orders.model.resource_orders import PostedResourceItem, ResourceOrder
from orders.model.violation import Violation
from orders.plan.parts import Characteristics


@dataclass(frozen=True, eq=False)
class ResourceNode:
    """One resource of the order."""

    item: PostedResourceItem
    path: str
    specification: ResourceSpecification | None
    installed: InstalledResource | None

    def violation(self, code: str, part: str, message: str) -> Violation:
        return Violation(code=code, path=f"{self.path}.{part}", message=message, item_id=self.item.id)

    def relies_on(self) -> list[str]:
        relations = self.item.order_item_relationship
        needs = [each.target for each in relations if each.relationship_type in RELIES_ON and each.target]
        return [each for each in dict.fromkeys(needs) if each != self.item.id]

    def moved_to(self) -> str | None:
        """Return the other place at which the installed resource is wanted; None where it stays."""
        place = self.item.resource.place_id()
        moves = self.item.action is Action.MODIFY and self.installed and place != self.installed.place
        return place if moves else None

    def known(self) -> Characteristics:
        """Return the characteristics given that the specification has: with these it is set up."""
        specifications = self.specification.characteristics if self.specification else []
        given = self.item.resource.characteristics()
        values = with_defaults(specifications, given)
        return {each.name: values[each.name] for each in specifications if each.name in given}

    def criteria(self) -> Characteristics:
        """Return the other characteristics given: by these a member of the pool is chosen."""
        known = self.known()
        given = self.item.resource.characteristics()
        return {name: value for name, value in given.items() if name not in known and value is not None}


def resource_nodes(
    order: ResourceOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime | None
) -> Sequence[ResourceNode]:
    nodes = []
    for item, _, path in order.items():
        there = installed.single_resources.get(item.resource.id) if item.resource.id else None
        reference = item.specification()
        if there is not None:
            specification = catalogs.resources.get(there.specification_id)
        elif reference is not None:
            version = (reference.model_extra or {}).get("version")
            specification = catalogs.resources.on_sale(reference.id, version, on)
        else:
            specification = None
        nodes.append(ResourceNode(item, path, specification, there))
    return nodes
