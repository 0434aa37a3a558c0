"""Activation: services (TMF640) and resources (TMF702) set up in the network, and service tests (TMF653)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.http import DownstreamError, DownstreamSystem
from orders.documents import characteristic_list
from orders.model import Model
from orders.plan import Characteristics

SERVICE_TEST = "/tmf-api/serviceTestManagement/v4/serviceTest"


class Target(StrEnum):
    """What is set up: the names are those of the TMF resources."""

    SERVICE = "service"
    RESOURCE = "resource"


_BASE = {
    Target.SERVICE: "/tmf-api/ServiceActivationAndConfiguration/v4",
    Target.RESOURCE: "/tmf-api/resourceActivationAndConfiguration/v4",
}


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
    callback: bool = False
    """Ask for an asynchronous completion, announced by callback."""


class ActivationAnswer(Model):
    """What the system said: done, or accepted with a monitor to look at."""

    monitor: str | None = None


class ServiceTest(Model):
    key: str
    service_id: str
    test: str


class ActivationActivities:
    """Activation's part of an order. Each effect carries a key, so that a repeat changes nothing."""

    def __init__(self, activation: DownstreamSystem) -> None:
        self._activation = activation

    @activity.defn
    async def activate(self, request: ActivationRequest) -> ActivationAnswer:
        """Ask for a service or resource to be set up, changed or torn down.

        Tearing down what is not there is done already.
        """
        path = f"{_BASE[request.target]}/{request.target}"
        if request.operation != Operation.ACTIVATE:
            path = f"{path}/{request.id}"
        params = {"mode": "async"} if request.callback else {}
        status, body = await self._activation.call(
            request.operation,
            path,
            key=request.key,
            params=params,
            body=None if request.operation == Operation.DEACTIVATE else _body(request),
            accept=(404,) if request.operation == Operation.DEACTIVATE else (),
        )
        if status != 202:
            return ActivationAnswer()
        monitor = body.get("id") if isinstance(body, dict) else None
        if not monitor:
            raise DownstreamError(
                self._activation.name, f"activation accepted {request.key} without a monitor", retryable=False
            )
        return ActivationAnswer(monitor=str(monitor))

    @activity.defn
    async def await_completion(self, target: Target, monitor: str) -> None:
        """Look whether an accepted activation is complete; fails as worth another try while it is not."""
        path = f"{_BASE[target]}/monitor/{monitor}"
        document = await self._activation.get(path)
        state = str(document.get("state"))
        if state == "Completed":
            return
        if state == "Failed":
            body = (document.get("response") or {}).get("body") or {}
            reason = body.get("reason") or body.get("message") or "no reason given"
            raise DownstreamError(self._activation.name, f"activation of {monitor} failed: {reason}", retryable=False)
        raise ApplicationError(f"{path} is {state}", type="NotYet", category=ApplicationErrorCategory.BENIGN)

    @activity.defn
    async def test_service(self, request: ServiceTest) -> None:
        """Run a service test, and fail for good when the service does not pass."""
        _, result = await self._activation.call(
            "POST",
            SERVICE_TEST,
            key=request.key,
            body={"relatedService": {"id": request.service_id}, "testSpecification": {"id": request.test}},
        )
        if result.get("result") != "pass":
            reason = result.get("message") or "no reason given"
            raise DownstreamError(
                self._activation.name,
                f"service {request.service_id} did not pass {request.test}: {reason}",
                retryable=False,
            )


def _body(request: ActivationRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "state": "active",
        f"{request.target}Specification": {"id": request.specification},
        f"{request.target}Characteristic": characteristic_list(request.characteristics),
    }
