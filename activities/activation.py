"""Activation: services (TMF640) and resources (TMF702) set up in the network, and service tests (TMF653)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.allowance import NOT_YET
from activities.expectations import ABSENT, ACTIVE, Expectation, is_of_another, residue_of
from application.addresses import RESOURCE, SERVICE_TEST
from application.answers import Configured, Monitor, ServiceTestResult
from application.http import Answer, DownstreamError, DownstreamSystem, Identified, at
from orders.plan.order_documents import characteristic_list, place_reference
from orders.plan.outcome import Residue
from orders.plan.parts import Characteristics
from tmf.model import Model, Resource
from tmf.paths import TMF640, TMF702


class Target(StrEnum):
    """What is set up: the names are those of the TMF resources."""

    SERVICE = "service"
    RESOURCE = "resource"


BASE_PATHS = {
    Target.SERVICE: TMF640,
    Target.RESOURCE: TMF702,
}
"""Where the APIs are by which it is set up, TMF640 and TMF702."""


_CANNOT_BE_ASKED = (405, 501)
"""Answers by which a system says that it does not tell what is set up; a 404 says that it is not."""


class Operation(StrEnum):
    """What is done, by the HTTP method that asks for it."""

    ACTIVATE = "POST"
    MODIFY = "PATCH"
    DEACTIVATE = "DELETE"


class ActivationRequest(Model):
    """Set up, change or tear down one service or resource."""

    key: str
    operation: Operation
    target: Target
    id: str
    specification: str
    characteristics: Characteristics = Field(default_factory=dict)
    place: str | None = None
    """Where a service is set up, or moves to; nothing is said of the place without it."""
    callback: bool = False
    """Ask for an asynchronous completion, announced by callback."""
    undo: bool = False
    """This undoes something: where there is nothing to change back, that is done already."""


class ActivationAnswer(Model):
    """What the system said: done, or accepted with a monitor to look at."""

    monitor: str | None = None


class AwaitedCompletion(Model):
    """An activation that was accepted, and the monitor to look at until it is complete."""

    target: Target
    monitor: str


class ServiceTest(Model):
    key: str
    service_id: str
    test: str


class ActivationActivities:
    """Activation's part of an order. Each effect carries a key, so that a repeat changes nothing."""

    def __init__(self, activation: DownstreamSystem, inventory: DownstreamSystem | None = None) -> None:
        """`inventory` tells whose a resource is that was given back; without it, it is taken for the order's still."""
        self._activation, self._inventory = activation, inventory

    @activity.defn
    async def activate(self, request: ActivationRequest) -> ActivationAnswer:
        """Ask for a service or resource to be set up, changed or torn down.

        Tearing down what is not there is done already; so is setting up what is there, at the place, with the same
        characteristics.
        """
        try:
            answer = await self._ask(request)
        except DownstreamError as error:
            if error.status == 409 and request.operation == Operation.ACTIVATE and await self._is_set_up(request):
                return ActivationAnswer()
            raise
        return ActivationAnswer(monitor=answer.read_as(Identified).id if answer.status == 202 else None)

    @activity.defn
    async def await_completion(self, awaited: AwaitedCompletion) -> None:
        """Look whether an accepted activation is complete; fails as worth another try while it is not."""
        target, monitor = awaited.target, awaited.monitor
        answer = await self._monitor(at(f"{BASE_PATHS[target]}/monitor", monitor))
        document = answer.read_as(Monitor)
        if document.state == "Completed":
            return
        if document.state == "Failed":
            raise DownstreamError(
                self._activation.name, f"activation of {monitor} failed: {document.reason()}", retryable=False
            )
        raise ApplicationError(
            f"monitor {monitor} is {document.state}", type=NOT_YET, category=ApplicationErrorCategory.BENIGN
        )

    @activity.defn
    async def read_network_back(self, expected: list[Expectation]) -> list[Residue]:
        """Ask after an undo what is set up in the network, and return what is not as it should be."""
        residue = []
        for each in expected:
            state = await self._state(at(_collection(Target(each.kind)), each.id))
            if state is not None and state not in each.states and not await self._is_of_another(each):
                residue.append(residue_of(each, state, "its set-up in the network"))
        return residue

    async def _is_of_another(self, expected: Expectation) -> bool:
        """Return whether a resource that was given back is another order's by now, which may have set it up again."""
        if self._inventory is None or expected.held_by is None:
            return False
        return is_of_another(expected, await self._inventory.find(at(RESOURCE, expected.id), Resource))

    @activity.defn
    async def test_service(self, request: ServiceTest) -> None:
        """Run a service test, and fail for good when the service does not pass."""
        body = {"relatedService": {"id": request.service_id}, "testSpecification": {"id": request.test}}
        answer = await self._activation.call("POST", SERVICE_TEST, key=request.key, body=body)
        test = answer.read_as(ServiceTestResult)
        if test.result != "pass":
            raise DownstreamError(
                self._activation.name,
                f"service {request.service_id} did not pass {request.test}: {test.message or 'no reason given'}",
                retryable=False,
            )

    async def _monitor(self, path: str) -> Answer:
        """Ask how far something is; where that cannot be known, neither is whether it is done."""
        try:
            return await self._activation.call("GET", path)
        except DownstreamError as error:
            if error.retryable:
                raise
            raise DownstreamError(
                error.system, error.message, retryable=False, status=error.status, said=error.said, unclear=True
            ) from error

    async def _state(self, path: str) -> str | None:
        """Return whether something is set up in the network (`active`) or not; None where that cannot be asked."""
        answer = await self._activation.call("GET", path, accept=(404, *_CANNOT_BE_ASKED))
        if answer.status in _CANNOT_BE_ASKED:
            return None
        return ACTIVE if answer.status != 404 and answer.read_as(Configured).state == ACTIVE else ABSENT

    async def _ask(self, request: ActivationRequest) -> Answer:
        collection = _collection(request.target)
        tear_down = request.operation == Operation.DEACTIVATE
        may_be_gone = tear_down or (request.undo and request.operation == Operation.MODIFY)
        return await self._activation.call(
            request.operation,
            collection if request.operation == Operation.ACTIVATE else at(collection, request.id),
            key=request.key,
            params={"mode": "async"} if request.callback else {},
            body=None if tear_down else _body(request),
            accept=(404,) if may_be_gone else (),
        )

    async def _is_set_up(self, request: ActivationRequest) -> bool:
        """Return whether the network has what is asked for, just so: a tear-down that failed is no harm to its undo."""
        path = at(_collection(request.target), request.id)
        there = await self._activation.find(path, Configured)
        if there is None or there.state != ACTIVE or there.characteristics() != request.characteristics:
            return False
        return request.place is None or request.place in [each.id for each in there.place]


def _collection(target: Target) -> str:
    return f"{BASE_PATHS[target]}/{target}"


def _body(request: ActivationRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": request.id,
        "state": ACTIVE,
        f"{request.target}Specification": {"id": request.specification},
        f"{request.target}Characteristic": characteristic_list(request.characteristics),
    }
    if request.place:
        body["place"] = [place_reference(request.place)]
    return body
