"""Decomposes a posted resource order into its plan: one resource order for each item."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from catalogs.decomposition.changes import differing, overlaid
from catalogs.decomposition.service_orders import owners_of
from catalogs.decomposition.teardown import removed_resource
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import with_defaults
from catalogs.model.entities import ResourceSpecification
from catalogs.model.fulfilment import ServiceFulfilment
from catalogs.model.steps import take_rules
from catalogs.nodes.products import WHOLE_ORDER
from catalogs.nodes.resources import ResourceNode, resource_nodes
from catalogs.nodes.targets import policy_of
from orders.model.installed import InstalledBase, InstalledResource
from orders.model.product_orders import Action
from orders.model.resource_orders import ResourceOrder
from orders.plan.graph import orient
from orders.plan.keys import REPLACED, segment
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import Demand, ResourceItem, ResourcePlan


def decompose_resource_order(
    order: ResourceOrder,
    catalogs: CatalogSet,
    installed: InstalledBase,
    revision: int = 1,
    on: datetime | None = None,
    without: Collection[str] = (),
) -> OrchestrationPlan:
    """Return all that a resource order comes down to; nothing is executed, and the same values give the same plan.

    The order is one that `check_resource_order` finds nothing wrong with, but for the items that it is to be `without`.
    """
    nodes = {node.item.id: node for node in resource_nodes(order, catalogs, installed, on or order.order_date)}
    items = {item_id: _resource(node, catalogs) for item_id, node in nodes.items() if item_id not in without}
    moving = {item_id: item for item_id, item in items.items() if item and item.action is not Action.NO_CHANGE}
    relies_on = {item_id: [each for each in nodes[item_id].relies_on() if each in moving] for item_id in moving}
    after = orient(relies_on, {item_id: item.action for item_id, item in moving.items()})
    whole = (order.model_extra or {}).get("allOrNothing") is True
    return OrchestrationPlan(
        order_id=order.id or "",
        revision=revision,
        catalog=catalogs.version,
        resource_orders=[
            ResourcePlan(
                key=item.key,
                item_id=item_id,
                unit=WHOLE_ORDER if whole else item.key,
                action=nodes[item_id].item.action,
                customer_id=order.customer_id(),
                depends_on=[moving[need].key for need in after[item_id]],
                resource=item,
                replaced=_replaced(nodes[item_id], catalogs, item.key),
            )
            for item_id, item in moving.items()
        ],
        belongs_to=owners_of([item.resource_id for item in moving.values() if item.resource_id], installed),
    )


def _resource(node: ResourceNode, catalogs: CatalogSet) -> ResourceItem | None:
    """Return what happens to a resource; None where nothing does."""
    key, there, specification = segment(node.item.id), node.installed, node.specification
    if node.item.action is Action.DELETE and there:
        return removed_resource(there, ServiceFulfilment(), catalogs, key)
    if node.item.action is Action.NO_CHANGE or specification is None:
        return None
    if there is None or node.moved_to():
        item = _new(node, specification, key)
    else:
        item = _changed(node, specification, there, key)
    take_rules(item, specification.fulfilment)
    return item


def _replaced(node: ResourceNode, catalogs: CatalogSet, key: str) -> ResourceItem | None:
    """Return the item that gives a moved resource back, after the one at the new place is there."""
    if node.installed is None or node.moved_to() is None:
        return None
    item = removed_resource(node.installed, ServiceFulfilment(), catalogs, f"{key}{REPLACED}")
    item.depends_on = [key]
    return item


def _new(node: ResourceNode, specification: ResourceSpecification, key: str) -> ResourceItem:
    """Return the item that sets a resource up: a new one, or one that takes the place of another elsewhere.

    Of what that other one is, what its specification knows goes over to the new one; its pool and its value do not.
    """
    wanted, there = node.item.resource, node.installed
    names = {each.name for each in specification.characteristics}
    known = {name: value for name, value in there.characteristics.items() if name in names} if there else {}
    return ResourceItem(
        key=key,
        action=Action.ADD,
        specification=specification.as_specification,
        demand=Demand(
            pool=None if there else wanted.category,
            place=wanted.place_id(),
            criteria=node.criteria(),
            value=None if there else wanted.value or wanted.name,
        ),
        characteristics=overlaid({}, with_defaults(specification.characteristics, known, node.known())),
        configuration=specification.fulfilment.configuration,
        policy=policy_of(specification.fulfilment.policy),
    )


def _changed(
    node: ResourceNode, specification: ResourceSpecification, there: InstalledResource, key: str
) -> ResourceItem:
    characteristics = overlaid(there.characteristics, node.known())
    return ResourceItem(
        key=key,
        action=Action.MODIFY if differing(there.characteristics, characteristics) else Action.NO_CHANGE,
        specification=specification.as_specification,
        resource_id=there.id,
        reserved_by=there.reserved_by,
        demand=Demand(pool=there.pool, value=there.value),
        characteristics=characteristics,
        previous=there.characteristics,
        configuration=specification.fulfilment.configuration,
        policy=policy_of(specification.fulfilment.policy),
    )
