"""What an order, or a change of one, would come down to."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.schemas.product_order import ProductOrderCreate
from api.schemas.resource_order import ResourceOrderCreate
from api.schemas.service_order import ServiceOrderCreate
from orders.model.revision import NodeChange, Refusal
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from tmf.model import Model


class PricedOrder(ProductOrderCreate):
    """The order as it would be taken in, with its prices."""

    state: str | None = None
    order_date: Any = None


class Preview(Model):
    """What an order would come down to: priced, with its plan, or with all that would have it rejected."""

    order: PricedOrder
    plan: OrchestrationPlan | None = Field(description="None where the order breaks a rule.")
    violations: list[Violation]


class PlannedServiceOrder(ServiceOrderCreate):
    """The order as it would be taken in."""

    state: str | None = None
    order_date: Any = None


class ServiceOrderPreview(Model):
    """What a service order would come down to: with its plan, or with all that would have it rejected."""

    order: PlannedServiceOrder
    plan: OrchestrationPlan | None = Field(description="None where the order breaks a rule.")
    violations: list[Violation]


class PlannedResourceOrder(ResourceOrderCreate):
    """The order as it would be taken in."""

    state: str | None = None
    order_date: Any = None


class ResourceOrderPreview(Model):
    """What a resource order would come down to: with its plan, or with all that would have it rejected."""

    order: PlannedResourceOrder
    plan: OrchestrationPlan | None = Field(description="None where the order breaks a rule.")
    violations: list[Violation]


class ChangePreview(Model):
    """What an amendment or a cancellation of a running order would do: nothing, where there is a refusal."""

    changes: list[NodeChange] = Field(description="What becomes of each node of the plan; of a cancellation, undone.")
    refusals: list[Refusal] = Field(description="Which items do not allow it any more, and why.")
    violations: list[Violation] = Field(description="Which rules of the catalogs the new version breaks.")
