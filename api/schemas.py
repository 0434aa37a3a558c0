"""How answers look that no domain model describes, for the OpenAPI document, and the examples in it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from orders import resource_orders as posted_resources
from orders import service_orders as posted_services
from orders.lifecycle import OrderState
from orders.model import Model, Resource
from orders.plan import OrchestrationPlan
from orders.revision import NodeChange, Refusal
from orders.tmf import Action, ProductOrder, RelatedParty
from orders.violation import Violation


class OrderRelationship(Resource):
    """The order that made this one (`parent`), or one that it has made (`child`)."""

    id: str
    href: str
    relationship_type: str
    referred_type: str | None = Field(default=None, alias="@referredType")


class _Order(Resource):
    id: str
    href: str
    state: OrderState
    order_date: str
    external_id: str | None = None
    category: str | None = None
    description: str | None = None
    requested_start_date: str | None = None
    requested_completion_date: str | None = None
    expected_completion_date: str | None = None
    completion_date: str | None = None
    related_party: list[RelatedParty] | None = None
    order_relationship: list[OrderRelationship] | None = None


class ServiceOrderItem(Resource):
    id: str
    action: Action
    state: OrderState | None = None
    service: dict[str, Any]


class ServiceOrder(_Order):
    """TMF641 v4 ServiceOrder."""

    service_order_item: list[ServiceOrderItem]


class ServiceOrderCreate(posted_services.ServiceOrder):
    """A service order to be taken in."""


class ResourceOrderItem(Resource):
    id: str
    action: Action
    state: OrderState
    resource: dict[str, Any]


class ResourceOrder(_Order):
    """TMF652 v4 ResourceOrder."""

    order_item: list[ResourceOrderItem]


class ResourceOrderCreate(posted_resources.ResourceOrder):
    """A resource order to be taken in."""


class Preview(Model):
    """What a product order would come down to: priced, with its plan, or with every rule that it breaks."""

    order: ProductOrder
    plan: OrchestrationPlan | None = Field(description="None where the order breaks a rule.")
    violations: list[Violation]


class ServiceOrderPreview(Model):
    """What a service order would come down to: with its plan, or with every rule that it breaks."""

    order: ServiceOrderCreate
    plan: OrchestrationPlan | None = Field(description="None where the order breaks a rule.")
    violations: list[Violation]


class ResourceOrderPreview(Model):
    """What a resource order would come down to: with its plan, or with every rule that it breaks."""

    order: ResourceOrderCreate
    plan: OrchestrationPlan | None = Field(description="None where the order breaks a rule.")
    violations: list[Violation]


class ChangePreview(Model):
    """What an amendment or a cancellation of a running order would do: nothing, where there is a refusal."""

    changes: list[NodeChange] = Field(description="What becomes of each node of the plan; of a cancellation, undone.")
    refusals: list[Refusal] = Field(description="Which items do not allow it any more, and why.")
    violations: list[Violation] = Field(description="Which rules of the catalogs the new version breaks.")


_PLACE = {"id": "BER-1", "role": "installation", "@referredType": "GeographicSite"}

PRODUCT_ORDER_EXAMPLE: dict[str, Any] = {
    "externalId": "CRM-2026-000417",
    "category": "fibre",
    "description": "Fibre Home at BER-1",
    "priority": "2",
    "requestedStartDate": "2026-11-23T09:00:00.000Z",
    "relatedParty": [{"id": "C-1001", "role": "customer", "name": "Ada Example", "@referredType": "Customer"}],
    "productOrderItem": [
        {
            "id": "1",
            "action": "add",
            "productOffering": {"id": "fibre-home-bundle"},
            "product": {"place": [_PLACE]},
            "productOrderItem": [
                {
                    "id": "1.internet",
                    "action": "add",
                    "productOffering": {"id": "fibre-internet"},
                    "product": {
                        "place": [_PLACE],
                        "productCharacteristic": [{"name": "downloadSpeed", "value": 250}],
                    },
                },
                {
                    "id": "1.router",
                    "action": "add",
                    "productOffering": {"id": "home-router"},
                    "product": {
                        "place": [_PLACE],
                        "productCharacteristic": [{"name": "wifiName", "value": "Our Home"}],
                    },
                },
            ],
        }
    ],
}
"""An order that the shipped catalogs know, for a place that the reference inventory knows."""

SERVICE_ORDER_EXAMPLE: dict[str, Any] = {
    "externalId": "NOC-2026-000218",
    "description": "A mobile subscription, without a product",
    "priority": "2",
    "relatedParty": [
        {
            "id": "C-1001",
            "role": "customer",
            "name": "Ada Example",
            "@type": "RelatedParty",
            "@referredType": "Customer",
        }
    ],
    "serviceOrderItem": [
        {
            "id": "1",
            "action": "add",
            "service": {
                "serviceSpecification": {"id": "cfs-mobile"},
                "serviceCharacteristic": [
                    {"name": "simType", "value": "esim"},
                    {"name": "dataVolumeGb", "value": 20},
                    {"name": "roaming", "value": "eu"},
                ],
            },
        }
    ],
}

RESOURCE_ORDER_EXAMPLE: dict[str, Any] = {
    "externalId": "NET-2026-000031",
    "description": "An access port at BER-1",
    "priority": 2,
    "orderItem": [
        {
            "id": "1",
            "action": "add",
            "resource": {"resourceSpecification": {"id": "access-port"}, "place": _PLACE},
        }
    ],
}

PATCH_EXAMPLE: dict[str, Any] = {
    "requestedCompletionDate": "2026-12-01T17:00:00.000Z",
    "priority": "1",
    "productOrderItem": PRODUCT_ORDER_EXAMPLE["productOrderItem"],
}

CANCEL_PREVIEW_EXAMPLE: dict[str, Any] = {"cancel": True}
