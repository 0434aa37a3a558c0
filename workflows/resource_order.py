"""A resource order: the resources of one service, each reserved, configured and installed; or the way back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow

from activities.activation import ActivationRequest, Operation, Target
from activities.inventory import (
    Expectation,
    InventoryActivities,
    Kind,
    ReleaseResource,
    ReserveResource,
    SetUpResource,
)
from activities.records import OpenResourceOrder, RecordActivities
from orders.documents import resource_order_item
from orders.instants import timestamp
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import AssignedResource, ResourceOrderOutcome
from orders.plan import Characteristics, ResourceItem, ResourceOrderPlan, Step
from orders.tmf import Action
from orders.wanted import RESERVED, WantedValue
from workflows import ids, policies
from workflows.desk import Parse
from workflows.fulfilment import FulfilmentWorkflow
from workflows.messages import ResourceOrderInput
from workflows.saga import Saga, stop_if_cancelled


@workflow.defn(name="ResourceOrder")
class ResourceOrderWorkflow(FulfilmentWorkflow):
    """Runs one resource order and answers with the resources as they came to be."""

    @workflow.init
    def __init__(self, order: ResourceOrderInput) -> None:
        undoing = order.undo is not None or order.reverse_service_order is not None
        super().__init__(OrderKind.RESOURCE, order.revision, undoing=undoing)
        self.input = order
        self.plan: ResourceOrderPlan
        self.assigned: dict[str, AssignedResource] = {}

    @workflow.run
    async def run(self, order: ResourceOrderInput) -> ResourceOrderOutcome:
        return await self.until_ended(self._fulfilled())

    async def _fulfilled(self) -> ResourceOrderOutcome:
        await self._open()
        graph = {item.key: item.depends_on for item in self.plan.resources}
        await self.fulfil(self.saga_graph(graph, self._do))
        return ResourceOrderOutcome(resources=self.assigned)

    async def _open(self) -> None:
        self.plan = await self.local(
            RecordActivities.open_resource_order,
            OpenResourceOrder(
                order_id=self.order_id,
                parent_id=ids.order_id(ids.parent(self.workflow_id)),
                root_id=self.input.order_id,
                revision=self.revision,
                service_order=self.input.service_order,
                item=self.input.item,
                order_date=timestamp(workflow.now()),
                undo=self.input.reverse_service_order,
                redo=self.input.redo,
                undo_resources=self.input.undo,
            ),
            "load the plan",
        )
        self.tracker.follow({item.key: item.specification.name for item in self.plan.resources})

    async def _do(self, key: str, saga: Saga) -> None:
        item = next(each for each in self.plan.resources if each.key == key)
        if not self.undoing:
            await self.may_start(key)
        self.tracker.item_to(key, OrderState.IN_PROGRESS)
        expected = timedelta() if item.action == Action.NO_CHANGE else item.policy.expected_duration
        async with self.on_time(item, item.specification.name, expected):
            await self._realise(item, saga)
        stop_if_cancelled()
        done = self.assigned[key]
        document = resource_order_item(item, OrderState.COMPLETED, done.id, done.value, done.characteristics)
        self.tracker.item_to(key, OrderState.COMPLETED, resource=document["resource"])

    async def _realise(self, item: ResourceItem, saga: Saga) -> None:
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
        reservation = self._key(item, "reserve")
        saga.add("release", lambda: self._release(item, reservation), system="inventory", target=item.key)
        resource = await self._inventory(
            item,
            Step.RESERVE,
            "reserve",
            InventoryActivities.reserve_resource,
            ReserveResource(key=reservation, specification=item.specification.id, demand=item.demand),
            parse=AssignedResource.model_validate,
            wanted=RESERVED,
        )
        self.assigned[item.key] = resource
        given_back = ["available", "absent"]
        saga.expect(Expectation(kind=Kind.RESOURCE, id=resource.id, states=given_back, held_by=resource.reserved_by))
        given = await self.by_people(item, saga, item.specification.name)
        characteristics = {**resource.characteristics, **await self._characteristics(item), **given}
        self.assigned[item.key] = resource.model_copy(update={"characteristics": characteristics})
        if item.configuration:
            saga.add("deconfigure", lambda: self._reconfigure(item, Operation.DEACTIVATE), **_network(resource.id))
            await self._configure(item, Operation.ACTIVATE, characteristics)
        saga.add("uninstall", lambda: self._restore_record(item, {}, in_use=False), **_inventory(resource.id))
        await self._install(item, characteristics, in_use=True)
        self.goal(Kind.RESOURCE, resource.id, "reserved")

    async def _modify(self, item: ResourceItem, saga: Saga) -> None:
        resource = installed(item)
        given = await self.by_people(item, saga, item.specification.name)
        characteristics = {**await self._characteristics(item), **given}
        self.assigned[item.key] = resource
        if item.configuration:
            saga.add("configure as before", lambda: self._reconfigure(item, Operation.MODIFY), **_network(resource.id))
            await self._configure(item, Operation.MODIFY, characteristics)
        saga.add(
            "record as before",
            lambda: self._restore_record(item, item.previous, in_use=True),
            **_inventory(resource.id),
        )
        await self._install(item, characteristics, in_use=True)
        self.assigned[item.key] = resource.model_copy(update={"characteristics": characteristics})

    async def _delete(self, item: ResourceItem, saga: Saga) -> None:
        resource = installed(item)
        self.assigned[item.key] = resource
        saga.expect(Expectation(kind=Kind.RESOURCE, id=resource.id, states=["reserved"]))
        saga.add(
            "install again", lambda: self._restore_record(item, item.previous, in_use=True), **_inventory(resource.id)
        )
        await self._install(item, {}, in_use=False)
        await self.by_people(item, saga, item.specification.name)
        if item.configuration:
            saga.add("configure again", lambda: self._reconfigure(item, Operation.ACTIVATE), **_network(resource.id))
            await self._configure(item, Operation.DEACTIVATE, {})
        saga.add("reserve again", lambda: self._reserve_again(item), **_inventory(resource.id))
        await self._inventory(
            item,
            Step.RELEASE,
            "release",
            InventoryActivities.release_resource,
            ReleaseResource(key=self._key(item, "release"), resource_id=resource.id),
        )
        self.goal(Kind.RESOURCE, resource.id, "available", "absent", held_by=item.reserved_by)

    async def _characteristics(self, item: ResourceItem) -> Characteristics:
        assigned = {key: resource.as_value() for key, resource in self.assigned.items()}
        return await self.characteristics(item.characteristics, item.late, assigned, self.input.services)

    async def _configure(self, item: ResourceItem, operation: Operation, characteristics: Characteristics) -> None:
        if item.configuration:
            request = self._activation(item, operation, "configure", characteristics)
            await self.activate(item, Step.CONFIGURE, request, item.configuration, item.specification.name)

    async def _install(self, item: ResourceItem, characteristics: Characteristics, *, in_use: bool) -> None:
        step = "install" if in_use else "uninstall"
        await self._inventory(
            item,
            Step.INSTALL,
            step,
            InventoryActivities.set_up_resource,
            SetUpResource(
                key=self._key(item, step),
                resource_id=self.assigned[item.key].id,
                in_use=in_use,
                characteristics=characteristics,
            ),
        )

    async def _inventory(
        self,
        item: ResourceItem,
        step: Step,
        verb: str,
        activity: Any,
        request: Any,
        parse: Parse = lambda values: None,
        wanted: Sequence[WantedValue] = (),
    ) -> Any:
        summary = f"{verb} {item.specification.name}"

        async def record() -> Any:
            return await self.call(policies.INVENTORY, activity, request, item.policy, summary)

        return await self.step(item, step, record, summary, system=policies.INVENTORY, parse=parse, wanted=wanted)

    async def _release(self, item: ResourceItem, reservation: str) -> None:
        resource = self.assigned.get(item.key)
        request = ReleaseResource(
            key=self._key(item, "release/undo"),
            resource_id=resource.id if resource else None,
            reserved_by=reservation,
        )
        await self._undo(item, "release", InventoryActivities.release_resource, request)

    async def _reserve_again(self, item: ResourceItem) -> None:
        request = ReserveResource(
            key=self._key(item, "reserve/undo"),
            specification=item.specification.id,
            demand=item.demand.model_copy(update={"criteria": {}}),
            resource_id=item.resource_id,
            held_by=item.reserved_by,
        )
        await self._undo(item, "reserve", InventoryActivities.reserve_resource, request)

    async def _restore_record(self, item: ResourceItem, characteristics: Characteristics, *, in_use: bool) -> None:
        request = SetUpResource(
            key=self._key(item, "record/undo"),
            resource_id=self.assigned[item.key].id,
            in_use=in_use,
            characteristics=characteristics,
        )
        await self._undo(item, "record", InventoryActivities.set_up_resource, request)

    async def _undo(self, item: ResourceItem, step: str, activity: Any, request: Any) -> None:
        summary = f"undo: {step} {item.specification.name}"
        await self.take_back(policies.INVENTORY, activity, request, item.policy, summary)

    async def _reconfigure(self, item: ResourceItem, operation: Operation) -> None:
        request = self._activation(item, operation, "configure/undo", item.previous)
        await self.deactivate_again(request, item.policy, item.specification.name)

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

    def _key(self, item: ResourceItem, step: str) -> str:
        return self.key(item.key, step, item.action)


def installed(item: ResourceItem) -> AssignedResource:
    """Return a resource as it is installed before the order touches it.

    Raises:
        ValueError: when the plan does not say which resource it is.
    """
    if item.resource_id is None:
        raise ValueError(f"the plan names no resource for {item.key}")
    return AssignedResource(id=item.resource_id, value=item.demand.value, characteristics=item.previous)


def _inventory(target: str) -> dict[str, str]:
    return {"system": "inventory", "target": f"resource {target}"}


def _network(target: str) -> dict[str, str]:
    return {"system": "activation", "target": f"resource {target}"}
