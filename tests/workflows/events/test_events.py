"""Events reach their listeners: in order, at least once, signed, whatever the listener does."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from store.recording import Recorded
from tests.listener import FAILED, GONE, LYING, TAKEN, Listener, listening
from tests.stage import Stage, eventually
from tests.workflows.events.subscribers import (
    SERVICE_HUB,
    ended,
    has_failed,
    mobile,
    of,
    once,
    registered,
    states,
    told,
)
from tests.workflows.steering.test_hold import begun
from tmf.instants import timestamp
from workflows.contracts.ids import subscription_workflow

pytestmark = pytest.mark.anyio


async def test_a_listener_is_told_of_an_order_from_its_beginning_to_its_end(stage: Stage, listener: Listener) -> None:
    subscription = await registered(stage, listener)

    order = await stage.done(mobile())
    events = of(order["id"], await ended(listener, order["id"]))

    assert states(order["id"], events) == ["acknowledged", "inProgress", "completed"]
    assert {each.path for each in listener.received} <= {
        f"/hook/listener/productOrder{what}Event" for what in ("Create", "StateChange", "AttributeValueChange")
    }
    last = events[-1]
    assert last["event"]["productOrder"]["href"] == order["href"]
    assert len({each["eventId"] for each in events}) == len(events)
    secret = subscription["secret"]
    for each in listener.received:
        Webhook(secret).verify(each.body, each.headers)
        assert each.headers["webhook-id"] == each.event["eventId"]


async def test_service_orders_have_listeners_of_their_own(stage: Stage, listener: Listener) -> None:
    await registered(stage, listener, SERVICE_HUB, query="eventType=ServiceOrderStateChangeEvent")

    order = await stage.done(mobile())
    events = await listener.got(
        lambda events: any(each["event"]["serviceOrder"]["state"] == "completed" for each in of(order["id"], events))
    )

    assert {each["eventType"] for each in events} == {"ServiceOrderStateChangeEvent"}


async def test_a_query_chooses_among_events_and_what_is_sent_of_them(stage: Stage, listener: Listener) -> None:
    await registered(
        stage,
        listener,
        query="eventType=ProductOrderStateChangeEvent&event.productOrder.state=completed&fields=state",
    )

    order = await stage.done(mobile())
    (event,) = of(order["id"], await listener.got(lambda events: bool(of(order["id"], events))))

    assert event["event"]["productOrder"].keys() == {"id", "href", "state"}


async def test_a_listener_that_is_killed_for_a_while_misses_nothing_of_a_hundred_orders(
    stage: Stage, listener: Listener
) -> None:
    await registered(stage, listener)
    body = {"productOrderItem": [{"id": "1", "action": "add"}]}

    first = [await stage.submit(body) for _ in range(30)]
    await listener.got(lambda events: len(events) > 20)
    await listener.stop()
    while_away = [await stage.submit(body) for _ in range(50)]
    for order in while_away:
        await stage.ended(order)
    before = len(listener.received)
    await listener.start()
    last = [await stage.submit(body) for _ in range(20)]
    orders = [*first, *while_away, *last]
    await ended(listener, *orders)

    assert len(listener.received) > before
    by_order = defaultdict(list)
    for event in listener.events:
        by_order[event["correlationId"]].append(event)
    for order in orders:
        assert states(order, once(by_order[order])) == ["acknowledged", "rejected"]
    ids = defaultdict(set)
    for each in listener.received:
        ids[each.headers["webhook-id"]].add(each.body)
    assert all(len(bodies) == 1 for bodies in ids.values()), "a repeat is the same event"


@pytest.mark.parametrize("answer", [FAILED, None, b"nonsense\r\n\r\n"], ids=["500", "slow", "no-http"])
async def test_one_listener_that_takes_nothing_holds_up_no_other(
    stage: Stage, listener: Listener, answer: bytes | None
) -> None:
    async with listening() as bad:
        bad.answer = lambda _event: answer
        failing = await registered(stage, bad)
        await registered(stage, listener)

        order = await stage.done(mobile())
        await ended(listener, order["id"])
        await eventually(lambda: has_failed(stage, failing["id"]))
        assert bad.received == []

        bad.answer = lambda _event: TAKEN
        await ended(bad, order["id"])
        assert states(order["id"], bad.events) == ["acknowledged", "inProgress", "completed"]


async def test_a_listener_that_lies_about_the_length_of_its_answer_has_taken_the_event(
    stage: Stage, listener: Listener
) -> None:
    listener.answer = lambda _event: LYING
    await registered(stage, listener)

    order = await stage.done(mobile())
    events = of(order["id"], await ended(listener, order["id"]))

    assert len({each["eventId"] for each in events}) == len(events), "none was sent twice"


async def test_an_event_that_a_listener_never_takes_holds_up_its_own_order_only(
    stage: Stage, listener: Listener
) -> None:
    listener.answer = lambda event: FAILED if event["event"]["productOrder"].get("category") == "poison" else TAKEN
    subscription = await registered(stage, listener)
    poison = await stage.done(mobile() | {"category": "poison"})

    other = await stage.done(mobile())
    await ended(listener, other["id"])
    assert of(poison["id"], listener.events) == []
    view = await told(stage, subscription["id"])
    assert view["stuck"] == 1
    assert "500" in view["error"]

    listener.answer = lambda _event: TAKEN
    await ended(listener, poison["id"])
    assert states(poison["id"], listener.events) == ["acknowledged", "inProgress", "completed"]


async def test_a_listener_that_is_gone_is_paused_until_it_is_resumed(stage: Stage, listener: Listener) -> None:
    listener.answer = lambda _event: GONE
    subscription = await registered(stage, listener)
    order = await stage.done(mobile())

    async def paused() -> bool:
        return bool((await told(stage, subscription["id"]))["state"] == "paused")

    await eventually(paused)
    listener.answer = lambda _event: TAKEN
    answer = await stage.gateway.post(f"{subscription['href']}/resume")
    assert answer.json()["state"] == "active"
    await ended(listener, order["id"])


async def test_what_comes_while_a_listener_is_paused_is_delivered_once_it_is_resumed(
    stage: Stage, listener: Listener
) -> None:
    subscription = await registered(stage, listener)
    paused = await stage.gateway.post(f"{subscription['href']}/pause")
    assert (paused.status_code, paused.json()["state"]) == (200, "paused")

    order = await stage.done(mobile())
    assert of(order["id"], listener.events) == []
    await stage.client.get_workflow_handle(subscription_workflow(subscription["id"])).signal("resume")
    events = await ended(listener, order["id"])

    assert states(order["id"], events) == ["acknowledged", "inProgress", "completed"]


async def test_a_replay_sends_everything_again_with_the_same_ids(stage: Stage, listener: Listener) -> None:
    subscription = await registered(stage, listener)
    before = datetime.now(UTC)
    order = await stage.done(mobile())
    await ended(listener, order["id"])
    first = [each["eventId"] for each in of(order["id"], listener.events)]
    listener.received.clear()

    answer = await stage.gateway.post(f"{subscription['href']}/replay", json={"from": timestamp(before)})
    assert answer.status_code == 200, answer.text
    again = of(order["id"], await ended(listener, order["id"]))

    assert [each["eventId"] for each in again] == first


async def test_a_listener_that_is_taken_off_is_told_nothing_more(stage: Stage, listener: Listener) -> None:
    subscription = await registered(stage, listener)

    assert (await stage.gateway.delete(subscription["href"])).status_code == 204
    await stage.client.get_workflow_handle(subscription_workflow(subscription["id"])).result()
    order = await stage.done(mobile())

    assert of(order["id"], [each.event for each in listener.attempts]) == []
    assert (await stage.gateway.get(subscription["href"])).status_code == 404


async def test_a_listener_that_is_paused_in_the_middle_of_a_delivery_goes_on_once_it_is_resumed(
    stage: Stage, listener: Listener
) -> None:
    listener.answer = lambda _event: None
    subscription = await registered(stage, listener)
    order = await stage.done(mobile())
    await eventually(lambda: _has_attempts(listener))

    for word in ("pause", "resume", "pause", "resume"):
        assert (await stage.gateway.post(f"{subscription['href']}/{word}")).status_code == 200
    listener.answer = lambda _event: TAKEN
    events = await ended(listener, order["id"])

    assert states(order["id"], events) == ["acknowledged", "inProgress", "completed"]


async def _has_attempts(listener: Listener) -> bool:
    return bool(listener.attempts)


async def test_nothing_is_sent_once_a_pause_is_answered(stage: Stage, listener: Listener) -> None:
    subscription = await registered(stage, listener)
    first = await stage.done(mobile())
    await ended(listener, first["id"])
    assert (await stage.gateway.post(f"{subscription['href']}/pause")).status_code == 200
    before = len(listener.attempts)

    orders = [await stage.done(mobile()) for _ in range(2)]

    assert len(listener.attempts) == before
    assert (await stage.gateway.post(f"{subscription['href']}/resume")).status_code == 200
    await ended(listener, *(order["id"] for order in orders))


async def test_a_listener_whose_workflow_is_cancelled_is_taken_off(stage: Stage, listener: Listener) -> None:
    subscription = await registered(stage, listener)
    handle = stage.client.get_workflow_handle(subscription_workflow(subscription["id"]))

    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()

    assert isinstance(failed.value.cause, CancelledError)
    assert (await stage.gateway.get(subscription["href"])).status_code == 404


async def test_many_events_of_an_order_that_a_listener_does_not_take_stop_no_other(
    stage: Stage, listener: Listener
) -> None:
    poisoned: list[str] = []
    listener.answer = lambda event: FAILED if event["correlationId"] in poisoned else TAKEN
    subscription = await registered(stage, listener)
    poison = await stage.submit(mobile())
    poisoned.append(poison)
    await stage.ended(poison)
    for version in range(1000, 1600):
        change = OrderChange(
            kind=OrderKind.PRODUCT,
            order_id=poison,
            version=version,
            state=OrderState.COMPLETED,
            attributes={"description": str(version)},
        )
        assert await stage.orders.record([change]) == [Recorded.APPLIED]

    other = await stage.done(mobile())
    await ended(listener, other["id"])
    view = await told(stage, subscription["id"])
    assert view["stuck"] == 1
    assert view["backlog"] >= 600

    poisoned.clear()
    await listener.got(
        lambda events: any(each["event"]["productOrder"].get("description") == "1599" for each in of(poison, events))
    )
    descriptions = [each["event"]["productOrder"].get("description") for each in of(poison, listener.events)]
    changed = [each for each in descriptions if each and each.isdigit()]
    assert list(dict.fromkeys(changed)) == [str(version) for version in range(1000, 1600)]


async def test_an_event_is_given_up_in_the_end_and_those_behind_it_go_on(stage: Stage, listener: Listener) -> None:
    listener.answer = lambda event: FAILED if event["eventType"] == "ProductOrderCreateEvent" else TAKEN
    stage.delivery.give_up_after = timedelta(milliseconds=500)
    try:
        subscription = await registered(stage, listener)
    finally:
        stage.delivery.give_up_after = timedelta(days=3)
    order = await stage.done(mobile())

    events = await ended(listener, order["id"])

    assert states(order["id"], events) == ["inProgress", "completed"]
    assert len((await told(stage, subscription["id"]))["lastGivenUp"]) >= 1


async def test_cancellations_have_events_too(stage: Stage, listener: Listener) -> None:
    await registered(stage, listener)
    order_id = await begun(stage)

    made = await stage.gateway.post(
        "/tmf-api/productOrderingManagement/v4/cancelProductOrder", json={"productOrder": {"id": order_id}}
    )
    await stage.ended(order_id)
    await ended(listener, order_id)
    events = of(order_id, await listener.got(lambda events: "done" in cancellation_states(made.json()["id"], events)))

    assert cancellation_states(made.json()["id"], events) == ["acknowledged", "inProgress", "done"]
    assert [state for state in states(order_id, events) if "ancel" in state] == [
        "assessingCancellation",
        "pendingCancellation",
        "cancelled",
    ]


def cancellation_states(cancellation: str, events: list[dict[str, Any]]) -> list[str]:
    found = [each["event"].get("cancelProductOrder", {}) for each in events]
    return [each["state"] for each in found if each.get("id") == cancellation]


async def test_an_order_can_be_followed_as_a_stream_that_ends_with_it(stage: Stage) -> None:
    order_id = await stage.submit(mobile())
    lines: list[str] = []
    async with asyncio.timeout(60):
        answer = await stage.gateway.get(f"/tmf-api/productOrderingManagement/v4/productOrder/{order_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.splitlines()

    types = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    positions = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    assert types[0] == "ProductOrderCreateEvent"
    assert {"ServiceOrderCreateEvent", "ResourceOrderCreateEvent", "ProductOrderStateChangeEvent"} <= {*types}
    assert positions == sorted(set(positions))
    rest = await stage.gateway.get(
        f"/tmf-api/productOrderingManagement/v4/productOrder/{order_id}/events",
        headers={"Last-Event-ID": str(positions[-2])},
    )
    assert [line for line in rest.text.splitlines() if line.startswith("id: ")] == [f"id: {positions[-1]}"]
    nothing_more = await stage.gateway.get(
        f"/tmf-api/productOrderingManagement/v4/productOrder/{order_id}/events",
        headers={"Last-Event-ID": str(positions[-1])},
    )
    assert (nothing_more.status_code, nothing_more.content) == (204, b"")
