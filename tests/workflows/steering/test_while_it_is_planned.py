"""What an order is told while it is being planned: it is done, or refused for the moment, and never as if for good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from application.http import DownstreamError
from orders.lifecycle.states import OrderKind
from tests.stage import Stage, customer_of, example, outage, path_of
from tests.workflows.parts import context_of
from tests.workflows.test_failures import by_activity
from workflows.contracts import ids
from workflows.contracts.payloads import Amend
from workflows.contracts.refusals import REFUSED_FOR_NOW, RefusedError
from workflows.posted.amendments import planned_on

pytestmark = pytest.mark.anyio


def mobile(volume: int, customer: str | None = None) -> dict[str, Any]:
    """Return an order of a mobile plan with so many gigabytes."""
    document = example("mobile")
    customer_of(document, customer)
    for each in document["productOrderItem"][0]["product"]["productCharacteristic"]:
        if each["name"] == "dataVolumeGb":
            each["value"] = volume
    return document


async def begins_with(stage: Stage, order_id: str, volume: int) -> dict[str, Any]:
    """Check that an order that is held has begun nothing; resume it, and check what it then comes to."""
    await stage.until(lambda order: order["state"] == "held", order_id)
    assert await stage.taken_resources(order_id) == []
    await stage.tell(ids.root_workflow(order_id), "resume")
    order = await stage.ended(order_id)
    assert order["state"] == "completed"
    (product,) = await stage.products(order["relatedParty"][0]["id"])
    assert {each["name"]: each["value"] for each in product["productCharacteristic"]}["dataVolumeGb"] == volume
    return order


async def test_while_inventory_is_away_a_hold_is_taken_and_an_amendment_is_to_be_sent_again(stage: Stage) -> None:
    document = mobile(20)
    smaller = mobile(5)["productOrderItem"]
    with outage(stage.inventory):
        order_id = await stage.submit(document)
        held = await stage.gateway.post(f"{path_of(order_id)}/hold", json={"reason": "the customer is away"})
        away = await stage.amend(order_id, productOrderItem=smaller)
        preview = await stage.gateway.post(f"{path_of(order_id)}/preview", json={"productOrderItem": smaller})
    assert held.status_code == 200, held.text
    for answer in (away, preview):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), answer.text

    again = await stage.amend(order_id, productOrderItem=smaller, description="a smaller one")
    assert again.status_code == 200, again.text
    assert (await begins_with(stage, order_id, 5))["description"] == "a smaller one"
    assert [each["state"] for each in await stage.revisions(order_id)] == ["applied", "refused", "applied"]


@contextmanager
def overtaken(system: httpx2.AsyncClient) -> Iterator[tuple[asyncio.Event, asyncio.Event, asyncio.Event]]:
    """Hold up what a system is asked, which the first event tells, until it is asked once more after the second.

    That waits for the third.
    """
    asked, asked_again, go_on, overtaking = (asyncio.Event() for _ in range(4))
    transport = system._transport

    async def handle(request: httpx2.Request) -> httpx2.Response:
        asked.set()
        if asked_again.is_set() and not overtaking.is_set():
            overtaking.set()
            await go_on.wait()
        await overtaking.wait()
        return await transport.handle_async_request(request)

    system._transport = httpx2.MockTransport(handle)
    try:
        yield asked, asked_again, go_on
    finally:
        system._transport = transport


async def test_an_amendment_that_the_orders_own_planning_overtakes_is_planned_anew(stage: Stage) -> None:
    document = mobile(20)
    with overtaken(stage.inventory) as (asked, asked_again, go_on):
        order_id = await stage.submit(document)
        await stage.tell(ids.root_workflow(order_id), "hold")
        await asked.wait()
        asked_again.set()
        amending = asyncio.create_task(stage.amend(order_id, productOrderItem=mobile(5)["productOrderItem"]))
        await stage.until(lambda order: order["state"] == "held", order_id)
        go_on.set()
        amended = await amending

    assert amended.status_code == 200, amended.text
    await begins_with(stage, order_id, 5)


@pytest.mark.parametrize(
    ("cause", "for_now"),
    [
        (DownstreamError("inventory", "inventory answered 503", retryable=True), True),
        (ApplicationError("the order store cannot be reached", type="StoreUnavailableError"), True),
        (TemporalTimeoutError("too slow", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]), True),
        (ApplicationError("order x has no revision 7", type="UnknownRevision"), False),
    ],
)
async def test_what_cannot_be_planned_for_the_moment_is_to_be_sent_again(
    monkeypatch: pytest.MonkeyPatch, cause: BaseException, for_now: bool
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise by_activity(cause)

    context = context_of(OrderKind.PRODUCT, "x")
    monkeypatch.setattr(context.calls, "ask", fails)
    with pytest.raises(RefusedError, match="cannot be planned now") as refused:
        await planned_on(context, Amend(revision=7), None)
    assert (refused.value.type == REFUSED_FOR_NOW) is for_now
