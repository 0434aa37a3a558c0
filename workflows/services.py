"""The services of one service order: each recorded, given its resources, activated, tested, and recorded as active."""

from __future__ import annotations

from typing import Any

from activities.activation import ActivationActivities, ActivationRequest, Operation, ServiceTest, Target
from activities.expectations import ABSENT, ACTIVE, Expectation, Kind
from activities.inventory import ChangeService, InventoryActivities, RecordService, RemoveService
from activities.product_records import Named
from orders.model.product_orders import Action
from orders.model.wanted import RECORDED
from orders.plan.order_documents import moved_places
from orders.plan.outcome import AssignedResource, RealisedService, ResourceOrderOutcome
from orders.plan.parts import Characteristics, ServiceItem, ServiceOrderPlan, Step
from workflows.all_or_nothing import AllOrNothing
from workflows.contracts import ids, policies
from workflows.contracts.payloads import ResourceOrderInput, ServiceOrderInput
from workflows.parts.assembly import OrderParts
from workflows.parts.late_values import evaluated
from workflows.parts.steps import id_in_inventory
from workflows.parts.structure import PlainItems
from workflows.resource_order import ResourceOrderWorkflow
from workflows.resources import installed
from workflows.runtime.calls import Call, inventory_call
from workflows.saga.saga import Saga


class Services:
    """Realises the services of one order, and undoes what it did."""

    def __init__(
        self,
        parts: OrderParts[PlainItems],
        fulfilment: AllOrNothing,
        plan: ServiceOrderPlan,
        order: ServiceOrderInput,
    ) -> None:
        self.realised: dict[str, RealisedService] = {}
        """Key of an item → its service, as far as it has come to be."""
        self._parts = parts
        self._context = parts.context
        self._steps = parts.steps
        self._fulfilment = fulfilment
        self._plan = plan
        self._order = order

    async def realise(self, item: ServiceItem, saga: Saga) -> None:
        """Do what the plan says of an item; each step's undo is registered before it."""
        match item.action:
            case Action.ADD:
                await self._add(item, saga)
            case Action.MODIFY:
                await self._modify(item, saga)
            case Action.DELETE:
                await self._delete(item, saga)
            case Action.NO_CHANGE:
                self.realised[item.key] = _unchanged(item)

    async def _add(self, item: ServiceItem, saga: Saga) -> None:
        gone = ["absent", "terminated"]
        saga.add("remove record", lambda: self._remove_record(item), system="inventory", target=f"service {item.key}")
        effect, order = self._key(item, "record"), self._context.order_id
        saga.expect(Expectation(kind=Kind.SERVICE, id="", states=gone, effect=effect, order=order, item=item.key))
        # A service that an undo brings back has its record still.
        service_id = item.service_id or await self._recorded(item)
        self.realised[item.key] = RealisedService(id=service_id)
        saga.expect(Expectation(kind=Kind.SERVICE, id=service_id, states=gone))
        await self._resources(item, saga)
        given = await self._parts.work_of_people.done(item, saga, item.specification.name)
        characteristics = {**self._characteristics(item), **given}
        if item.activation:
            saga.add("deactivate", lambda: self._undo_activation(item, Operation.DEACTIVATE), **_network(service_id))
            saga.expect(_set_up(service_id, ABSENT))
            await self._activate(item, Operation.ACTIVATE, characteristics)
        await self._test(item)
        await self._record_as_active(item, characteristics)
        self._fulfilment.goal(Expectation(kind=Kind.SERVICE, id=service_id, states=["active"]))
        if item.activation:
            self._fulfilment.goal(_set_up(service_id, ACTIVE))

    async def _modify(self, item: ServiceItem, saga: Saga) -> None:
        service = self.realised[item.key] = _unchanged(item)
        saga.expect(Expectation(kind=Kind.SERVICE, id=service.id, states=["active"]))
        await self._resources(item, saga)
        given = await self._parts.work_of_people.done(item, saga, item.specification.name)
        characteristics = {**self._characteristics(item), **given}
        if item.activation and not _as_it_is(item, characteristics):
            saga.add("change back", lambda: self._undo_activation(item, Operation.MODIFY), **_network(service.id))
        await self._activate(item, Operation.MODIFY, characteristics)
        await self._test(item)
        saga.add("record as before", lambda: self._restore_record(item), **_inventory(service.id))
        await self._record_as_active(item, characteristics)

    async def _delete(self, item: ServiceItem, saga: Saga) -> None:
        service = self.realised[item.key] = _unchanged(item)
        saga.expect(Expectation(kind=Kind.SERVICE, id=service.id, states=["active"]))
        await self._parts.work_of_people.done(item, saga, item.specification.name)
        if item.activation:
            saga.add("activate again", lambda: self._undo_activation(item, Operation.ACTIVATE), **_network(service.id))
            saga.expect(_set_up(service.id, ACTIVE))
            await self._activate(item, Operation.DEACTIVATE, {})
        await self._resources(item, saga)
        saga.add("record as active again", lambda: self._restore_record(item), **_inventory(service.id))
        change = ChangeService(key=self._key(item, "terminate"), service_id=service.id, state="terminated")
        await self._steps.call(
            item, Step.COMPLETE, inventory_call(item, "terminate", InventoryActivities.change_service, change)
        )
        self._fulfilment.goal(Expectation(kind=Kind.SERVICE, id=service.id, states=["terminated", "absent"]))
        if item.activation:
            self._fulfilment.goal(_set_up(service.id, ABSENT))

    async def _resources(self, item: ServiceItem, saga: Saga) -> None:
        """Run the resource order of an item, where it changes any resource, and keep what it came to."""
        service = self.realised[item.key]
        if all(resource.action == Action.NO_CHANGE for resource in item.resources):
            self._keep(item, {resource.key: installed(resource) for resource in item.resources})
            return
        done: list[ResourceOrderOutcome] = []
        saga.add("undo resources", lambda: self._undo_resources(item, done), **_inventory(service.id))
        name, order = f"resources of {item.specification.name}", self._resource_order(item)

        async def run() -> ResourceOrderOutcome:
            workflow_id = ids.resource_order_workflow(self._context.workflow_id, item.key)
            return await self._parts.children.run(ResourceOrderWorkflow.run, order, workflow_id, item.key, name)

        outcome = await self._steps.take(item, Step.RESOURCES, run, name)
        done.append(outcome)
        self._keep(item, outcome.resources)

    async def _undo_resources(self, item: ServiceItem, done: list[ResourceOrderOutcome]) -> None:
        """Undo a resource order by one that goes the other way; one that did not complete undid itself."""
        for outcome in done:
            await self._parts.children.run(
                ResourceOrderWorkflow.run,
                self._resource_order(item).model_copy(update={"undo": outcome.resources}),
                ids.resource_order_workflow(self._context.workflow_id, item.key, undo=True),
                item.key,
                f"undo: resources of {item.specification.name}",
            )

    def _resource_order(self, item: ServiceItem) -> ResourceOrderInput:
        return ResourceOrderInput(
            order_id=self._order.order_id,
            revision=self._order.revision,
            service_order=self._order.key,
            item=item.key,
            services=self._known_services(item),
            reverse_service_order=self._order.undo,
            redo=self._order.redo,
        )

    def _keep(self, item: ServiceItem, resources: dict[str, AssignedResource]) -> None:
        self.realised[item.key] = self.realised[item.key].model_copy(update={"resources": resources})

    def _known_services(self, item: ServiceItem) -> dict[str, Characteristics]:
        """Return what an item's expressions see as `services`."""
        local = {key: self.realised[key].characteristics for key in item.relies_on if key in self.realised}
        return {**self._plan.given, **self._order.services, **local}

    def _characteristics(self, item: ServiceItem) -> Characteristics:
        """Return an item's characteristics, with those that only this run can know."""
        gone = {resource.key for resource in item.resources if resource.action == Action.DELETE}
        resources = self.realised[item.key].resources
        assigned = {key: resource.as_value() for key, resource in resources.items() if key not in gone}
        return {**item.characteristics, **evaluated(item.late, assigned, self._known_services(item))}

    async def _activate(self, item: ServiceItem, operation: Operation, characteristics: Characteristics) -> None:
        if item.activation:
            place = item.place if item.action == Action.ADD or item.moves else None
            request = self._activation(item, operation, "activate", characteristics, place)
            await self._parts.activations.activate(
                item, Step.ACTIVATE, request, item.activation, item.specification.name
            )

    async def _undo_activation(self, item: ServiceItem, operation: Operation) -> None:
        place = item.previous_place if operation == Operation.ACTIVATE or item.moves else None
        request = self._activation(item, operation, "activate/undo", item.previous, place)
        undoes = (self._key(item, "activate"),)
        await self._parts.activations.undo(request, item.policy, item.specification.name, undoes=undoes)

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
            id=self.realised[item.key].id,
            specification=item.specification.id,
            characteristics=characteristics,
            place=place,
        )

    async def _test(self, item: ServiceItem) -> None:
        if item.test:
            service_id, summary = self.realised[item.key].id, f"test {item.specification.name}"
            request = ServiceTest(key=self._key(item, "test"), service_id=service_id, test=item.test)
            call = Call(policies.ACTIVATION, ActivationActivities.test_service, request, item.policy, summary)
            await self._steps.call(item, Step.TEST, call)

    async def _recorded(self, item: ServiceItem) -> str:
        """Record a service as reserved, and return its id."""
        record = RecordService(
            key=self._key(item, "record"),
            name=item.specification.name,
            specification=item.specification,
            customer_facing=item.category == "CFS",
            service_order=self._context.order_id,
            item=item.key,
            place=self._plan.place_of(item),
            customer_id=self._plan.customer_id,
        )
        call = inventory_call(item, "record", InventoryActivities.record_service, record)
        return await self._steps.call(item, Step.RECORD, call, parse=id_in_inventory("service"), wanted=RECORDED)

    async def _record_as_active(self, item: ServiceItem, characteristics: Characteristics) -> None:
        service = self.realised[item.key]
        change = ChangeService(
            key=self._key(item, "change"),
            service_id=service.id,
            state="active",
            characteristics=characteristics,
            place=_places(item, item.previous_place, item.place),
            record=item.record if self._context.undoing else {},
            **self._supports(item),
        )
        call = inventory_call(item, "record as active", InventoryActivities.change_service, change)
        await self._steps.call(item, Step.COMPLETE, call)
        self.realised[item.key] = service.model_copy(update={"characteristics": characteristics})

    def _supports(self, item: ServiceItem) -> dict[str, list[Named]]:
        """Return the services and resources that support an item once the order is done."""
        gone = {each.key for each in self._plan.items if each.action == Action.DELETE}
        released = {each.key for each in item.resources if each.action == Action.DELETE}
        return {
            "services": [
                Named(key=key, id=self.realised[key].id)
                for key in item.relies_on
                if key in self.realised and key not in gone
            ],
            "resources": [
                Named(key=key, id=resource.id)
                for key, resource in self.realised[item.key].resources.items()
                if key not in released
            ],
        }

    async def _restore_record(self, item: ServiceItem) -> None:
        change = ChangeService(
            key=self._key(item, "change/undo"),
            service_id=self.realised[item.key].id,
            state="active",
            characteristics=item.previous,
            place=_places(item, item.place, item.previous_place),
            record=item.record,
        )
        record, undoes = InventoryActivities.change_service, (self._key(item, "change"), self._key(item, "terminate"))
        await self._context.calls.undo(inventory_call(item, "undo: record", record, change, undoes=undoes))

    async def _remove_record(self, item: ServiceItem) -> None:
        service = self.realised.get(item.key)
        request = RemoveService(
            key=self._key(item, "remove/undo"),
            service_order=self._context.order_id,
            item=item.key,
            service_id=service.id if service else None,
        )
        remove, undoes = InventoryActivities.remove_service, (self._key(item, "record"),)
        await self._context.calls.undo(inventory_call(item, "undo: remove record of", remove, request, undoes=undoes))

    def _key(self, item: ServiceItem, step: str) -> str:
        return self._context.key(item.key, step, item.action)


def _unchanged(item: ServiceItem) -> RealisedService:
    """Return a service as it is before the order.

    Raises:
        ValueError: when the plan does not say which service it is.
    """
    if item.service_id is None:
        raise ValueError(f"the plan names no service for {item.key}")
    resources = {
        resource.key: installed(resource) for resource in item.resources if resource.action == Action.NO_CHANGE
    }
    return RealisedService(id=item.service_id, characteristics=item.previous, resources=resources)


def _as_it_is(item: ServiceItem, characteristics: Characteristics) -> bool:
    """Return whether a service is only set up again with the values it has, so that there is nothing to change back."""
    return item.set_up_again and not item.moves and characteristics == item.previous


def _places(item: ServiceItem, left: str | None, place: str | None) -> list[dict[str, Any]] | None:
    """Return the places that inventory is to have of a service that leaves one place for another."""
    return moved_places(item.record.get("place") or [], left, place) if item.moves else None


def _set_up(service_id: str, state: str) -> Expectation:
    """Return what the network must have of a service."""
    return Expectation(kind=Kind.SERVICE, id=service_id, states=[state], system="activation")


def _inventory(target: str) -> dict[str, str]:
    return {"system": "inventory", "target": f"service {target}"}


def _network(target: str) -> dict[str, str]:
    return {"system": "activation", "target": f"service {target}"}
