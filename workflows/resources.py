"""The resources of one resource order: each is reserved in its pool, configured in the network, and installed."""

from __future__ import annotations

from activities.activation import ActivationRequest, Operation, Target
from activities.expectations import ABSENT, ACTIVE, Expectation, Kind
from activities.inventory import InventoryActivities, ReleaseResource, ReserveResource, SetUpResource
from orders.model.product_orders import Action
from orders.model.wanted import RESERVED
from orders.plan.outcome import AssignedResource
from orders.plan.parts import Characteristics, ResourceItem, Step
from workflows.all_or_nothing import AllOrNothing
from workflows.contracts.payloads import ResourceOrderInput
from workflows.parts.assembly import OrderParts
from workflows.parts.late_values import evaluated
from workflows.parts.structure import PlainItems
from workflows.runtime.calls import inventory_call
from workflows.saga.saga import Saga


class Resources:
    """Realises the resources of one order, and undoes what it did."""

    def __init__(self, parts: OrderParts[PlainItems], fulfilment: AllOrNothing, order: ResourceOrderInput) -> None:
        self.assigned: dict[str, AssignedResource] = {}
        """Key of an item → its resource, as far as it has come to be."""
        self._parts = parts
        self._context = parts.context
        self._steps = parts.steps
        self._fulfilment = fulfilment
        self._order = order

    async def realise(self, item: ResourceItem, saga: Saga) -> None:
        """Do what the plan says of a resource; each step's undo is registered before it."""
        match item.action:
            case Action.ADD:
                await self._add(item, saga)
            case Action.MODIFY:
                await self._modify(item, saga)
            case Action.DELETE:
                await self._delete(item, saga)
            case Action.NO_CHANGE:
                self.assigned[item.key] = installed(item)

    async def _add(self, item: ResourceItem, saga: Saga) -> None:
        reserve = ReserveResource(
            key=self._key(item, "reserve"), specification=item.specification.id, demand=item.demand
        )
        free = ["available", "absent"]
        saga.add("release", lambda: self._undo_reservation(item, reserve.key), system="inventory", target=item.key)
        saga.expect(Expectation(kind=Kind.RESOURCE, id="", states=free, effect=reserve.key, item=item.key))
        resource = await self._steps.call(
            item,
            Step.RESERVE,
            inventory_call(item, "reserve", InventoryActivities.reserve_resource, reserve),
            parse=AssignedResource.model_validate,
            wanted=RESERVED,
        )
        self.assigned[item.key] = resource
        saga.expect(Expectation(kind=Kind.RESOURCE, id=resource.id, states=free, held_by=resource.reserved_by))
        given = await self._parts.work_of_people.done(item, saga, item.specification.name)
        characteristics = {**resource.characteristics, **self._characteristics(item), **given}
        self.assigned[item.key] = resource.model_copy(update={"characteristics": characteristics})
        if item.configuration:
            saga.add(
                "deconfigure", lambda: self._undo_configuration(item, Operation.DEACTIVATE), **_network(resource.id)
            )
            saga.expect(_set_up(resource.id, ABSENT, resource.reserved_by))
            await self._configure(item, Operation.ACTIVATE, characteristics)
        saga.add("uninstall", lambda: self._restore_record(item, {}, in_use=False), **_inventory(resource.id))
        await self._install(item, characteristics, in_use=True)
        self._fulfilment.goal(Expectation(kind=Kind.RESOURCE, id=resource.id, states=["reserved"]))
        if item.configuration:
            self._fulfilment.goal(_set_up(resource.id, ACTIVE))

    async def _modify(self, item: ResourceItem, saga: Saga) -> None:
        resource = installed(item)
        given = await self._parts.work_of_people.done(item, saga, item.specification.name)
        characteristics = {**self._characteristics(item), **given}
        self.assigned[item.key] = resource
        if item.configuration:
            saga.add(
                "configure as before", lambda: self._undo_configuration(item, Operation.MODIFY), **_network(resource.id)
            )
            await self._configure(item, Operation.MODIFY, characteristics)
        saga.add(
            "record as before",
            lambda: self._restore_record(item, item.previous, in_use=True),
            **_inventory(resource.id),
        )
        await self._install(item, characteristics, in_use=True)
        self.assigned[item.key] = resource.model_copy(update={"characteristics": characteristics})

    async def _delete(self, item: ResourceItem, saga: Saga) -> None:
        resource = self.assigned[item.key] = installed(item)
        saga.expect(Expectation(kind=Kind.RESOURCE, id=resource.id, states=["reserved"]))
        saga.add(
            "install again", lambda: self._restore_record(item, item.previous, in_use=True), **_inventory(resource.id)
        )
        await self._install(item, {}, in_use=False)
        await self._parts.work_of_people.done(item, saga, item.specification.name)
        if item.configuration:
            saga.add(
                "configure again", lambda: self._undo_configuration(item, Operation.ACTIVATE), **_network(resource.id)
            )
            saga.expect(_set_up(resource.id, ACTIVE))
            await self._configure(item, Operation.DEACTIVATE, {})
        saga.add("reserve again", lambda: self._reserve_again(item), **_inventory(resource.id))
        release = ReleaseResource(key=self._key(item, "release"), resource_id=resource.id, held_by=item.reserved_by)
        await self._steps.call(
            item, Step.RELEASE, inventory_call(item, "release", InventoryActivities.release_resource, release)
        )
        free, held_by = ["available", "absent"], item.reserved_by
        self._fulfilment.goal(Expectation(kind=Kind.RESOURCE, id=resource.id, states=free, held_by=held_by))
        if item.configuration:
            self._fulfilment.goal(_set_up(resource.id, ABSENT, held_by))

    def _characteristics(self, item: ResourceItem) -> Characteristics:
        """Return an item's characteristics, with those that only this run can know."""
        assigned = {key: resource.as_value() for key, resource in self.assigned.items()}
        return {**item.characteristics, **evaluated(item.late, assigned, self._order.services)}

    async def _configure(self, item: ResourceItem, operation: Operation, characteristics: Characteristics) -> None:
        if item.configuration:
            request = self._activation(item, operation, "configure", characteristics)
            await self._parts.activations.activate(
                item, Step.CONFIGURE, request, item.configuration, item.specification.name
            )

    async def _undo_configuration(self, item: ResourceItem, operation: Operation) -> None:
        request = self._activation(item, operation, "configure/undo", item.previous)
        undoes = (self._key(item, "configure"),)
        await self._parts.activations.undo(request, item.policy, item.specification.name, undoes=undoes)

    def _activation(
        self, item: ResourceItem, operation: Operation, step: str, characteristics: Characteristics
    ) -> ActivationRequest:
        return ActivationRequest(
            key=self._key(item, step),
            operation=operation,
            target=Target.RESOURCE,
            id=self.assigned[item.key].id,
            specification=item.specification.id,
            characteristics=characteristics,
        )

    async def _install(self, item: ResourceItem, characteristics: Characteristics, *, in_use: bool) -> None:
        step = "install" if in_use else "uninstall"
        request = SetUpResource(
            key=self._key(item, step),
            resource_id=self.assigned[item.key].id,
            in_use=in_use,
            characteristics=characteristics,
        )
        call = inventory_call(item, step, InventoryActivities.set_up_resource, request)
        await self._steps.call(item, Step.INSTALL, call)

    async def _undo_reservation(self, item: ResourceItem, reservation: str) -> None:
        resource = self.assigned.get(item.key)
        request = ReleaseResource(
            key=self._key(item, "release/undo"),
            resource_id=resource.id if resource else None,
            reserved_by=reservation,
            held_by=resource.reserved_by if resource else None,
        )
        release = InventoryActivities.release_resource
        await self._context.calls.undo(inventory_call(item, "undo: release", release, request, undoes=(reservation,)))

    async def _reserve_again(self, item: ResourceItem) -> None:
        request = ReserveResource(
            key=self._key(item, "reserve/undo"),
            specification=item.specification.id,
            demand=item.demand.model_copy(update={"criteria": {}}),
            resource_id=item.resource_id,
            held_by=item.reserved_by,
        )
        reserve, undoes = InventoryActivities.reserve_resource, (self._key(item, "release"),)
        await self._context.calls.undo(inventory_call(item, "undo: reserve", reserve, request, undoes=undoes))

    async def _restore_record(self, item: ResourceItem, characteristics: Characteristics, *, in_use: bool) -> None:
        request = SetUpResource(
            key=self._key(item, "record/undo"),
            resource_id=self.assigned[item.key].id,
            in_use=in_use,
            characteristics=characteristics,
        )
        record = InventoryActivities.set_up_resource
        undoes = tuple(self._key(item, step) for step in ("install", "uninstall"))
        await self._context.calls.undo(inventory_call(item, "undo: record", record, request, undoes=undoes))

    def _key(self, item: ResourceItem, step: str) -> str:
        return self._context.key(item.key, step, item.action)


def installed(item: ResourceItem) -> AssignedResource:
    """Return a resource as it is installed before the order touches it.

    Raises:
        ValueError: when the plan does not say which resource it is.
    """
    if item.resource_id is None:
        raise ValueError(f"the plan names no resource for {item.key}")
    return AssignedResource(id=item.resource_id, value=item.demand.value, characteristics=item.previous)


def _set_up(resource_id: str, state: str, held_by: str | None = None) -> Expectation:
    """Return what the network must have of a resource; of one that is given back, while no other order holds it."""
    return Expectation(kind=Kind.RESOURCE, id=resource_id, states=[state], held_by=held_by, system="activation")


def _inventory(target: str) -> dict[str, str]:
    return {"system": "inventory", "target": f"resource {target}"}


def _network(target: str) -> dict[str, str]:
    return {"system": "activation", "target": f"resource {target}"}
