"""The check of a posted resource order: all that breaks a rule of catalogs or of what is installed, at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from catalogs.checks.characteristics import faults_of_given, faults_of_missing
from catalogs.checks.related import check_parties, check_places
from catalogs.checks.unchanged import NO_CHANGE_DIFFERS, differing_place, differing_text, differing_values
from catalogs.decomposition.service_orders import circular
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import with_defaults
from catalogs.model.faults import did_you_mean
from catalogs.nodes.resources import ResourceNode, resource_nodes
from orders.model.installed import InstalledBase, InstalledResource
from orders.model.product_orders import WITH_VALUES, Action
from orders.model.resource_orders import ResourceOrder
from orders.model.violation import Violation
from orders.plan.graph import find_circle
from tmf.words import shown

_CHARACTERISTICS = "resource.resourceCharacteristic"


def check_resource_order(
    order: ResourceOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime
) -> list[Violation]:
    """Return every rule that a resource order breaks at the moment `on`; none means that it can be decomposed.

    Args:
        installed: the resources that its items name.
    """
    nodes = resource_nodes(order, catalogs, installed, on)
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


def _check_specification(node: ResourceNode, catalogs: CatalogSet, on: datetime) -> Iterator[Violation]:
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


def _check_resource(node: ResourceNode, installed: InstalledBase, named: dict[str, str]) -> Iterator[Violation]:
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


def _check_member(node: ResourceNode, there: InstalledResource) -> Iterator[Violation]:
    """Check that an item does not call for another member of a pool than the one that it changes or ends."""
    said = node.item.resource
    for name, wanted, has in (("value", said.value, there.value), ("category", said.category, there.pool)):
        if wanted and wanted != has:
            known = f"has the {name} {shown(has)}" if has else f"has no {name} in inventory"
            message = f"resource {there.id} {known}, not {shown(wanted)}; leave it out, or delete this and add another"
            yield node.violation("resourceDiffers", f"resource.{name}", message)


def _check_place(node: ResourceNode, there: InstalledResource, needed: str) -> Iterator[Violation]:
    """Check that what is wanted elsewhere is somewhere, and `needed` by nothing that would be left without it."""
    place, where = node.moved_to(), "resource.place"
    if place and needed:
        message = f"resource {there.id} is needed by {needed}; move that to {place}, and its resources go along"
        yield node.violation("resourceInUse", where, message)
    elif place and there.place is None:
        message = f"inventory does not say where resource {there.id} is, so that it cannot be moved; name no place"
        yield node.violation("placeUnknown", where, message)


def _check_unchanged(node: ResourceNode) -> Iterator[Violation]:
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


def _check_characteristics(node: ResourceNode) -> Iterator[Violation]:
    specification, action = node.specification, node.item.action
    if specification is None or action not in WITH_VALUES:
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
