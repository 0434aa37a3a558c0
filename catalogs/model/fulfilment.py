"""The `fulfilment` block: how a specification is realised. Strict: a key it does not know is a fault."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from catalogs.model.assurance import AssuranceBlock
from catalogs.model.durations import Duration
from catalogs.model.expressions import Expression
from catalogs.model.steps import StepRules, WorkRules
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.parts import Activation, Move
from orders.plan.policy import OnFailure, Policy
from tmf.model import StrictModel

RESERVED_KEYS = frozenset({"undo", "delivered", CUSTOMER_FACING})
"""Names that the plan and its workflows give a meaning of their own."""


class PolicyBlock(StrictModel):
    """The parts of a policy that a catalog sets at one place; the rest is inherited."""

    model_config = ConfigDict(frozen=True)

    attempt_timeout: Duration | None = None
    attempts: int | None = Field(default=None, ge=1)
    backoff: Duration | None = None
    max_backoff: Duration | None = None
    outage_timeout: Duration | None = None
    completion_timeout: Duration | None = None
    settle_after: Duration | None = None
    expected_duration: Duration | None = None
    on_failure: OnFailure | None = None
    hold_timeout: Duration | None = None
    after_hold: Literal["fail", "rollback"] | None = None

    def over(self, inherited: PolicyBlock | None) -> PolicyBlock:
        """Return this block with what it leaves open taken from `inherited`."""
        return inherited.model_copy(update=self.model_dump(by_alias=False, exclude_none=True)) if inherited else self

    def policy(self) -> Policy:
        """Return the whole policy, the defaults where nothing is set."""
        return Policy.model_validate(self.model_dump(by_alias=False, exclude_none=True))


class Requirement(StrictModel):
    """One service or resource that a specification needs, once or `count` times.

    `key` names it in the plan: the first has the key itself, the nth of several `key*n`.
    """

    key: str
    specification: str
    when: Expression | None = None
    count: Expression | None = None
    place: Expression | None = None
    """The id of a place; a service without one is at its item's, a resource without one comes from any."""
    characteristics: dict[str, Expression] = Field(default_factory=dict)
    depends_on: list[str] = Field(default_factory=list)
    policy: PolicyBlock | None = None


class ServiceRequirement(Requirement):
    """A service; a product's may depend on `product-specification-id/key`, that of another product."""


class ResourceRequirement(Requirement):
    """A resource, and what is asked of its pool."""

    pool: Expression | None = None
    criteria: dict[str, Expression] = Field(default_factory=dict)
    value: Expression | None = None


class ActivationRule(Activation):
    """How a service or resource is set up in the network."""

    model_config = ConfigDict(extra="forbid")


class ProductFulfilment(StepRules):
    """Which customer-facing services realise a product."""

    services: list[ServiceRequirement] = Field(default_factory=list)
    policy: PolicyBlock | None = None


class ServiceFulfilment(WorkRules):
    """Which resource-facing services and resources realise a service, and how it is activated and tested.

    `characteristics` are what the service works out itself, above all from what was assigned to it.
    """

    services: list[ServiceRequirement] = Field(default_factory=list)
    resources: list[ResourceRequirement] = Field(default_factory=list)
    characteristics: dict[str, Expression] = Field(default_factory=dict)
    move: Move = Move.IN_PLACE
    activation: ActivationRule | None = None
    assurance: AssuranceBlock | None = None
    """What is done when it has failed; nothing without it."""
    test: str | None = None
    policy: PolicyBlock | None = None


class ResourceFulfilment(WorkRules):
    """Whether a resource is configured in the network before it is installed."""

    configuration: ActivationRule | None = None
    policy: PolicyBlock | None = None
