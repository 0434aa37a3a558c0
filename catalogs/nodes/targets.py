"""The target of a product, before it is compared with what is there: services, their services and resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from catalogs.model.fulfilment import PolicyBlock
from catalogs.model.steps import WorkRules
from orders.plan.parts import Activation, Characteristics, Demand, Move, Specification
from orders.plan.policy import Policy


@dataclass(frozen=True, slots=True)
class ResourceTarget:
    """A resource that a service should have."""

    key: str
    specification: Specification
    demand: Demand
    characteristics: Characteristics
    late: dict[str, str]
    relies_on: list[str]
    configuration: Activation | None
    rules: WorkRules
    policy: Policy


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """A service that a product or another service should have."""

    key: str
    specification: Specification
    characteristics: Characteristics
    late: dict[str, str]
    relies_on: list[str]
    """Keys of services beside it."""
    beyond: list[str]
    """Services of other products, as the catalog names them: `vpn-hub-site/overlay`."""
    place: str | None
    move: Move
    activation: Activation | None
    test: str | None
    rules: WorkRules
    policy: Policy
    services: list[ServiceTarget] = field(default_factory=list)
    resources: list[ResourceTarget] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables that expressions read while a product is expanded."""

    order: dict[str, Any]
    customer: dict[str, Any]
    item: dict[str, Any]
    product: Characteristics
    place: dict[str, Any]

    def variables(self, service: Characteristics | None = None, index: int = 1) -> dict[str, Any]:
        return {
            "order": self.order,
            "customer": self.customer,
            "item": self.item,
            "product": self.product,
            "place": self.place,
            "service": service or {},
            "index": index,
        }


@lru_cache(maxsize=4096)
def policy_of(specification: PolicyBlock | None, requirement: PolicyBlock | None = None) -> Policy:
    """Return a step's policy: its requirement's over its specification's (over its catalog's) over the defaults."""
    return (requirement or PolicyBlock()).over(specification).policy()
