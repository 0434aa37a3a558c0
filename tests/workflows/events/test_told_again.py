"""What listeners are told again, or not at all, and by which secrets it is signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from api.dependencies import Gateway
from api.sweeps.abandonment import Abandonment, KeptAtMost
from tests.listener import FAILED, GONE, TAKEN, Listener
from tests.stage import Stage, eventually
from tests.workflows.events.subscribers import ended, has_failed, mobile, of, once, registered, states, told
from tmf.instants import timestamp
from workflows.contracts.ids import subscription_workflow
from workflows.contracts.subscriptions import Redeliver

pytestmark = pytest.mark.anyio

REJECTED: dict[str, Any] = {"productOrderItem": [{"id": "1", "action": "add"}]}
"""An order that has few events."""


async def post(stage: Stage, subscription: dict[str, Any], command: str, **body: Any) -> dict[str, Any]:
    answer = await stage.gateway.post(f"{subscription['href']}/{command}", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def refused(stage: Stage, subscription: dict[str, Any], event_id: str) -> str:
    answer = await stage.gateway.post(f"{subscription['href']}/redeliver", json={"eventId": event_id})
    assert answer.status_code == 409
    message: str = answer.json()["message"]
    return message


async def test_while_a_secret_is_renewed_events_bear_a_signature_by_each(stage: Stage, listener: Listener) -> None:
    subscription = await registered(stage, listener)
    old, new = subscription["secret"], (await post(stage, subscription, "rotate"))["secret"]
    order = await stage.done(REJECTED)
    await ended(listener, order["id"])
    assert {len(each.headers["webhook-signature"].split()) for each in listener.received} == {2}
    for each in listener.received:
        for secret in (old, new):
            Webhook(secret).verify(each.body, each.headers)

    await post(stage, subscription, "endRotation")
    listener.received.clear()
    order = await stage.done(REJECTED)
    await ended(listener, order["id"])
    for each in listener.received:
        Webhook(new).verify(each.body, each.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(each.body, each.headers)


async def test_one_event_is_delivered_again_and_none_behind_it(stage: Stage, listener: Listener) -> None:
    subscription = await registered(stage, listener)
    order = await stage.done(REJECTED)
    first, *_ = of(order["id"], await ended(listener, order["id"]))
    listener.received.clear()

    await post(stage, subscription, "redeliver", eventId=first["eventId"])
    assert listener.events == [first]
    handle = stage.client.get_workflow_handle(subscription_workflow(subscription["id"]))
    await handle.signal("redeliver", Redeliver(event_id=first["eventId"]))
    await listener.got(lambda events: events == [first, first])

    listener.answer = lambda _event: FAILED
    assert "did not take it: POST" in await refused(stage, subscription, first["eventId"])
    assert (await told(stage, subscription["id"]))["error"] is None, "what waits has nothing to do with it"


async def test_a_listener_that_goes_on_from_now_is_told_nothing_of_what_waited(
    stage: Stage, listener: Listener
) -> None:
    listener.answer = lambda _event: GONE
    subscription = await registered(stage, listener)
    before = datetime.now(UTC)
    left_out = await stage.done(REJECTED)
    await eventually(partial(_is, stage, subscription, "paused"))
    also_left_out = await stage.done(REJECTED)
    gateway: Gateway = stage.app.state.gateway
    at_most = KeptAtMost(time=timedelta(0))
    assert await Abandonment(gateway.subscriptions, gateway.outbox, gateway.listener_starter, at_most).sweep() == 1
    assert (await stage.gateway.get(subscription["href"])).json()["state"] == "givenUp", "a 410 is no excuse"
    listener.answer = lambda _event: TAKEN

    assert (await post(stage, subscription, "resume", fromNow=True))["state"] == "active"
    order = await stage.done(REJECTED)
    events = await ended(listener, order["id"])
    assert {each["correlationId"] for each in events} == {order["id"]}

    await post(stage, subscription, "replay", **{"from": timestamp(before)})
    await ended(listener, left_out["id"], also_left_out["id"])


async def test_a_listener_that_cannot_be_reached_is_given_up_and_told_what_is_kept_once_it_is_resumed(
    stage: Stage, listener: Listener
) -> None:
    gateway: Gateway = stage.app.state.gateway
    listener.answer = lambda _event: FAILED
    subscription = await registered(stage, listener)
    order = await stage.done(mobile())
    await eventually(lambda: has_failed(stage, subscription["id"]))

    most = await gateway.outbox.end() - position_of(await gateway.subscriptions.get(subscription["id"]))
    giving_up = partial(Abandonment, gateway.subscriptions, gateway.outbox, gateway.listener_starter)
    assert await giving_up(KeptAtMost(events=most)).sweep() == 0
    assert await giving_up(KeptAtMost(events=2)).sweep() == 1
    await eventually(partial(_is, stage, subscription, "paused"))
    shown = (await stage.gateway.get(subscription["href"])).json()
    assert (shown["state"], shown["stateReason"]) == ("givenUp", "more than 2 events wait for it")
    tries = len(listener.attempts)
    meanwhile = await stage.done(REJECTED)
    assert len(listener.attempts) == tries
    assert (await stage.gateway.get(subscription["href"])).json()["state"] == "givenUp"

    listener.answer = lambda _event: TAKEN
    assert (await post(stage, subscription, "resume"))["state"] == "active"
    events = await ended(listener, order["id"], meanwhile["id"])
    assert states(order["id"], once(events)) == ["acknowledged", "inProgress", "completed"]


def position_of(kept: Any) -> int:
    position: int = kept.position
    return position


async def _is(stage: Stage, subscription: dict[str, Any], state: str) -> bool:
    return bool((await told(stage, subscription["id"]))["state"] == state)
