"""Inventory: product (TMF637), service (TMF638), resource (TMF639) and the pools that resources are reserved from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field
from temporalio import activity

from activities.expectations import ABSENT, Expectation, Kind, is_of_another, residue_of
from activities.lookups import AGAIN, carrying, is_repeat, made_before, only_one
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
from application.answers import ProductRecord, ResourceDocument, ServiceRecord, values
from application.http import DownstreamError, DownstreamSystem, at
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
    asked_before: bool = False
    """Whether this was asked for before, so that it may be done already."""


class ReleaseResource(Model):
    """Give a resource back: by its id, or, where the answer to its reservation was lost, by the reservation's key."""

    key: str
    resource_id: str | None = None
    reserved_by: str | None = None
    """The key of the reservation, by which a resource without an id is found."""
    held_by: str | None = None
    """Who holds the resource of that id, where that is known: under any other it is another order's by now."""
    asked_before: bool = False
    """Whether this was asked for before, so that it may be done already."""
    again: bool = False
    """Whether it is looked at once more, since the reservation may have come late: then by its key alone."""


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
    asked_before: bool = False
    """Whether this was asked for before, so that it may be done already."""


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
    again: bool = False
    """Whether it is looked at once more, since the record may have come late."""


class InventoryActivities:
    """Inventory's part of an order. Each effect carries a key, so that a repeat changes nothing."""

    def __init__(self, inventory: DownstreamSystem) -> None:
        self._inventory = inventory

    @activity.defn
    async def reserve_resource(self, request: ReserveResource) -> AssignedResource:
        """Reserve one resource from its pool; on a repeat the one that is reserved already."""
        if is_repeat(request.asked_before) and (reserved := await self._reserved(request.key)):
            return _assigned(reserved)
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
        """Give a resource back to its pool; one that is free already, or another order's by now, is left alone."""
        resource_id = request.resource_id if not request.again else None
        if resource_id is None and request.reserved_by:
            wanted, carries = _of_reservation(request.reserved_by)
            reserved = await only_one(self._inventory, RESOURCE, wanted, ResourceDocument, carries)
            resource_id = reserved.id if reserved else None
        elif resource_id and _may_be_free(request) and not await self._is_held(resource_id, request.held_by):
            return
        await self._remove(RESERVATION, resource_id, request.key)

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
        """Record a service as reserved and return its id in inventory; on a repeat that of the record there is."""
        wanted, carries = _of_service_order(request.service_order, request.item)
        if is_repeat(request.asked_before) and (
            there := await made_before(self._inventory, SERVICE, wanted, ServiceRecord, carries)
        ):
            return there.id
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
        service_id = None if request.again else request.service_id
        if service_id is None:
            wanted, carries = _of_service_order(request.service_order, request.item)
            recorded = await only_one(self._inventory, SERVICE, wanted, ServiceRecord, carries)
            service_id = recorded.id if recorded else None
        await self._remove(SERVICE, service_id, request.key)

    @activity.defn
    async def record_product(self, request: RecordProduct) -> str:
        """Record a product as added, changed or terminated, and return its id in inventory."""
        product = request.product
        if product.product_id is None:
            wanted, carries = _of_product_order(request.order_id, product.key)
            if is_repeat(request.asked_before) and (
                there := await made_before(self._inventory, PRODUCT, wanted, ProductRecord, carries)
            ):
                return there.id
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
        product_id = None if request.again else request.product_id
        if not product_id:
            wanted, carries = _of_product_order(request.order_id, product.key)
            recorded = await only_one(self._inventory, PRODUCT, wanted, ProductRecord, carries)
            product_id = recorded.id if recorded else None
        await self._remove(PRODUCT, product_id, request.key)

    @activity.defn
    async def read_back(self, expected: list[Expectation]) -> list[Residue]:
        """Read inventory after an undo and return what is not as it should be."""
        known = [each for each in expected if each.id]
        paths = [at(_STATE_OF[each.kind][0], each.id) for each in known]
        residue = []
        for each, document in zip(known, await self._inventory.find_all(paths, Resource), strict=True):
            state = _state(each.kind, document)
            if state not in each.states and not is_of_another(each, document):
                residue.append(residue_of(each, state))
        for each in expected:
            if not each.id:
                residue += await self._left_without_id(each)
        return residue

    async def _left_without_id(self, expected: Expectation) -> list[Residue]:
        """Return what there is of something whose id no answer has told; nothing where inventory cannot be asked."""
        order, item, effect = expected.order or "", expected.item or "", expected.effect or ""
        found: list[Any] | None
        match expected.kind:
            case Kind.RESOURCE:
                by_holder, is_held = _of_reservation(effect)
                found = await carrying(self._inventory, RESOURCE, by_holder, ResourceDocument, is_held)
            case Kind.SERVICE:
                by_item, carries = _of_service_order(order, item)
                found = await carrying(self._inventory, SERVICE, by_item, ServiceRecord, carries)
            case Kind.PRODUCT:
                by_key, has_key = _of_product_order(order, item)
                found = await carrying(self._inventory, PRODUCT, by_key, ProductRecord, has_key)
        states = [(each.id, _state(expected.kind, each)) for each in found or []]
        return [residue_of(expected, state, each) for each, state in states if state not in expected.states]

    async def _reserved(self, key: str) -> ResourceDocument | None:
        """Return the resource that is reserved under a key, if one is known to be."""
        wanted, carries = _of_reservation(key)
        return await made_before(self._inventory, RESOURCE, wanted, ResourceDocument, carries)

    async def _is_held(self, resource_id: str, by: str | None) -> bool:
        """Return whether a resource is held by a reservation, as far as it is known which, and who holds it."""
        if by is None:
            return True
        resource = await self._inventory.find(at(RESOURCE, resource_id), ResourceDocument)
        holder = resource.reservation if resource else None
        return holder is None or holder.requested_by in (None, by)

    async def _still_held(self, request: ReserveResource) -> ResourceDocument | None:
        """Return the resource to take back where it is held still as before the order, or by an earlier try of this."""
        if request.resource_id is None:
            return None
        resource = await self._inventory.find(at(RESOURCE, request.resource_id), ResourceDocument)
        holder = resource.reservation.requested_by if resource and resource.reservation else None
        ours = (request.held_by, request.key, request.key.removesuffix(AGAIN))
        return resource if holder is not None and holder in ours else None

    async def _remove(self, path: str, document_id: str | None, key: str) -> None:
        if document_id is not None:
            await self._inventory.call("DELETE", at(path, document_id), key=at(key, document_id), accept=(404,))


_STATE_OF = {
    Kind.PRODUCT: (PRODUCT, "status"),
    Kind.SERVICE: (SERVICE, "state"),
    Kind.RESOURCE: (RESOURCE, "resourceStatus"),
}


def _may_be_free(request: ReleaseResource) -> bool:
    """Return whether a resource may have been given back already: this undoes a reservation, or is asked for again."""
    return request.reserved_by is not None or is_repeat(request.asked_before)


def _assigned(resource: ResourceDocument) -> AssignedResource:
    return AssignedResource(
        id=resource.id,
        value=resource.value,
        name=resource.name,
        category=resource.category,
        characteristics=values(resource.resource_characteristic),
        reserved_by=resource.reservation.requested_by if resource.reservation else None,
    )


def _state(kind: Kind, document: Resource | None) -> str:
    """Return the state of a record, by the attribute that its kind has for it."""
    if document is None:
        return ABSENT
    return str(document.model_dump(mode="json").get(_STATE_OF[kind][1]))


def _of_reservation(key: str) -> tuple[dict[str, str], Callable[[ResourceDocument], bool]]:
    """Return by what the resource of a reservation is found, and is known by."""

    def carries(resource: ResourceDocument) -> bool:
        return resource.reservation is not None and resource.reservation.requested_by == key

    return {"reservation.requestedBy": key}, carries


def _of_service_order(order: str, item: str) -> tuple[dict[str, str], Callable[[ServiceRecord], bool]]:
    """Return by what the record of a service is found that an item of a service order makes, and is known by."""
    wanted = {"serviceOrderItem.serviceOrderId": order, "serviceOrderItem.itemId": item}
    # What an earlier revision of the order has ended is there still.
    return wanted, lambda service: service.state != "terminated" and service.is_of(order, item)


def _of_product_order(order: str, key: str) -> tuple[dict[str, str], Callable[[ProductRecord], bool]]:
    """Return by what the record of a product is found that a node of an order's plan makes, and is known by."""
    wanted = {"productOrderItem.productOrderId": order, "productOrderItem.planKey": key}
    return wanted, lambda product: product.status != "terminated" and product.is_of(order, key)
