"""Takes down what inventory says is there; the catalog adds sequence, steps and policies where it knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import Entry
from catalogs.model.fulfilment import Requirement, ServiceFulfilment
from catalogs.model.steps import take_rules
from catalogs.nodes.targets import policy_of
from orders.model.installed import InstalledResource, InstalledService
from orders.model.product_orders import Action
from orders.plan.graph import orient
from orders.plan.keys import CUSTOMER_FACING, REPLACED
from orders.plan.parts import Demand, ResourceItem, ServiceItem, Specification


def removed_items(
    installed: InstalledService, catalogs: CatalogSet, requirement: Requirement | None = None
) -> list[ServiceItem]:
    """Return the items of the service order that takes a customer-facing service down with all below it."""
    fulfilment = fulfilment_of(installed, catalogs)
    parts = [removed_part(part, fulfilment, catalogs) for part in installed.services]
    relies_on = reliance([part.key for part in parts], fulfilment.services)
    for part in parts:
        part.relies_on = relies_on[part.key]
    whole = _removed(installed, CUSTOMER_FACING, requirement, catalogs)
    whole.relies_on = [part.key for part in parts]
    items = [*parts, whole]
    orient_services(items)
    return items


def removed_part(
    installed: InstalledService, parent: ServiceFulfilment, catalogs: CatalogSet, key: str | None = None
) -> ServiceItem:
    """Return the item that takes down a service with its resources."""
    requirement = requirement_of(installed.key, parent.services)
    return _removed(installed, key or installed.key, requirement, catalogs)


def removed_resource(
    installed: InstalledResource, parent: ServiceFulfilment, catalogs: CatalogSet, key: str | None = None
) -> ResourceItem:
    """Return the item that gives a resource back; its demand says which member it was."""
    requirement = requirement_of(installed.key, parent.resources)
    specification = catalogs.resources.get(installed.specification_id)
    fulfilment = specification.fulfilment if specification else None
    configuration = fulfilment.configuration if fulfilment else None
    item = ResourceItem(
        key=key or installed.key,
        action=Action.DELETE,
        specification=_specification(specification, installed.specification_id),
        resource_id=installed.id,
        reserved_by=installed.reserved_by,
        demand=Demand(pool=installed.pool, value=installed.value),
        characteristics=installed.characteristics,
        previous=installed.characteristics,
        configuration=configuration,
        policy=policy_of(fulfilment.policy if fulfilment else None, requirement.policy if requirement else None),
    )
    take_rules(item, fulfilment)
    return item


def fulfilment_of(installed: InstalledService, catalogs: CatalogSet) -> ServiceFulfilment:
    """Return how the catalog realises an installed service; nothing where it knows the specification no more."""
    specification = catalogs.services.get(installed.specification_id)
    return specification.fulfilment if specification else ServiceFulfilment()


def requirement_of(key: str, requirements: Iterable[Requirement]) -> Requirement | None:
    """Return the requirement that an instance was made for."""
    return next((each for each in requirements if each.key == base_key(key)), None)


def base_key(key: str) -> str:
    """Return the requirement's key of an instance: `line` of `line*2` and of `line~replaced`."""
    return key.removesuffix(REPLACED).split("*")[0]


def reliance(keys: Sequence[str], requirements: Iterable[Requirement]) -> dict[str, list[str]]:
    """Return on which of `keys` each relies, as the requirements say."""
    needs = {each.key: set(each.depends_on) for each in requirements}
    return {key: [other for other in keys if base_key(other) in needs.get(base_key(key), ())] for key in keys}


def orient_services(items: Sequence[ServiceItem], relied: Mapping[str, list[str]] | None = None) -> None:
    """Set what each item starts after, by what it relies on and what happens to both.

    Args:
        relied: what an item relies on where that is more than will support it: what leaves goes after it.
    """
    needs = {each.key: each.relies_on for each in items} | dict(relied or {})
    after = orient(needs, {each.key: each.action for each in items})
    for each in items:
        each.depends_on = after[each.key]


def orient_resources(items: Sequence[ResourceItem], relies_on: dict[str, list[str]]) -> None:
    """Set what each resource starts after, by what it relies on and what happens to both."""
    after = orient({each.key: relies_on.get(each.key, []) for each in items}, {each.key: each.action for each in items})
    for each in items:
        each.depends_on = after[each.key]


def _removed(
    installed: InstalledService, key: str, requirement: Requirement | None, catalogs: CatalogSet
) -> ServiceItem:
    specification = catalogs.services.get(installed.specification_id)
    fulfilment = fulfilment_of(installed, catalogs)
    resources = [removed_resource(each, fulfilment, catalogs) for each in installed.resources]
    orient_resources(resources, reliance([each.key for each in resources], fulfilment.resources))
    item = ServiceItem(
        key=key,
        action=Action.DELETE,
        specification=_specification(specification, installed.specification_id),
        service_id=installed.id,
        place=installed.place,
        previous_place=installed.place,
        characteristics=installed.characteristics,
        previous=installed.characteristics,
        resources=resources,
        activation=fulfilment.activation,
        test=fulfilment.test,
        policy=policy_of(fulfilment.policy, requirement.policy if requirement else None),
    )
    take_rules(item, fulfilment)
    return item


def _specification(known: Entry | None, specification_id: str) -> Specification:
    return known.as_specification if known else Specification(id=specification_id, name=specification_id)
