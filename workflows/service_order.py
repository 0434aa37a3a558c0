"""A service order: the resource-facing services that realise a customer-facing one, and that one itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio import workflow

from activities.activation import ActivationActivities, ActivationRequest, Operation, ServiceTest, Target
from activities.inventory import (
    ChangeService,
    Expectation,
    InventoryActivities,
    Kind,
    Named,
    RecordService,
    RemoveService,
)
from activities.records import OpenOrder, RecordActivities
from orders.documents import moved_places, service_order_item
from orders.instants import timestamp
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import AssignedResource, RealisedService, ResourceOrderOutcome, ServiceOrderOutcome
from orders.plan import Characteristics, ServiceItem, ServiceOrderPlan, Step
from orders.redo import merged_outcome
from orders.tmf import Action
from orders.wanted import RECORDED, WantedValue
from workflows import ids, policies
from workflows.desk import Parse
from workflows.fulfilment import FulfilmentWorkflow
from workflows.messages import ResourceOrderInput, ServiceOrderInput
from workflows.resource_order import ResourceOrderWorkflow, installed
from workflows.saga import Saga, stop_if_cancelled


@workflow.defn(name="ServiceOrder")
class ServiceOrderWorkflow(FulfilmentWorkflow):
    """Runs one service order and answers with the services as they came to be."""

    @workflow.init
    def __init__(self, order: ServiceOrderInput) -> None:
        super().__init__(OrderKind.SERVICE, order.revision, undoing=order.undo is not None)
        self.input = order
        self.plan: ServiceOrderPlan
        self.services: dict[str, RealisedService] = {}

    @workflow.run
    async def run(self, order: ServiceOrderInput) -> ServiceOrderOutcome:
        return await self.until_ended(self._fulfilled())

    async def _fulfilled(self) -> ServiceOrderOutcome:
        await self._open()
        graph = {item.key: item.depends_on for item in self.plan.items}
        await self.fulfil(self.saga_graph(graph, self._do))
        outcome = ServiceOrderOutcome(services=self.services)
        redo = self.input.redo
        if redo is not None and self.input.undo is None:
            return outcome.model_copy(update={"standing": merged_outcome(redo.done, self.plan, outcome).services})
        return outcome

    async def _open(self) -> None:
        self.plan = await self.local(
            RecordActivities.open_service_order,
            OpenOrder(
                order_id=self.order_id,
                parent_id=self.input.order_id,
                root_id=self.input.order_id,
                revision=self.revision,
                service_order=self.input.key,
                order_date=timestamp(workflow.now()),
                undo=self.input.undo,
                redo=self.input.redo,
            ),
            "load the plan",
        )
        self.tracker.follow({item.key: item.specification.name for item in self.plan.items})

    async def _do(self, key: str, saga: Saga) -> None:
        item = self.plan.item(key)
        if not self.undoing:
            await self.may_start(key)
        self.tracker.item_to(key, OrderState.IN_PROGRESS)
        async with self.on_time(item, item.specification.name, item.duration):
            await self._realise(item, saga)
        stop_if_cancelled()
        done = self.services[key]
        place = self.plan.place_of(item)
        document = service_order_item(item, place, OrderState.COMPLETED, done.id, done.characteristics)
        self.tracker.item_to(key, OrderState.COMPLETED, service=document["service"])

    async def _realise(self, item: ServiceItem, saga: Saga) -> None:
        match item.action:
            case Action.ADD:
                await self._add(item, saga)
            case Action.MODIFY:
                await self._modify(item, saga)
            case Action.DELETE:
                await self._delete(item, saga)
            case Action.NO_CHANGE:
                self.services[item.key] = self._unchanged(item)

    async def _add(self, item: ServiceItem, saga: Saga) -> None:
        saga.add("remove record", lambda: self._remove_record(item), system="inventory", target=f"service {item.key}")
        # A service that an undo brings back has its record still.
        service_id = item.service_id or await self._inventory(
            item, Step.RECORD, InventoryActivities.record_service, self._record(item), _service_id, RECORDED
        )
        self.services[item.key] = RealisedService(id=service_id)
        saga.expect(Expectation(kind=Kind.SERVICE, id=service_id, states=["absent", "terminated"]))
        await self._resources(item, saga)
        given = await self.by_people(item, saga, item.specification.name)
        characteristics = {**await self._characteristics(item), **given}
        if item.activation:
            saga.add("deactivate", lambda: self._activate_back(item, Operation.DEACTIVATE), **_network(service_id))
            await self._activate(item, Operation.ACTIVATE, characteristics)
        await self._test(item)
        await self._record_as(item, "active", characteristics)
        self.goal(Kind.SERVICE, service_id, "active")

    async def _modify(self, item: ServiceItem, saga: Saga) -> None:
        service = self._unchanged(item)
        self.services[item.key] = service
        saga.expect(Expectation(kind=Kind.SERVICE, id=service.id, states=["active"]))
        await self._resources(item, saga)
        given = await self.by_people(item, saga, item.specification.name)
        characteristics = {**await self._characteristics(item), **given}
        if item.activation:
            saga.add("change back", lambda: self._activate_back(item, Operation.MODIFY), **_network(service.id))
            await self._activate(item, Operation.MODIFY, characteristics)
        await self._test(item)
        saga.add("record as before", lambda: self._restore_record(item), **_inventory(service.id))
        await self._record_as(item, "active", characteristics)

    async def _delete(self, item: ServiceItem, saga: Saga) -> None:
        service = self._unchanged(item)
        self.services[item.key] = service
        saga.expect(Expectation(kind=Kind.SERVICE, id=service.id, states=["active"]))
        await self.by_people(item, saga, item.specification.name)
        if item.activation:
            saga.add("activate again", lambda: self._activate_back(item, Operation.ACTIVATE), **_network(service.id))
            await self._activate(item, Operation.DEACTIVATE, {})
        await self._resources(item, saga)
        saga.add("record as active again", lambda: self._restore_record(item), **_inventory(service.id))
        change = ChangeService(key=self._key(item, "terminate"), service_id=service.id, state="terminated")
        await self._inventory(item, Step.COMPLETE, InventoryActivities.change_service, change)
        self.goal(Kind.SERVICE, service.id, "terminated", "absent")

    async def _resources(self, item: ServiceItem, saga: Saga) -> None:
        """Run the resource order of an item, where it changes any resource, and keep what it came to."""
        service = self.services[item.key]
        if all(resource.action == Action.NO_CHANGE for resource in item.resources):
            self._keep(item, {resource.key: installed(resource) for resource in item.resources})
            return
        done: list[ResourceOrderOutcome] = []
        saga.add("take back resources", lambda: self._reverse(item, done), **_inventory(service.id))
        name = f"resources of {item.specification.name}"

        async def run() -> ResourceOrderOutcome:
            outcome: ResourceOrderOutcome = await self.child(
                ResourceOrderWorkflow.run,
                self._resource_order(item),
                ids.resource_order_workflow(self.workflow_id, item.key),
                name,
                key=item.key,
            )
            return outcome

        outcome = await self.step(item, Step.RESOURCES, run, name)
        done.append(outcome)
        self._keep(item, outcome.resources)

    def _resource_order(self, item: ServiceItem) -> ResourceOrderInput:
        return ResourceOrderInput(
            order_id=self.input.order_id,
            revision=self.revision,
            service_order=self.input.key,
            item=item.key,
            services=self._known_services(item),
            reverse_service_order=self.input.undo,
            redo=self.input.redo,
        )

    async def _reverse(self, item: ServiceItem, done: list[ResourceOrderOutcome]) -> None:
        """Take a resource order back by one that goes the other way; one that did not complete undid itself."""
        for outcome in done:
            await self.child(
                ResourceOrderWorkflow.run,
                self._resource_order(item).model_copy(update={"undo": outcome.resources}),
                ids.resource_order_workflow(self.workflow_id, item.key, undo=True),
                f"undo: resources of {item.specification.name}",
                key=item.key,
            )

    def _keep(self, item: ServiceItem, resources: dict[str, AssignedResource]) -> None:
        self.services[item.key] = self.services[item.key].model_copy(update={"resources": resources})

    def _unchanged(self, item: ServiceItem) -> RealisedService:
        if item.service_id is None:
            raise ValueError(f"the plan names no service for {item.key}")
        resources = {
            resource.key: installed(resource) for resource in item.resources if resource.action == Action.NO_CHANGE
        }
        return RealisedService(id=item.service_id, characteristics=item.previous, resources=resources)

    def _known_services(self, item: ServiceItem) -> dict[str, Characteristics]:
        """Return what an item's expressions see as `services`."""
        local = {key: self.services[key].characteristics for key in item.relies_on if key in self.services}
        return {**self.plan.given, **self.input.services, **local}

    async def _characteristics(self, item: ServiceItem) -> Characteristics:
        gone = {resource.key for resource in item.resources if resource.action == Action.DELETE}
        resources = self.services[item.key].resources
        assigned = {key: resource.as_value() for key, resource in resources.items() if key not in gone}
        return await self.characteristics(item.characteristics, item.late, assigned, self._known_services(item))

    async def _activate(self, item: ServiceItem, operation: Operation, characteristics: Characteristics) -> None:
        if item.activation:
            place = item.place if item.action == Action.ADD or item.moves else None
            request = self._activation(item, operation, "activate", characteristics, place)
            await self.activate(item, Step.ACTIVATE, request, item.activation, item.specification.name)

    async def _activate_back(self, item: ServiceItem, operation: Operation) -> None:
        place = item.previous_place if operation == Operation.ACTIVATE or item.moves else None
        request = self._activation(item, operation, "activate/undo", item.previous, place)
        await self.deactivate_again(request, item.policy, item.specification.name)

    def _activation(
        self,
        item: ServiceItem,
        operation: Operation,
        step: str,
        characteristics: Characteristics,
        place: str | None,
    ) -> ActivationRequest:
        return ActivationRequest(
            key=self._key(item, step),
            operation=operation,
            target=Target.SERVICE,
            id=self.services[item.key].id,
            specification=item.specification.id,
            characteristics=characteristics,
            place=place,
        )

    async def _test(self, item: ServiceItem) -> None:
        if item.test:
            request = ServiceTest(key=self._key(item, "test"), service_id=self.services[item.key].id, test=item.test)
            summary = f"test {item.specification.name}"

            async def test() -> None:
                await self.call(policies.ACTIVATION, ActivationActivities.test_service, request, item.policy, summary)

            await self.step(item, Step.TEST, test, summary, system=policies.ACTIVATION)

    def _record(self, item: ServiceItem) -> RecordService:
        return RecordService(
            key=self._key(item, "record"),
            name=item.specification.name,
            specification=item.specification,
            customer_facing=item.category == "CFS",
            service_order=self.order_id,
            item=item.key,
            place=self.plan.place_of(item),
            customer_id=self.plan.customer_id,
        )

    async def _record_as(self, item: ServiceItem, state: str, characteristics: Characteristics) -> None:
        service = self.services[item.key]
        change = ChangeService(
            key=self._key(item, "change"),
            service_id=service.id,
            state=state,
            characteristics=characteristics,
            place=_places(item, item.previous_place, item.place),
            record=item.record if self.undoing else {},
            **self._supports(item),
        )
        await self._inventory(item, Step.COMPLETE, InventoryActivities.change_service, change)
        self.services[item.key] = service.model_copy(update={"characteristics": characteristics})

    def _supports(self, item: ServiceItem) -> dict[str, list[Named]]:
        """Return the services and resources that support an item once the order is done."""
        gone = {each.key for each in self.plan.items if each.action == Action.DELETE}
        released = {each.key for each in item.resources if each.action == Action.DELETE}
        return {
            "services": [
                Named(key=key, id=self.services[key].id)
                for key in item.relies_on
                if key in self.services and key not in gone
            ],
            "resources": [
                Named(key=key, id=resource.id)
                for key, resource in self.services[item.key].resources.items()
                if key not in released
            ],
        }

    async def _restore_record(self, item: ServiceItem) -> None:
        change = ChangeService(
            key=self._key(item, "change/undo"),
            service_id=self.services[item.key].id,
            state="active",
            characteristics=item.previous,
            place=_places(item, item.place, item.previous_place),
            record=item.record,
        )
        await self._undo(item, "record", InventoryActivities.change_service, change)

    async def _remove_record(self, item: ServiceItem) -> None:
        service = self.services.get(item.key)
        request = RemoveService(
            key=self._key(item, "remove/undo"),
            service_order=self.order_id,
            item=item.key,
            service_id=service.id if service else None,
        )
        await self._undo(item, "remove record of", InventoryActivities.remove_service, request)

    async def _inventory(
        self,
        item: ServiceItem,
        step: Step,
        activity: Any,
        request: Any,
        parse: Parse = lambda values: None,
        wanted: Sequence[WantedValue] = (),
    ) -> Any:
        summary = f"{_IN_INVENTORY[step, item.action]} {item.specification.name}"

        async def record() -> Any:
            return await self.call(policies.INVENTORY, activity, request, item.policy, summary)

        return await self.step(item, step, record, summary, system=policies.INVENTORY, parse=parse, wanted=wanted)

    async def _undo(self, item: ServiceItem, step: str, activity: Any, request: Any) -> None:
        summary = f"undo: {step} {item.specification.name}"
        await self.take_back(policies.INVENTORY, activity, request, item.policy, summary)

    def _key(self, item: ServiceItem, step: str) -> str:
        return self.key(item.key, step, item.action)


_IN_INVENTORY = {
    (Step.RECORD, Action.ADD): "record",
    (Step.COMPLETE, Action.ADD): "record as active",
    (Step.COMPLETE, Action.MODIFY): "record as active",
    (Step.COMPLETE, Action.DELETE): "terminate",
}


def _places(item: ServiceItem, left: str | None, place: str | None) -> list[dict[str, Any]] | None:
    """Return the places that inventory is to have of a service that leaves one place for another."""
    return moved_places(item.record.get("place") or [], left, place) if item.moves else None


def _inventory(target: str) -> dict[str, str]:
    return {"system": "inventory", "target": f"service {target}"}


def _network(target: str) -> dict[str, str]:
    return {"system": "activation", "target": f"service {target}"}


def _service_id(values: Characteristics) -> str:
    """Return the id of a service that a person has recorded by hand.

    Raises:
        ValueError: when it is not among the values.
    """
    if not isinstance(values.get("id"), str):
        raise ValueError("`id`, that of the service in inventory, is missing")
    return str(values["id"])
