"""Inventory: product (TMF637), service (TMF638), resource (TMF639) and the pools that resources are reserved from."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field
from temporalio import activity

from activities.product_records import (
    Named,
    RecordProduct,
    RestoreProduct,
    as_before,
    changed_product,
    new_product,
    references,
)
from application.addresses import PRODUCT, RESERVATION, RESOURCE, SERVICE
from application.answers import ResourceDocument, values
from application.http import DownstreamError, DownstreamSystem, Identified, at
from orders.plan.order_documents import characteristic_list, place_reference
from orders.plan.outcome import AssignedResource, Residue
from orders.plan.parts import Characteristics, Demand, Specification
from tmf.model import Model, Resource


class ReserveResource(Model):
    """Reserve a resource; or take one back that an order released, unless it came to no release."""

    key: str
    specification: str
    demand: Demand
    resource_id: str | None = None
    """The resource to take back."""
    held_by: str | None = None
    """The key of the reservation that holds it still, if it came to no release."""


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


class ChangeService(Model):
    """Bring a recorded service to a state, with characteristics and what supports it where they are given."""

    key: str
    service_id: str
    state: str
    characteristics: Characteristics | None = None
    place: list[dict[str, Any]] | None = None
    """Its places, as inventory writes them, where it moves."""
    services: list[Named] | None = None
    resources: list[Named] | None = None
    record: dict[str, Any] = Field(default_factory=dict)
    """The attributes that it had before an order, to be given back in place of all the others."""


class RemoveService(Model):
    """Remove a recorded service: by its id, or, where the answer to its creation was lost, by its order's item."""

    key: str
    service_order: str
    item: str
    service_id: str | None = None


class Kind(StrEnum):
    PRODUCT = "product"
    SERVICE = "service"
    RESOURCE = "resource"


class Expectation(Model):
    """In which states inventory must show something after an undo; `absent` stands for not being there at all."""

    kind: Kind
    id: str
    states: list[str]
    held_by: str | None = None
    """Of a resource that is given back, the reservation that held it: under any other, it is another order's by now."""


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
        try:
            answer = await self._inventory.call("POST", RESERVATION, key=request.key, body=body)
        except DownstreamError as error:
            if error.status == 409 and (held := await self._still_held(request)):
                return _assigned(held)
            raise
        return _assigned(answer.read_as(ResourceDocument))

    @activity.defn
    async def release_resource(self, request: ReleaseResource) -> None:
        """Give a resource back to its pool; one that is free already is left alone."""
        ids = [request.resource_id] if request.resource_id else []
        if not ids and request.reserved_by:
            ids = await self._ids(RESOURCE, {"reservation.requestedBy": request.reserved_by})
        await self._remove(RESERVATION, ids, request.key)

    @activity.defn
    async def set_up_resource(self, request: SetUpResource) -> None:
        """Record a resource as in use, or as no longer in use."""
        await self._inventory.call(
            "PATCH",
            at(RESOURCE, request.resource_id),
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
            "place": [place_reference(request.place)] if request.place else [],
        }
        return await self._inventory.create(SERVICE, key=request.key, body=body)

    @activity.defn
    async def change_service(self, request: ChangeService) -> None:
        """Bring a recorded service to a state, with new characteristics and supports where given."""
        body: dict[str, Any] = {"state": request.state}
        if request.characteristics is not None:
            body["serviceCharacteristic"] = characteristic_list(request.characteristics)
        if request.place is not None:
            body["place"] = request.place
        if request.services is not None:
            body["supportingService"] = references(request.services)
        if request.resources is not None:
            body["supportingResource"] = references(request.resources)
        path = at(SERVICE, request.service_id)
        # What an earlier release noted of a service says nothing of its place.
        whole = {**body, **request.record} if request.record else body
        await self._inventory.call("PATCH", path, key=request.key, body=whole)

    @activity.defn
    async def remove_service(self, request: RemoveService) -> None:
        """Remove the record of a service that an order made; one that is gone already is left alone."""
        ids = [request.service_id] if request.service_id else []
        if not ids:
            wanted = {"serviceOrderItem.serviceOrderId": request.service_order, "serviceOrderItem.itemId": request.item}
            ids = await self._ids(SERVICE, wanted)
        await self._remove(SERVICE, ids, request.key)

    @activity.defn
    async def record_product(self, request: RecordProduct) -> str:
        """Record a product as added, changed or terminated, and return its id in inventory."""
        product = request.product
        if product.product_id is None:
            return await self._inventory.create(PRODUCT, key=request.key, body=new_product(request))
        body = {"status": "terminated"} if product.action == "delete" else changed_product(request)
        await self._inventory.call("PATCH", at(PRODUCT, product.product_id), key=request.key, body=body)
        return product.product_id

    @activity.defn
    async def restore_product(self, request: RestoreProduct) -> None:
        """Undo what an order recorded of a product: a new one goes, another is as it was, to the attribute."""
        product = request.product
        if product.product_id is not None:
            path = at(PRODUCT, product.product_id)
            await self._inventory.call("PATCH", path, key=request.key, body=product.record or as_before(product))
            return
        ids = [request.product_id] if request.product_id else []
        if not ids:
            wanted = {"productOrderItem.productOrderId": request.order_id, "productOrderItem.planKey": product.key}
            ids = await self._ids(PRODUCT, wanted)
        await self._remove(PRODUCT, ids, request.key)

    @activity.defn
    async def read_back(self, expected: list[Expectation]) -> list[Residue]:
        """Read inventory after an undo and return what is not as it should be."""
        paths = [at(_STATE_OF[each.kind][0], each.id) for each in expected]
        residue = []
        for each, document in zip(expected, await self._inventory.find_all(paths, Resource), strict=True):
            extra = (document.model_extra if document else None) or {}
            state = "absent" if document is None else str(extra.get(_STATE_OF[each.kind][1]))
            if state not in each.states and not _is_of_another(each, document):
                residue.append(
                    Residue(
                        step="read back",
                        system=self._inventory.name,
                        target=f"{each.kind} {each.id}",
                        message=f"is {state} where {' or '.join(each.states)} was expected after the undo",
                    )
                )
        return residue

    async def _still_held(self, request: ReserveResource) -> ResourceDocument | None:
        """Return the resource to take back where it is held as it was before the order: it was never released."""
        if request.resource_id is None or request.held_by is None:
            return None
        resource = await self._inventory.find(at(RESOURCE, request.resource_id), ResourceDocument)
        holder = resource.reservation if resource else None
        return resource if holder and holder.requested_by == request.held_by else None

    async def _ids(self, path: str, wanted: dict[str, str]) -> list[str]:
        return [found.id for found in await self._inventory.search(path, wanted, Identified)]

    async def _remove(self, path: str, ids: list[str], key: str) -> None:
        for each in ids:
            await self._inventory.call("DELETE", at(path, each), key=at(key, each), accept=(404,))


_STATE_OF = {
    Kind.PRODUCT: (PRODUCT, "status"),
    Kind.SERVICE: (SERVICE, "state"),
    Kind.RESOURCE: (RESOURCE, "resourceStatus"),
}


def _assigned(resource: ResourceDocument) -> AssignedResource:
    return AssignedResource(
        id=resource.id,
        value=resource.value,
        name=resource.name,
        category=resource.category,
        characteristics=values(resource.resource_characteristic),
        reserved_by=resource.reservation.requested_by if resource.reservation else None,
    )


def _is_of_another(expected: Expectation, document: Resource | None) -> bool:
    """Return whether a resource that was given back has gone to another order since."""
    if expected.held_by is None or document is None:
        return False
    holder = (document.model_extra or {}).get("reservation")
    return isinstance(holder, dict) and holder.get("requestedBy") not in (None, expected.held_by)
