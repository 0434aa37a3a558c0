"""An order's events as a stream: those that its API knows, in their order, until it has ended."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.sse import KEEPALIVE_COMMENT
from sqlalchemy import func, select, update

from api.events import order_events
from orders.events.hubs import HUBS, PRODUCT_ORDER_V5
from orders.events.order_events import Event
from orders.lifecycle.states import OrderKind, OrderState, resource_name
from store.outbox import append
from store.sql.tables import events
from tests.api.conftest import NOW, PRODUCT_ORDERS, Bench
from tests.api.ordering.test_direct_orders import each_kind

pytestmark = pytest.mark.anyio

MILESTONE = {"id": "m", "name": "on site", "milestoneDate": "2026-11-25T09:00:00.000Z", "status": "completed"}
ALERT = {"id": "a", "name": "late", "alertDate": "2026-11-25T09:00:00.000Z"}
FAILURE = {"code": "notFeasible", "reason": "no port is free"}
V5_ALONE = {"ProductOrderMilestoneEvent", "ProductOrderJeopardyAlertEvent", "ProductOrderErrorMessageEvent"}


async def marked(bench: Bench) -> str:
    """Return an order that has ended, with all that only v5 has events of."""
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    marks: dict[str, Any] = {"milestone": [MILESTONE], "jeopardyAlert": [ALERT], "productOrderErrorMessage": [FAILURE]}
    await bench.become(order_id, OrderState.FAILED, **marks)
    kept = await bench.gateway.outbox.read(0, 100)
    assert {each.event.type for each in kept} >= V5_ALONE
    return order_id


async def followed(
    bench: Bench, order_id: str, after: int | None = None, orders: str = PRODUCT_ORDERS
) -> list[tuple[str, dict[str, Any], int]]:
    """Return the type, the event and the id of each part of a stream."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    answer = await bench.client.get(f"{orders}/{order_id}/events", headers=headers)
    assert answer.status_code == 200, answer.text
    parts = [dict(line.split(": ", 1) for line in part.splitlines()) for part in answer.text.strip().split("\n\n")]
    return [(part["event"], json.loads(part["data"]), int(part["id"])) for part in parts]


async def test_the_stream_of_an_order_has_the_events_that_the_hub_of_its_version_knows(bench: Bench) -> None:
    told = await followed(bench, await marked(bench))

    types = [each for each, _, _ in told]
    assert types == ["ProductOrderCreateEvent", *["ProductOrderStateChangeEvent"] * (len(types) - 1)]
    assert {*types} <= HUBS[OrderKind.PRODUCT].types
    assert HUBS[PRODUCT_ORDER_V5].types >= V5_ALONE
    assert [event["event"]["productOrder"]["state"] for _, event, _ in told][-1] == "failed"
    assert [event["eventType"] for _, event, _ in told] == types


async def test_nothing_comes_behind_the_last_event_that_is_told_though_others_are_kept(bench: Bench) -> None:
    order_id = await marked(bench)
    last = (await followed(bench, order_id))[-1][2]
    assert await bench.gateway.outbox.is_behind(last)

    answer = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/events", headers={"Last-Event-ID": str(last)})
    assert (answer.status_code, answer.content) == (204, b"")


@each_kind
async def test_the_stream_of_a_posted_order_has_its_events_alone_and_goes_on_behind_any(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    await marked(bench)
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    await bench.become(order_id, OrderState.IN_PROGRESS, kind)
    await bench.become(order_id, OrderState.COMPLETED, kind)

    told = await followed(bench, order_id, orders=orders)

    assert [event["event"][kind.value]["id"] for _, event, _ in told] == [order_id] * len(told)
    assert told[0][0] == f"{resource_name(kind)}CreateEvent"
    assert {each for each, _, _ in told} <= HUBS[kind].types
    states = [event["event"][kind.value]["state"] for _, event, _ in told]
    assert list(dict.fromkeys(states)) == ["acknowledged", "inProgress", "completed"]
    assert await followed(bench, order_id, told[0][2], orders) == told[1:]
    behind = await bench.client.get(f"{orders}/{order_id}/events", headers={"Last-Event-ID": str(told[-1][2])})
    assert (behind.status_code, behind.content) == (204, b"")
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/events")).status_code == 404


async def test_events_that_nobody_can_read_leave_the_stream_to_the_others(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    for number, (api, document) in enumerate({"noSuchHub": {}, "productOrder": {"productOrderItem": 1}}.items()):
        odd = Event(
            id=f"odd-{number}",
            type="ProductOrderStateChangeEvent",
            api=api,
            resource="productOrder",
            subject_id=order_id,
            root_id=order_id,
            at=NOW,
            title="odd",
            document=document,
        )
        await bench.database.write(partial(append, found=[odd]))
    unreadable = odd.model_copy(update={"id": "unreadable"})
    await bench.database.write(partial(append, found=[unreadable]))
    spoil = update(events).where(events.c.id == "unreadable").values(event={})
    await bench.database.write(lambda connection: connection.execute(spoil))
    await bench.become(order_id, OrderState.COMPLETED)

    told = await followed(bench, order_id)
    states = [event["event"]["productOrder"]["state"] for _, event, _ in told]
    assert states == ["acknowledged", "inProgress", "completed"]
    stuck = (await bench.client.get("/fallout/v1/stuck")).json()
    assert {(each["kind"], each["id"], each["orderId"]) for each in stuck} == {
        ("event", "odd-1", order_id),
        ("event", "unreadable", order_id),
    }


async def test_an_id_that_a_restored_order_store_has_not_given_begins_the_stream_anew(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    await bench.become(order_id, OrderState.COMPLETED)
    whole = await followed(bench, order_id)
    assert await followed(bench, order_id, after=whole[-1][2] + 1000) == whole


async def test_a_stream_rests_behind_an_event_that_cannot_be_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    last = select(func.max(events.c.sequence)).scalar_subquery()
    spoil = update(events).where(events.c.sequence == last).values(event={})
    await bench.database.write(lambda connection: connection.execute(spoil))
    monkeypatch.setattr(order_events, "_BREATH", timedelta(seconds=1))

    stream = order_events._events(bench.gateway, OrderKind.PRODUCT, order_id, 0)
    async with asyncio.timeout(10):
        assert b"ProductOrderCreateEvent" in await anext(stream)
        assert await anext(stream) == KEEPALIVE_COMMENT
    await stream.aclose()
