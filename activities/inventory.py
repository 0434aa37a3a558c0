"""Inventory: product (TMF637), service (TMF638), resource (TMF639) and the pools that resources are reserved from."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field
from temporalio import activity

from activities.http import DownstreamError, DownstreamSystem
from orders.documents import characteristic_list
from orders.model import Model
from orders.outcome import AssignedResource, Residue
from orders.plan import Characteristics, Demand, ProductPlan, Specification

PRODUCT = "/tmf-api/productInventory/v4/product"
SERVICE = "/tmf-api/serviceInventory/v4/service"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"


class ReserveResource(Model):
    key: str
    specification: str
    demand: Demand


class ReleaseResource(Model):
    """Give a resource back: by its id, or, where the answer to its reservation was lost, by the reservation's key."""

    key: str
    resource_id: str | None = None
    reserved_by: str | None = None


class SetUpResource(Model):
    """Record a resource as in use with these characteristics, or as no longer in use."""

    key: str
    resource_id: str
    in_use: bool
    characteristics: Characteristics = Field(default_factory=dict)


class RecordService(Model):
    """Record a new service, reserved for the order's item that is to realise it."""

    key: str
    name: str
    specification: Specification
    customer_facing: bool
    service_order: str
    item: str
    place: str | None = None
    customer_id: str | None = None


class Named(Model):
    """An inventory id under the key that it has in what it supports."""

    key: str
    id: str


class ChangeService(Model):
    """Bring a recorded service to a state, with characteristics and what supports it where they are given."""

    key: str
    service_id: str
    state: str
    characteristics: Characteristics | None = None
    services: list[Named] | None = None
    resources: list[Named] | None = None


class RemoveService(Model):
    """Remove a recorded service: by its id, or, where the answer to its creation was lost, by its order's item."""

    key: str
    service_order: str
    item: str
    service_id: str | None = None


class RecordProduct(Model):
    """Record what became of one product of an order."""

    key: str
    order_id: str
    product: ProductPlan
    services: list[Named] = Field(default_factory=list)
    components: list[str] = Field(default_factory=list)
    relies_on: list[str] = Field(default_factory=list)


class RestoreProduct(Model):
    """Take back what an order recorded of a product."""

    key: str
    order_id: str
    product: ProductPlan
    product_id: str | None = None


class Kind(StrEnum):
    PRODUCT = "product"
    SERVICE = "service"
    RESOURCE = "resource"


class Expectation(Model):
    """In which states inventory must show something after an undo; `absent` stands for not being there at all."""

    kind: Kind
    id: str
    states: list[str]


class InventoryActivities:
    """Inventory's part of an order. Each effect carries a key, so that a repeat changes nothing."""

    def __init__(self, inventory: DownstreamSystem) -> None:
        self._inventory = inventory

    @activity.defn
    async def reserve_resource(self, request: ReserveResource) -> AssignedResource:
        """Reserve one resource from its pool."""
        demand = request.demand
        body: dict[str, Any] = {
            "resourceSpecification": {"id": request.specification},
            "criteria": demand.criteria,
            "requestedBy": request.key,
        }
        if demand.pool:
            body["pool"] = demand.pool
        if demand.place:
            body["place"] = {"id": demand.place}
        if demand.value is not None:
            body["value"] = demand.value
        _, resource = await self._inventory.call("POST", RESERVATION, key=request.key, body=body)
        return assigned(resource)

    @activity.defn
    async def release_resource(self, request: ReleaseResource) -> None:
        """Give a resource back to its pool; one that is free already is left alone."""
        ids = [request.resource_id] if request.resource_id else []
        if not ids and request.reserved_by:
            found = await self._inventory.list(RESOURCE, {"reservation.requestedBy": request.reserved_by})
            ids = [resource["id"] for resource in found]
        for resource_id in ids:
            await self._inventory.call(
                "DELETE", f"{RESERVATION}/{resource_id}", key=f"{request.key}/{resource_id}", accept=(404,)
            )

    @activity.defn
    async def set_up_resource(self, request: SetUpResource) -> None:
        """Record a resource as in use, or as no longer in use."""
        await self._inventory.call(
            "PATCH",
            f"{RESOURCE}/{request.resource_id}",
            key=request.key,
            body={
                "usageState": "active" if request.in_use else "idle",
                "operationalState": "enable" if request.in_use else "disable",
                "resourceCharacteristic": characteristic_list(request.characteristics),
            },
        )

    @activity.defn
    async def record_service(self, request: RecordService) -> str:
        """Record a service as reserved and return its id in inventory."""
        body: dict[str, Any] = {
            "name": request.name,
            "category": "CFS" if request.customer_facing else "RFS",
            "state": "reserved",
            "serviceSpecification": {
                "id": request.specification.id,
                "name": request.specification.name,
                "version": request.specification.version,
            },
            "serviceOrderItem": [{"serviceOrderId": request.service_order, "itemId": request.item}],
            "relatedParty": [{"id": request.customer_id, "role": "customer"}] if request.customer_id else [],
            "place": [{"id": request.place, "role": "installation"}] if request.place else [],
        }
        _, service = await self._inventory.call("POST", SERVICE, key=request.key, body=body)
        return str(service["id"])

    @activity.defn
    async def change_service(self, request: ChangeService) -> None:
        """Bring a recorded service to a state, with new characteristics and supports where given."""
        body: dict[str, Any] = {"state": request.state}
        if request.characteristics is not None:
            body["serviceCharacteristic"] = characteristic_list(request.characteristics)
        if request.services is not None:
            body["supportingService"] = _references(request.services)
        if request.resources is not None:
            body["supportingResource"] = _references(request.resources)
        await self._inventory.call("PATCH", f"{SERVICE}/{request.service_id}", key=request.key, body=body)

    @activity.defn
    async def remove_service(self, request: RemoveService) -> None:
        """Remove the record of a service that an order made; one that is gone already is left alone."""
        ids = [request.service_id] if request.service_id else []
        if not ids:
            wanted = {"serviceOrderItem.serviceOrderId": request.service_order, "serviceOrderItem.itemId": request.item}
            ids = [service["id"] for service in await self._inventory.list(SERVICE, wanted)]
        for service_id in ids:
            await self._inventory.call(
                "DELETE", f"{SERVICE}/{service_id}", key=f"{request.key}/{service_id}", accept=(404,)
            )

    @activity.defn
    async def record_product(self, request: RecordProduct) -> str:
        """Record a product as added, changed or terminated, and return its id in inventory."""
        product = request.product
        if product.product_id is None:
            _, created = await self._inventory.call("POST", PRODUCT, key=request.key, body=_new_product(request))
            return str(created["id"])
        await self._inventory.call(
            "PATCH", f"{PRODUCT}/{product.product_id}", key=request.key, body=_product_change(request)
        )
        return product.product_id

    @activity.defn
    async def restore_product(self, request: RestoreProduct) -> None:
        """Take back what an order recorded of a product: a new one goes, a changed one is as it was."""
        product = request.product
        if product.product_id is not None:
            body = {
                "status": "active",
                "productCharacteristic": characteristic_list(product.previous),
                "productPrice": [price.model_dump(mode="json", exclude_none=True) for price in product.previous_prices],
            }
            await self._inventory.call("PATCH", f"{PRODUCT}/{product.product_id}", key=request.key, body=body)
            return
        ids = [request.product_id] if request.product_id else []
        if not ids:
            wanted = {"productOrderItem.productOrderId": request.order_id, "productOrderItem.planKey": product.key}
            ids = [found["id"] for found in await self._inventory.list(PRODUCT, wanted)]
        for product_id in ids:
            await self._inventory.call(
                "DELETE", f"{PRODUCT}/{product_id}", key=f"{request.key}/{product_id}", accept=(404,)
            )

    @activity.defn
    async def read_back(self, expected: list[Expectation]) -> list[Residue]:
        """Read inventory after an undo and return what is not as it should be."""
        residue = []
        for each in expected:
            path, attribute = _STATE_OF[each.kind]
            document = await self._inventory.find(f"{path}/{each.id}")
            state = "absent" if document is None else str(document.get(attribute))
            if state not in each.states:
                residue.append(
                    Residue(
                        step="read back",
                        system=self._inventory.name,
                        target=f"{each.kind} {each.id}",
                        message=f"is {state} where {' or '.join(each.states)} was expected after the undo",
                    )
                )
        return residue


_STATE_OF = {
    Kind.PRODUCT: (PRODUCT, "status"),
    Kind.SERVICE: (SERVICE, "state"),
    Kind.RESOURCE: (RESOURCE, "resourceStatus"),
}


def assigned(resource: dict[str, Any]) -> AssignedResource:
    """Take what an order needs from a TMF639 resource.

    Raises:
        DownstreamError: when the document has no id.
    """
    if not isinstance(resource, dict) or not resource.get("id"):
        raise DownstreamError(
            "inventory", f"inventory named a resource without an id: {resource!r:.300}", retryable=False
        )
    return AssignedResource(
        id=resource["id"],
        value=resource.get("value"),
        name=resource.get("name"),
        characteristics={each["name"]: each.get("value") for each in resource.get("resourceCharacteristic") or []},
    )


def _references(named: list[Named]) -> list[dict[str, str]]:
    return [{"id": each.id, "name": each.key} for each in named]


def _new_product(request: RecordProduct) -> dict[str, Any]:
    product = request.product
    body: dict[str, Any] = {
        **_product_change(request),
        "name": product.name,
        "isBundle": bool(request.components),
        "isCustomerVisible": True,
        "productOrderItem": [
            {"productOrderId": request.order_id, "orderItemId": product.item_id, "planKey": product.key}
        ],
        "relatedParty": [{"id": product.customer_id, "role": "customer"}] if product.customer_id else [],
        "place": [{"id": product.place, "role": "installation"}] if product.place else [],
    }
    if product.offering:
        body["productOffering"] = product.offering.model_dump(mode="json", exclude_none=True)
    if product.specification:
        body["productSpecification"] = {
            "id": product.specification.id,
            "name": product.specification.name,
            "version": product.specification.version,
        }
    if product.billing_account:
        body["billingAccount"] = {"id": product.billing_account}
    return body


def _product_change(request: RecordProduct) -> dict[str, Any]:
    product = request.product
    if product.action == "delete":
        return {"status": "terminated"}
    relationships = [{"relationshipType": "bundles", "product": {"id": each}} for each in request.components]
    relationships += [{"relationshipType": "reliesOn", "product": {"id": each}} for each in request.relies_on]
    body: dict[str, Any] = {
        "status": "active",
        "productCharacteristic": characteristic_list(product.characteristics),
        "productPrice": [price.model_dump(mode="json", exclude_none=True) for price in product.prices],
    }
    if request.services:
        body["realizingService"] = _references(request.services)
    if relationships:
        body["productRelationship"] = relationships
    return body
