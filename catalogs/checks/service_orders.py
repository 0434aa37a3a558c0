"""The check of a posted service order: all that breaks a rule of catalogs or of what is installed, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from catalogs.checks.assurance import faults_of_assurance
from catalogs.checks.characteristics import faults_of_given, faults_of_missing
from catalogs.checks.related import check_parties, check_places, leaves_place_open
from catalogs.checks.unchanged import NO_CHANGE_DIFFERS, differing_place, differing_values
from catalogs.decomposition.product_orders import DecompositionError
from catalogs.decomposition.service_orders import circular, decompose_service_order
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import ServiceSpecification
from catalogs.model.expressions import Expression
from catalogs.model.faults import did_you_mean
from catalogs.model.fulfilment import Requirement, ResourceRequirement
from catalogs.nodes.services import ServiceNode, reliance_of, service_nodes
from orders.model.installed import InstalledBase
from orders.model.product_orders import WITH_VALUES, Action
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation, blamed
from orders.plan.graph import find_circle

_CHARACTERISTICS = "service.serviceCharacteristic"


def check_service_order(
    order: ServiceOrder, catalogs: CatalogSet, installed: InstalledBase, on: datetime
) -> list[Violation]:
    """Return every rule that a service order breaks at the moment `on`; none means that it can be decomposed.

    Args:
        installed: the services that its items name.
    """
    nodes = service_nodes(order, catalogs, installed, on)
    violations = [*check_parties(order), *check_places(order)]
    violations += [
        violation for check in _CHECKS for violation in check(_Checked(order, nodes, catalogs, installed, on))
    ]
    try:
        decompose_service_order(order, catalogs, installed, on=on, without=blamed(violations))
    except DecompositionError as error:
        violations += error.violations
    return violations


class _Checked:
    """An order with its services."""

    def __init__(
        self,
        order: ServiceOrder,
        nodes: Sequence[ServiceNode],
        catalogs: CatalogSet,
        installed: InstalledBase,
        on: datetime,
    ) -> None:
        self.order, self.nodes, self.catalogs, self.installed, self.on = order, nodes, catalogs, installed, on

    def going(self) -> set[str]:
        """Return the ids of the services that the order deletes."""
        return {node.item.service.id for node in self.nodes if _deletes(node) and node.item.service.id}


def _violation(node: ServiceNode, code: str, part: str, message: str) -> Violation:
    return Violation(code=code, path=f"{node.path}.{part}", message=message, item_id=node.item.id)


def _check_specifications(checked: _Checked) -> Iterator[Violation]:
    """Check that what is added is of a specification that is known and in use, and named once for each item."""
    for node in checked.nodes:
        reference = node.item.service.service_specification
        if node.item.action is Action.ADD and reference is None:
            message = "an item to add names no service specification"
            yield _violation(node, "specificationMissing", "service.serviceSpecification", message)
        elif node.item.action is Action.ADD and reference and node.specification is None:
            known = did_you_mean(reference.id, checked.catalogs.services.ids())
            message = f"there is no service specification {reference.id!r}{known}"
            yield _violation(node, "unknownSpecification", "service.serviceSpecification.id", message)
        elif node.item.action is Action.ADD and node.specification and not node.specification.on_sale(checked.on):
            message = f"{node.specification.name} ({node.specification.id}) is not in use: no new one can be ordered"
            yield _violation(node, "specificationNotActive", "service.serviceSpecification.id", message)
        elif reference and node.installed and reference.id != node.installed.specification_id:
            message = f"the service is of the specification {node.installed.specification_id!r}, not {reference.id!r}"
            yield _violation(node, "specificationDiffers", "service.serviceSpecification.id", message)
        if (node.item.quantity or 1) > 1:
            message = f"{node.item.quantity} of one service: an item orders one, so write an item for each"
            yield _violation(node, "quantityNotAllowed", "quantity", message)


def _check_services(checked: _Checked) -> Iterator[Violation]:
    """Check that what is changed or ended is there, in use, the customer's, and named once."""
    seen: dict[str, str] = {}
    for node in checked.nodes:
        service_id = node.item.service.id
        if node.item.action is Action.ADD:
            if node.installed:
                message = f"service {service_id} is in inventory already; an item to add makes a new one"
                yield _violation(node, "serviceExists", "service.id", message)
            continue
        if service_id is None or not service_id.strip():
            yield from _check_group(node)
            continue
        yield from _check_installed(checked, node, service_id)
        if service_id in seen:
            message = f"service {service_id} is item {seen[service_id]}'s already"
            yield _violation(node, "serviceNamedTwice", "service.id", message)
        seen.setdefault(service_id, node.item.id)


def _check_group(node: ServiceNode) -> Iterator[Violation]:
    """Check an item without a service: one that changes nothing may be there for those that are nested in it."""
    service = node.item.service
    if node.item.action is not Action.NO_CHANGE:
        message = f"an item to {node.item.action} names no service by its id"
        yield _violation(node, "serviceMissing", "service.id", message)
    elif not node.item.service_order_item or service.service_characteristic or service.place:
        message = "an item with noChange names no service by its id; only one that just groups other items may"
        yield _violation(node, "serviceMissing", "service.id", message)


def _check_unchanged(checked: _Checked) -> Iterator[Violation]:
    """Check that items which leave their service as it is say of it what inventory has."""
    for node in checked.nodes:
        said, there = node.item.service, node.installed
        if node.item.action is Action.NO_CHANGE and there:
            for part, message in (
                *differing_place("service.place", said.place, there.place),
                *differing_values(_CHARACTERISTICS, said.service_characteristic, node.before()),
            ):
                yield _violation(node, NO_CHANGE_DIFFERS, part, message)


def _check_installed(checked: _Checked, node: ServiceNode, service_id: str) -> Iterator[Violation]:
    service, action = node.installed, node.item.action
    if service is None:
        yield _violation(node, "serviceNotFound", "service.id", f"service {service_id} is not in inventory")
        return
    customer = checked.order.customer_id()
    if customer and service.customer_id and service.customer_id != customer:
        message = f"service {service_id} is not a service of customer {customer}"
        yield _violation(node, "serviceNotOfCustomer", "service.id", message)
    if service.state != "active":
        message = f"service {service_id} is {service.state}; only one that is active can be ordered to {action}"
        yield _violation(node, "serviceNotActive", "service.id", message)
    if action is Action.MODIFY and node.specification is None:
        message = f"service {service_id} is of the specification {service.specification_id!r}, which no catalog has"
        yield _violation(node, "unknownSpecification", "service.id", message)
    if action is Action.DELETE:
        going = {f"service:{each}" for each in checked.going()}
        for owner in checked.installed.owners.get(service_id, []):
            if owner not in going:
                message = f"service {service_id} is needed by {owner.replace(':', ' ', 1)}; end that first, or with it"
                yield _violation(node, "serviceInUse", "service.id", message)


def _check_characteristics(checked: _Checked) -> Iterator[Violation]:
    for node in checked.nodes:
        specification = node.specification
        if specification is None or node.item.action not in WITH_VALUES:
            continue
        rules = {rule.name: rule for rule in specification.characteristics}
        given = node.item.service.service_characteristic
        for code, part, message in (
            *faults_of_given(specification.name, rules, given, _CHARACTERISTICS),
            *_faults_of_worked_out(node, specification),
            *faults_of_missing(specification.name, rules, node.characteristics, _CHARACTERISTICS),
        ):
            yield _violation(node, code, part, message)


def _faults_of_worked_out(node: ServiceNode, specification: ServiceSpecification) -> Iterator[tuple[str, str, str]]:
    """Yield a fault for each characteristic that is chosen though the catalog works it out."""
    there = node.installed.characteristics if node.installed else {}
    for index, each in enumerate(node.item.service.service_characteristic):
        if each.name in specification.fulfilment.characteristics and each.value not in (None, there.get(each.name)):
            message = f"{each.name!r} is worked out when the service is set up; it cannot be chosen"
            yield "characteristicNotConfigurable", f"{_CHARACTERISTICS}[{index}].value", message


def _check_places(checked: _Checked) -> Iterator[Violation]:
    """Check that a place is given for what the catalog realises at a place."""
    for node in checked.nodes:
        added = node.item.action is Action.ADD and node.specification is not None
        if (
            added
            and node.specification
            and node.scope.place["id"] is None
            and not leaves_place_open(node.item.service)
            and _reads_place(node.specification, checked)
        ):
            message = f"{node.specification.name} is realised at a place, and the item names none"
            yield _violation(node, "placeMissing", "service.place", message)


def _reads_place(specification: ServiceSpecification, checked: _Checked) -> bool:
    fulfilment = specification.fulfilment
    requirements = [*fulfilment.services, *fulfilment.resources]
    if any("place" in expression.variables for each in requirements for expression in _expressions(each)):
        return True
    parts = [checked.catalogs.services.get(each.specification) for each in fulfilment.services]
    return any(_reads_place(part, checked) for part in parts if part)


def _expressions(requirement: Requirement) -> Iterator[Expression]:
    more = [requirement.pool, *requirement.criteria.values()] if isinstance(requirement, ResourceRequirement) else []
    together = (requirement.when, requirement.count, requirement.place, *requirement.characteristics.values(), *more)
    yield from (each for each in together if each is not None)


def _check_assurance(checked: _Checked) -> Iterator[Violation]:
    for node in checked.nodes:
        for code, part, message in faults_of_assurance(node, checked.catalogs):
            yield _violation(node, code, part, message)


def _check_relations(checked: _Checked) -> Iterator[Violation]:
    relies_on = reliance_of(list(checked.nodes), {node.item.id: node for node in checked.nodes})
    if circle := find_circle(relies_on):
        yield circular(circle, "serviceOrderItem")


def _deletes(node: ServiceNode) -> bool:
    return node.item.action is Action.DELETE


_CHECKS: tuple[Callable[[_Checked], Iterator[Violation]], ...] = (
    _check_services,
    _check_unchanged,
    _check_specifications,
    _check_characteristics,
    _check_places,
    _check_assurance,
    _check_relations,
)
