"""Expands a product or service specification into the services and resources that its `fulfilment` blocks ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import with_defaults
from catalogs.model.entities import ProductSpecification, ServiceSpecification
from catalogs.model.expressions import Expression, ExpressionError
from catalogs.model.fulfilment import Requirement, ResourceRequirement, ServiceFulfilment, ServiceRequirement
from catalogs.nodes.targets import ResourceTarget, Scope, ServiceTarget, policy_of
from orders.bounds import OrderLimits
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.parts import Characteristics, Demand
from orders.plan.policy import Policy
from tmf.words import shown

R = TypeVar("R", bound=Requirement)

MAX_COUNT = 1000
"""A count beyond this is a slip in an expression, not a service."""


class PlanTooLargeError(Exception):
    """An order comes down to more parts than it may; told when there is one too many, before there are all."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the order comes down to more than {most} products, services and resources")
        self.most = most


class Expansion:
    """Expands the specifications of one order into services and resources, into so many in all at most.

    Args:
        most: how many services and resources there may be.
    """

    def __init__(self, catalogs: CatalogSet, most: int = OrderLimits.parts) -> None:
        self.catalogs = catalogs
        self.most = most
        self._made = 0

    def product(self, specification: ProductSpecification, scope: Scope) -> list[ServiceTarget]:
        """Return the customer-facing services that a product should have, each with all below it.

        Raises:
            ExpressionError: when an expression of the catalog fails on this order's values.
            PlanTooLargeError: when there would be too many services and resources.
        """
        return self._services(specification.fulfilment.services, scope, None)

    def service(self, specification: ServiceSpecification, given: Characteristics, scope: Scope) -> ServiceTarget:
        """Return a service with these characteristics, ordered by itself at the scope's place, with all below it.

        Raises:
            ExpressionError, PlanTooLargeError: as `product`.
        """
        place = scope.place["id"]
        policy = policy_of(specification.fulfilment.policy)
        return self._target(CUSTOMER_FACING, specification, given, {}, place, policy, scope, scope.variables())

    def _services(
        self, requirements: Sequence[ServiceRequirement], scope: Scope, parent: Characteristics | None
    ) -> list[ServiceTarget]:
        needed = list(self._instances(requirements, scope, parent))
        keys = _by_requirement(needed)
        return [
            self._service(key, requirement, scope, scope.variables(parent, index), keys)
            for key, requirement, index in needed
        ]

    def _service(
        self,
        key: str,
        requirement: ServiceRequirement,
        scope: Scope,
        variables: Mapping[str, Any],
        keys: Mapping[str, list[str]],
    ) -> ServiceTarget:
        specification = _known(self.catalogs.services.get(requirement.specification), requirement)
        given, late = _split(requirement.characteristics, variables)
        place = _text(requirement.place, variables) if requirement.place else variables["place"]["id"]
        below = scope if requirement.place is None else _elsewhere(scope, place)
        policy = policy_of(specification.fulfilment.policy, requirement.policy)
        chosen = requirement.characteristics
        target = self._target(key, specification, given, late, place, policy, below, variables, chosen)
        return replace(
            target,
            relies_on=[each for name in requirement.depends_on for each in keys.get(name, [])],
            beyond=[name for name in requirement.depends_on if "/" in name],
        )

    def _target(
        self,
        key: str,
        specification: ServiceSpecification,
        given: Characteristics,
        late: Mapping[str, str],
        place: str | None,
        policy: Policy,
        below: Scope,
        variables: Mapping[str, Any],
        chosen: Collection[str] = (),
    ) -> ServiceTarget:
        """Return a service; of what its specification works out itself, what is `chosen` from outside counts there."""
        fulfilment = specification.fulfilment
        own = with_defaults(specification.characteristics, given)
        worked_out = {name: each for name, each in fulfilment.characteristics.items() if name not in chosen}
        more, late_own = _split(worked_out, {**variables, "service": own})
        own |= more
        late = {**late, **late_own}
        return ServiceTarget(
            key=key,
            specification=specification.as_specification,
            characteristics={name: value for name, value in own.items() if name not in late},
            late=late,
            relies_on=[],
            beyond=[],
            place=place,
            move=fulfilment.move,
            activation=fulfilment.activation,
            test=fulfilment.test,
            rules=fulfilment,
            policy=policy,
            services=self._services(fulfilment.services, below, own),
            resources=self._resources(fulfilment, below, own),
        )

    def _resources(self, fulfilment: ServiceFulfilment, scope: Scope, service: Characteristics) -> list[ResourceTarget]:
        needed = list(self._instances(fulfilment.resources, scope, service))
        keys = _by_requirement(needed)
        return [
            _resource(key, requirement, scope.variables(service, index), keys, self.catalogs)
            for key, requirement, index in needed
        ]

    def _instances(
        self, requirements: Sequence[R], scope: Scope, service: Characteristics | None
    ) -> Iterator[tuple[str, R, int]]:
        """Yield what is needed by these conditions: the first under the requirement's key, the nth under `key*n`."""
        for requirement in requirements:
            variables = scope.variables(service)
            if requirement.when and not _truth(requirement.when, variables):
                continue
            count = _whole(requirement.count, variables) if requirement.count else 1
            self._made += count
            if self._made > self.most:
                raise PlanTooLargeError(self.most)
            for index in range(1, count + 1):
                yield (requirement.key if index == 1 else f"{requirement.key}*{index}"), requirement, index


def _resource(
    key: str,
    requirement: ResourceRequirement,
    variables: Mapping[str, Any],
    keys: Mapping[str, list[str]],
    catalogs: CatalogSet,
) -> ResourceTarget:
    specification = _known(catalogs.resources.get(requirement.specification), requirement)
    fulfilment = specification.fulfilment
    given, late = _split(requirement.characteristics, variables)
    own = with_defaults(specification.characteristics, given)
    criteria = {name: expression.evaluate(variables) for name, expression in requirement.criteria.items()}
    return ResourceTarget(
        key=key,
        specification=specification.as_specification,
        demand=Demand(
            pool=_text(requirement.pool, variables),
            place=_text(requirement.place, variables),
            criteria={name: value for name, value in criteria.items() if value is not None},
            value=_text(requirement.value, variables),
        ),
        characteristics={name: value for name, value in own.items() if name not in late},
        late=late,
        relies_on=[each for name in requirement.depends_on for each in keys.get(name, [])],
        configuration=fulfilment.configuration,
        rules=fulfilment,
        policy=policy_of(fulfilment.policy, requirement.policy),
    )


def _by_requirement(needed: Sequence[tuple[str, Requirement, int]]) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for key, requirement, _ in needed:
        keys.setdefault(requirement.key, []).append(key)
    return keys


def _split(
    expressions: Mapping[str, Expression], variables: Mapping[str, Any]
) -> tuple[Characteristics, dict[str, str]]:
    """Return the values of what can be evaluated now, and the texts of what cannot."""
    late = {name: each.text for name, each in expressions.items() if each.is_late}
    return {name: each.evaluate(variables) for name, each in expressions.items() if name not in late}, late


def _elsewhere(scope: Scope, place: str | None) -> Scope:
    return Scope(
        order=scope.order,
        customer=scope.customer,
        item=scope.item,
        product=scope.product,
        place=scope.place | {"id": place},
    )


S = TypeVar("S")


def _known(specification: S | None, requirement: Requirement) -> S:
    if specification is None:
        raise LookupError(f"no specification {requirement.specification!r}: the catalogs were not checked")
    return specification


def _truth(expression: Expression, variables: Mapping[str, Any]) -> bool:
    value = expression.evaluate(variables)
    if not isinstance(value, bool):
        raise ExpressionError(f"{expression.text!r} gives {shown(value)}; a condition gives true or false")
    return value


def _whole(expression: Expression, variables: Mapping[str, Any]) -> int:
    value = expression.evaluate(variables)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise ExpressionError(
            f"{expression.text!r} gives {shown(value)}; a count is a whole number from 0 to {MAX_COUNT}"
        )
    return value


def _text(expression: Expression | None, variables: Mapping[str, Any]) -> str | None:
    value = expression.evaluate(variables) if expression else None
    if value is not None and not isinstance(value, str):
        raise ExpressionError(f"{expression}: gives {shown(value)}, not a text")
    return value
