"""Checks a posted resource order, and decomposes it into its plan: one resource order for each item."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalogs.catalog_set import CatalogSet
from catalogs.changes import differing, overlaid
from catalogs.characteristic_checks import faults_of_given, faults_of_missing
from catalogs.characteristics import with_defaults
from catalogs.faults import did_you_mean
from catalogs.fulfilment import ServiceFulfilment
from catalogs.model import ResourceSpecification
from catalogs.product_nodes import WHOLE_ORDER
from catalogs.related_checks import check_parties, check_places
from catalogs.reliance import RELIES_ON
from catalogs.service_orders import circular, owners_of
from catalogs.steps import take_rules
from catalogs.targets import policy_of
from catalogs.teardown import removed_resource
from catalogs.unchanged_checks import NO_CHANGE_DIFFERS, differing_place, differing_text, differing_values
from orders.graph import find_circle, orient
from orders.installed import InstalledBase, InstalledResource
from orders.keys import REPLACED, segment
from orders.orchestration_plan import OrchestrationPlan
from orders.plan import Characteristics, Demand, ResourceItem, ResourcePlan
from orders.resource_orders import PostedResourceItem, ResourceOrder
from orders.tmf import Action
from orders.violation import Violation
from orders.words import shown

_CHARACTERISTICS = "resource.resourceCharacteristic"


@dataclass(frozen=True, eq=False)
class _Node:
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


def check_resource_order(
    order: ResourceOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime
) -> list[Violation]:
    """Return every rule that a resource order breaks at the moment `on`; none means that it can be decomposed.

    Args:
        installed: the resources that its items name.
    """
    nodes = _nodes(order, catalogs, installed, on)
    violations = [*check_parties(order), *check_places(order)]
    named: dict[str, str] = {}
    for node in nodes:
        violations += _check_specification(node, catalogs, on)
        violations += _check_resource(node, installed, named)
        violations += _check_characteristics(node)
        violations += _check_unchanged(node)
    if circle := find_circle({node.item.id: node.relies_on() for node in nodes}):
        violations.append(circular(circle, "orderItem"))
    return violations


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
    nodes = {node.item.id: node for node in _nodes(order, catalogs, installed, on or order.order_date)}
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


def _nodes(
    order: ResourceOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime | None
) -> Sequence[_Node]:
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
        nodes.append(_Node(item, path, specification, there))
    return nodes


def _check_specification(node: _Node, catalogs: CatalogSet, on: datetime) -> Iterator[Violation]:
    reference, there = node.item.specification(), node.installed
    adds = node.item.action is Action.ADD
    if adds and reference is None:
        message = "an item to add names no resource specification"
        yield node.violation("specificationMissing", "resource.resourceSpecification", message)
    elif adds and reference and node.specification is None:
        known = did_you_mean(reference.id, catalogs.resources.ids())
        message = f"there is no resource specification {reference.id!r}{known}"
        yield node.violation("unknownSpecification", "resource.resourceSpecification.id", message)
    elif adds and node.specification and not node.specification.on_sale(on):
        message = f"{node.specification.name} ({node.specification.id}) is not in use: no new one can be ordered"
        yield node.violation("specificationNotActive", "resource.resourceSpecification.id", message)
    elif reference and there and reference.id != there.specification_id:
        message = f"the resource is of the specification {there.specification_id!r}, not {reference.id!r}"
        yield node.violation("specificationDiffers", "resource.resourceSpecification.id", message)
    if (node.item.quantity or 1) > 1:
        message = f"{node.item.quantity} of one resource: an item orders one, so write an item for each"
        yield node.violation("quantityNotAllowed", "quantity", message)


def _check_resource(node: _Node, installed: InstalledBase, named: dict[str, str]) -> Iterator[Violation]:
    """Check that what is changed or ended is there, in use, and `named` by one item only."""
    resource_id, there, action = node.item.resource.id, node.installed, node.item.action
    if action is Action.ADD:
        if there:
            message = f"resource {resource_id} is in inventory already; to have that very one, give its value"
            yield node.violation("resourceExists", "resource.id", message)
        return
    if resource_id is None or not resource_id.strip():
        message = f"an item to {action} names no resource by its id"
        yield node.violation("resourceMissing", "resource.id", message)
        return
    if resource_id in named:
        message = f"resource {resource_id} is item {named[resource_id]}'s already"
        yield node.violation("resourceNamedTwice", "resource.id", message)
    named.setdefault(resource_id, node.item.id)
    if there is None:
        yield node.violation("resourceNotFound", "resource.id", f"resource {resource_id} is not in inventory")
        return
    if not there.in_use:
        message = f"resource {resource_id} is not in use; only one that is can be ordered to {action}"
        yield node.violation("resourceNotActive", "resource.id", message)
    if action is Action.MODIFY and node.specification is None:
        message = f"resource {resource_id} is of the specification {there.specification_id!r}, which no catalog has"
        yield node.violation("unknownSpecification", "resource.id", message)
    needed = ", ".join(owner.replace(":", " ", 1) for owner in installed.owners.get(resource_id, []))
    if action is Action.DELETE and needed:
        message = f"resource {resource_id} is needed by {needed}; end or change that instead"
        yield node.violation("resourceInUse", "resource.id", message)
    yield from _check_place(node, there, needed)
    if action is not Action.NO_CHANGE:
        yield from _check_member(node, there)


def _check_member(node: _Node, there: InstalledResource) -> Iterator[Violation]:
    """Check that an item does not call for another member of a pool than the one that it changes or ends."""
    said = node.item.resource
    for name, wanted, has in (("value", said.value, there.value), ("category", said.category, there.pool)):
        if wanted and wanted != has:
            known = f"has the {name} {shown(has)}" if has else f"has no {name} in inventory"
            message = f"resource {there.id} {known}, not {shown(wanted)}; leave it out, or delete this and add another"
            yield node.violation("resourceDiffers", f"resource.{name}", message)


def _check_place(node: _Node, there: InstalledResource, needed: str) -> Iterator[Violation]:
    """Check that what is wanted elsewhere is somewhere, and `needed` by nothing that would be left without it."""
    place, where = node.moved_to(), "resource.place"
    if place and needed:
        message = f"resource {there.id} is needed by {needed}; move that to {place}, and its resources go along"
        yield node.violation("resourceInUse", where, message)
    elif place and there.place is None:
        message = f"inventory does not say where resource {there.id} is, so that it cannot be moved; name no place"
        yield node.violation("placeUnknown", where, message)


def _check_unchanged(node: _Node) -> Iterator[Violation]:
    """Check that an item which leaves its resource as it is says of it what inventory has."""
    said, there = node.item.resource, node.installed
    if node.item.action is Action.NO_CHANGE and there:
        for part, message in (
            *differing_text("resource.value", said.value, there.value),
            *differing_text("resource.category", said.category, there.pool),
            *differing_place("resource.place", said.places(), there.place),
            *differing_values(_CHARACTERISTICS, said.resource_characteristic, there.characteristics),
        ):
            yield node.violation(NO_CHANGE_DIFFERS, part, message)


def _check_characteristics(node: _Node) -> Iterator[Violation]:
    specification, action = node.specification, node.item.action
    if specification is None or action not in (Action.ADD, Action.MODIFY):
        return
    rules = {rule.name: rule for rule in specification.characteristics}
    there = node.installed.characteristics if node.installed else {}
    given = node.item.resource.resource_characteristic
    for index, each in enumerate(given):
        path = f"{_CHARACTERISTICS}[{index}]"
        chooses = each.name not in rules and (action is Action.ADD or there.get(each.name) == each.value)
        for code, part, message in () if chooses else faults_of_given(specification.name, rules, [each], ""):
            yield node.violation(code, f"{path}{part.removeprefix('[0]')}", message)
    values = with_defaults(specification.characteristics, there, node.known())
    for code, part, message in faults_of_missing(specification.name, rules, values, _CHARACTERISTICS):
        yield node.violation(code, part, message)


def _resource(node: _Node, catalogs: CatalogSet) -> ResourceItem | None:
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


def _replaced(node: _Node, catalogs: CatalogSet, key: str) -> ResourceItem | None:
    """Return the item that gives a moved resource back, after the one at the new place is there."""
    if node.installed is None or node.moved_to() is None:
        return None
    item = removed_resource(node.installed, ServiceFulfilment(), catalogs, f"{key}{REPLACED}")
    item.depends_on = [key]
    return item


def _new(node: _Node, specification: ResourceSpecification, key: str) -> ResourceItem:
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


def _changed(node: _Node, specification: ResourceSpecification, there: InstalledResource, key: str) -> ResourceItem:
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
