"""Services as they are sold: the shapes that products on sale make of a service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import product as combinations
from typing import Any

from catalogs.alternatives import distance
from catalogs.decomposition.services import Expansion, PlanTooLargeError
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import with_defaults
from catalogs.model.entities import ProductSpecification
from catalogs.model.expressions import ExpressionError
from catalogs.nodes.services import ServiceNode
from catalogs.nodes.targets import ServiceTarget
from orders.plan.parts import Characteristics

_MAX_COMBINATIONS = 200
"""Ways to configure one product that are looked through for what is sold of a service."""


def sold_configurations(wish: ServiceNode, catalogs: CatalogSet, on: datetime) -> list[Characteristics]:
    """Return what the products on sale make of a service, as its characteristics, the closest to the wish first.

    What the service works out itself is not among them: nobody chooses it.
    """
    if wish.specification is None:
        return []
    found: dict[str, Characteristics] = {}
    worked_out = wish.specification.fulfilment.characteristics
    for specification in _products_with(wish.specification.id, catalogs, on):
        for values in _configurations(specification):
            for target in _expanded(wish, specification, values, catalogs):
                if target.specification.id == wish.specification.id:
                    told = {
                        name: value
                        for name, value in target.characteristics.items()
                        if value is not None and name not in worked_out
                    }
                    found.setdefault(repr(sorted(told.items())), told)
    others = [each for each in found.values() if distance(wish.characteristics, each)]
    return sorted(others, key=lambda each: distance(wish.characteristics, each))


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
    wish: ServiceNode, specification: ProductSpecification, values: Characteristics, catalogs: CatalogSet
) -> list[ServiceTarget]:
    try:
        return Expansion(catalogs).product(specification, replace(wish.scope, product=values))
    except (ExpressionError, PlanTooLargeError):
        return []
