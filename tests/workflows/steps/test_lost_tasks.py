"""What a workflow task called locally is not in the history when the task is lost: that is made up for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import httpx2
import pytest
from temporalio.api.enums.v1 import EventType

from tests.stage import Stage, customer_of, eventually, example, stalled
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from workflows.contracts import ids, policies

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def long_local_attempts() -> Iterator[None]:
    """On a busy machine a cancellation may take longer than a local attempt, which is to be under way then."""
    with patch.object(policies, "LOCAL_ATTEMPT", timedelta(seconds=30)):
        yield


_MOBILE = "1:mobile"


def _workflows(order_id: str) -> tuple[str, str]:
    """Return the ids of an order's service order, and of the resource order that is held up in these tests."""
    service_order = ids.service_order_workflow(ids.root_workflow(order_id), _MOBILE)
    return service_order, ids.resource_order_workflow(service_order, "number")


async def _events(stage: Stage, workflow_id: str) -> list[EventType.ValueType]:
    history = await stage.client.get_workflow_handle(workflow_id).fetch_history()
    return [event.event_type for event in history.events]


async def _cancelled_within_a_task(stage: Stage, order_id: str) -> str:
    """Cancel an order while a workflow task of a resource order calls a system; return that order's workflow id."""
    service_order, resource_order = _workflows(order_id)

    async def reserves() -> bool:
        return any(":ro:number/" in (each.get("requestedBy") or "") for each in await stage.taken_resources(order_id))

    await eventually(reserves, lambda: "no number is reserved")
    await stage.tell(ids.root_workflow(order_id), "cancel")

    async def is_told() -> bool:
        confirmed = EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED
        return confirmed in await _events(stage, service_order)

    await eventually(is_told, lambda: "the resource order is not cancelled")
    return resource_order


async def test_what_a_lost_task_did_is_undone_when_its_order_is_cancelled(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    with stalled(stage.inventory, ":ro:number/msisdn/install/") as go_on:
        order_id = await stage.submit(document)
        resource_order = await _cancelled_within_a_task(stage, order_id)
        go_on.set()
        order = await stage.ended(order_id)

    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED in await _events(stage, resource_order)
    assert order["state"] == "cancelled"
    await nothing_is_left(stage, order_id, customer)


@contextmanager
def _refusing_what_comes_again(system: httpx2.AsyncClient, word: str, times: int) -> Iterator[None]:
    """Have a system, some times, refuse for now what was asked for before by a key with this word in it."""
    transport, asked, left = system._transport, set[str](), times

    class Refusing(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            nonlocal left
            key = request.headers.get("Idempotency-Key", "")
            if word in key and key in asked and left:
                left -= 1
                return httpx2.Response(503, request=request)
            asked.add(key)
            return await transport.handle_async_request(request)

    system._transport = Refusing()
    try:
        yield
    finally:
        system._transport = transport


async def test_a_call_that_a_lost_task_had_got_past_is_repeated_before_anything_is_stopped(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    with (
        _refusing_what_comes_again(stage.inventory, ":ro:number/msisdn/reserve/", times=3),
        stalled(stage.inventory, ":ro:number/msisdn/install/") as go_on,
    ):
        order_id = await stage.submit(document)
        resource_order = await _cancelled_within_a_task(stage, order_id)
        go_on.set()
        order = await stage.ended(order_id)

    events = await _events(stage, resource_order)
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED in events
    assert EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED in events
    assert order["state"] == "cancelled"
    await nothing_is_left(stage, order_id, customer)
