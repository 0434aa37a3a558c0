"""Single services, without a product around them: do their characteristics fit, and what do they come down to?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product as combinations
from typing import Any

from catalogs.alternatives import distance
from catalogs.catalog_set import CatalogSet
from catalogs.characteristic_checks import faults_of_value
from catalogs.characteristics import with_defaults
from catalogs.expressions import ExpressionError, compiled
from catalogs.faults import did_you_mean
from catalogs.fulfilment import ProductFulfilment, ServiceRequirement
from catalogs.model import ProductSpecification, ServiceSpecification
from catalogs.modification import plan_service
from catalogs.product_nodes import no_place
from catalogs.service_decomposition import expand_product
from catalogs.targets import Scope, ServiceTarget
from orders.installed import InstalledService
from orders.plan import CUSTOMER_FACING, Characteristics, ServiceItem, ServiceOrderPlan, Specification
from orders.tmf import Action
from orders.violation import Violation

MISSING = "characteristicMissing"
"""The code of what is wrong with a service that lacks a value it must have."""

_KEY = "service"
_MAX_COMBINATIONS = 200
"""Ways to configure one product that are looked through for what is sold of a service."""


@dataclass(frozen=True)
class ServiceWish:
    """A service that is asked for: new, or an installed one as it is to be."""

    item_id: str
    specification_id: str
    characteristics: Characteristics
    place: str | None = None
    customer_id: str | None = None
    installed: InstalledService | None = None

    def values(self) -> Characteristics:
        """Return the characteristics that the service is to have, with those that it has."""
        return {**(self.installed.characteristics if self.installed else {}), **self.characteristics}


def check_service(wish: ServiceWish, catalogs: CatalogSet, path: str) -> list[Violation]:
    """Return every rule of the catalogs that a service breaks; `path` is that of its item."""
    specification = catalogs.services.get(wish.specification_id)

    def violation(code: str, part: str, message: str) -> Violation:
        return Violation(code=code, path=f"{path}.service.{part}", message=message, item_id=wish.item_id)

    if specification is None:
        known = did_you_mean(wish.specification_id, catalogs.services.ids())
        message = f"there is no service specification {wish.specification_id!r}{known}"
        return [violation("unknownSpecification", "serviceSpecification.id", message)]
    rules = {rule.name: rule for rule in specification.characteristics}
    found = []
    for name, value in wish.characteristics.items():
        if name not in rules:
            message = f"{specification.name} has no characteristic {name!r}{did_you_mean(name, rules)}"
            found.append(violation("unknownCharacteristic", "serviceCharacteristic", message))
        elif value is not None:
            found += [
                violation(code, "serviceCharacteristic", message)
                for code, message in faults_of_value(rules[name], value)
            ]
    for name in _missing(wish, specification):
        message = f"{specification.name} needs the characteristic {name!r}"
        found.append(violation(MISSING, "serviceCharacteristic", message))
    return found


def plan_of_service(wish: ServiceWish, catalogs: CatalogSet) -> ServiceOrderPlan | None:
    """Return the service order that a service comes down to; None where it is as it should be already.

    Raises:
        ExpressionError: when an expression of the catalogs does not fit the values.
    """
    target = _target(wish, wish.values(), catalogs)
    before = _target(wish, wish.installed.characteristics, catalogs) if wish.installed else None
    planned = plan_service(target, wish.installed, before, {}, catalogs)
    if planned.action is Action.NO_CHANGE:
        return None
    return _service_order(wish, planned.action, target.specification, planned.items)


def bare_plan(wish: ServiceWish, specification: ServiceSpecification) -> ServiceOrderPlan:
    """Return a service order of the service alone, for one whose parts cannot be worked out yet."""
    item = ServiceItem(
        key=CUSTOMER_FACING,
        action=Action.ADD,
        specification=specification.as_specification,
        characteristics={name: value for name, value in wish.characteristics.items() if value is not None},
    )
    return _service_order(wish, Action.ADD, specification.as_specification, [item])


def sold_configurations(wish: ServiceWish, catalogs: CatalogSet, on: datetime) -> list[Characteristics]:
    """Return what the products on sale make of a service, as its characteristics, the closest to the wish first."""
    asked = wish.values()
    found: dict[str, Characteristics] = {}
    for specification in _products_with(wish.specification_id, catalogs, on):
        for values in _configurations(specification):
            for target in _expanded(wish, specification, values, catalogs):
                if target.specification.id == wish.specification_id:
                    told = {name: value for name, value in target.characteristics.items() if value is not None}
                    found.setdefault(repr(sorted(told.items())), told)
    others = [each for each in found.values() if distance(asked, each)]
    return sorted(others, key=lambda each: distance(asked, each))


def _missing(wish: ServiceWish, specification: ServiceSpecification) -> list[str]:
    """Return the mandatory characteristics that a service has no value for and does not work out itself."""
    values = with_defaults(specification.characteristics, wish.values())
    worked_out = specification.fulfilment.characteristics
    return [
        rule.name
        for rule in specification.characteristics
        if rule.min_cardinality and values.get(rule.name) is None and rule.name not in worked_out
    ]


def _target(wish: ServiceWish, values: Characteristics, catalogs: CatalogSet) -> ServiceTarget:
    """Return what a service comes to, as if a product had it and nothing else, and named its characteristics.

    What the service works out itself it keeps working out, unless the wish names it.
    """
    specification = catalogs.services.get(wish.specification_id)
    rules = specification.characteristics if specification else []
    worked_out = specification.fulfilment.characteristics if specification else {}
    named = {
        rule.name: compiled(f"product['{rule.name}']")
        for rule in rules
        if values.get(rule.name) is not None and (rule.name not in worked_out or rule.name in wish.characteristics)
    }
    requirement = ServiceRequirement(key=_KEY, specification=wish.specification_id, characteristics=named)
    around = ProductSpecification(id=_KEY, name=_KEY, fulfilment=ProductFulfilment(services=[requirement]))
    return expand_product(around, _scope(wish, values), catalogs)[0]


def _scope(wish: ServiceWish, values: Characteristics) -> Scope:
    return Scope(
        order={"id": None, "externalId": None, "category": None, "description": None, "priority": None},
        customer={"id": wish.customer_id, "name": None},
        item={"id": wish.item_id, "action": "add", "quantity": 1, "instance": 1, "offering": None, "bundle": None},
        product=values,
        place=no_place() | {"id": wish.place},
    )


def _service_order(
    wish: ServiceWish, action: Action, specification: Specification, items: list[ServiceItem]
) -> ServiceOrderPlan:
    return ServiceOrderPlan(
        key=wish.item_id,
        item_id=wish.item_id,
        unit=wish.item_id,
        action=action,
        specification=specification,
        place=wish.place,
        customer_id=wish.customer_id,
        items=items,
    )


def _products_with(service_id: str, catalogs: CatalogSet, on: datetime) -> Iterator[ProductSpecification]:
    """Yield the specifications of products on sale that are realised by a service, each once."""
    seen: set[str] = set()
    for offering in catalogs.offerings:
        specification = catalogs.product_of(offering) if offering.on_sale(on) else None
        if specification and specification.id not in seen:
            seen.add(specification.id)
            if any(each.specification == service_id for each in specification.fulfilment.services):
                yield specification


def _configurations(specification: ProductSpecification) -> Iterator[Characteristics]:
    """Yield the ways to configure a product with values that its specification names."""
    choices: list[list[Any]] = []
    for rule in specification.characteristics:
        named = [each.value for each in rule.values if each.value is not None]
        choices.append(named if rule.min_cardinality and named else [*named, None])
    for number, values in enumerate(combinations(*choices)):
        if number >= _MAX_COMBINATIONS:
            return
        chosen = dict(zip((rule.name for rule in specification.characteristics), values, strict=True))
        yield with_defaults(specification.characteristics, chosen)


def _expanded(
    wish: ServiceWish, specification: ProductSpecification, values: Characteristics, catalogs: CatalogSet
) -> list[ServiceTarget]:
    try:
        return expand_product(specification, _scope(wish, values), catalogs)
    except ExpressionError:
        return []
