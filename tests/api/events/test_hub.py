"""Listeners register at the hubs; what makes no sense is refused by name, and changes nothing."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from api.engine import EngineRefusedError
from orders.events.hubs import HUBS
from orders.events.subscription import Subscription, SubscriptionState
from tests.api.conftest import Bench
from workflows.contracts.ids import subscription_workflow

pytestmark = pytest.mark.anyio

HUB = "/tmf-api/productOrderingManagement/v4/hub"
CALLBACK = "http://93.184.216.34/hook"


async def registered(bench: Bench, **more: Any) -> dict[str, Any]:
    answer = await bench.client.post(HUB, json={"callback": CALLBACK, **more})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "callback"),
        ({"callback": "nonsense"}, "callback"),
        ({"callback": "http://10.0.0.1/hook"}, "callback"),
        ({"callback": "http://a b/"}, "callback"),
        ({"callback": f"http://{'a' * 70}.example/"}, "callback"),
        ({"callback": CALLBACK, "secret": "short"}, "secret"),
        ({"callback": CALLBACK, "query": "eventType=NoSuchEvent"}, "NoSuchEvent"),
        ({"callback": CALLBACK, "query": "eventType=ServiceOrderCreateEvent"}, "ServiceOrderCreateEvent"),
        ({"callback": CALLBACK, "query": "offset=-1"}, "query"),
        ({"callback": CALLBACK, "query": "foo=bar"}, "Event has no attribute foo"),
        ({"callback": CALLBACK, "query": "event.productOrder.stat=held"}, "did you mean event.productOrder.state"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_name(bench: Bench, body: dict[str, Any], named: str) -> None:
    answer = await bench.client.post(HUB, json=body)

    assert answer.status_code == 400, answer.text
    assert named in answer.text
    assert (await bench.client.get(HUB)).json() == []


async def test_listeners_are_listed_by_filters_as_all_else_is(bench: Bench) -> None:
    made = [await registered(bench, query=f"eventType=ProductOrder{each}Event") for each in ("Create", "StateChange")]
    await bench.client.post(f"{made[0]['href']}/pause")
    paused = await bench.client.get(HUB, params={"state": "paused", "fields": "state"})
    assert paused.json() == [{"id": made[0]["id"], "href": made[0]["href"], "state": "paused"}]
    assert (await bench.client.get(HUB, params={"limit": "1"})).status_code == 206
    refused = await bench.client.get(HUB, params={"state": "asleep"})
    assert refused.status_code == 400
    assert '"asleep" is not one of active, paused' in refused.json()["message"]


async def test_the_secret_is_given_once(bench: Bench) -> None:
    made = await registered(bench)

    assert made["secret"].startswith("whsec_")
    read = (await bench.client.get(made["href"])).json()
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert (await bench.client.get(HUB)).json() == [read]
    assert read["state"] == "active"
    assert (read["backlog"], read["givenUp"]) == (0, 0)


async def test_a_secret_can_be_brought_along(bench: Bench) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    assert (await registered(bench, secret=secret))["secret"] == secret


async def test_the_same_listener_is_registered_once_for_each_query(bench: Bench) -> None:
    await registered(bench)
    assert (await bench.client.post(HUB, json={"callback": CALLBACK})).status_code == 409
    await registered(bench, query="eventType=ProductOrderCreateEvent")
    assert len((await bench.client.get(HUB)).json()) == 2


async def test_a_listener_that_registers_while_the_engine_is_away_is_started_by_the_sweep(bench: Bench) -> None:
    bench.engine.away = True
    made = await registered(bench)
    assert bench.engine.waiting == set()
    bench.engine.away = False

    assert await bench.gateway.listener_starter.sweep() == 1
    assert bench.engine.waiting == {subscription_workflow(made["id"])}
    assert await bench.gateway.listener_starter.sweep() == 0


async def test_listeners_that_temporal_refuses_say_so_rest_and_hold_up_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.engine.away = True
    refused = [(await registered(bench, callback=f"{CALLBACK}/{number}"))["id"] for number in range(101)]
    other = await registered(bench)
    bench.engine.away = False
    listen, tried = bench.engine.listen, list[str]()

    async def refuse(subscription: Subscription) -> bool:
        tried.append(subscription.id)
        if subscription.id in refused:
            raise EngineRefusedError("Temporal answered INVALID_ARGUMENT")
        return await listen(subscription)

    monkeypatch.setattr(bench.engine, "listen", refuse)
    assert await bench.gateway.listener_starter.sweep() == 1
    assert tried == [*refused, other["id"]]
    assert await bench.gateway.listener_starter.sweep() == 0
    assert len(tried) == 102
    shown = (await bench.client.get(f"{HUB}/{refused[0]}")).json()
    assert shown["error"] == "cannot be told of events: Temporal answered INVALID_ARGUMENT"


async def test_a_listener_that_is_taken_off_while_the_engine_is_away_is_stopped_by_the_sweep(bench: Bench) -> None:
    made = await registered(bench)
    bench.engine.away = True
    assert (await bench.client.delete(made["href"])).status_code == 204
    assert bench.engine.signals == []
    bench.engine.away = False

    assert await bench.gateway.listener_starter.sweep_stopped() == 1
    assert bench.engine.signals == [(subscription_workflow(made["id"]), "stop")]
    assert await bench.gateway.listener_starter.sweep_stopped() == 0


@pytest.mark.parametrize(("word", "state", "before"), [("pause", "paused", "resume"), ("resume", "active", "pause")])
async def test_what_a_listener_is_asked_to_be_while_the_engine_is_away_is_passed_on_by_the_sweep(
    bench: Bench, word: str, state: str, before: str
) -> None:
    made = await registered(bench)
    await bench.client.post(f"{made['href']}/{before}")
    workflow_id = subscription_workflow(made["id"])
    assert bench.engine.signals == [(workflow_id, before)]
    bench.engine.away = True
    answer = await bench.client.post(f"{made['href']}/{word}")
    assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert (await bench.client.get(made["href"])).json()["state"] == state
    assert bench.engine.signals == [(workflow_id, before)]
    bench.engine.away = False

    assert await bench.gateway.listener_starter.sweep() == 1
    assert bench.engine.signals == [(workflow_id, before), (workflow_id, word)]
    assert await bench.gateway.listener_starter.sweep() == 0


async def test_what_a_listener_was_told_late_does_not_pass_for_what_it_was_asked_since(bench: Bench) -> None:
    made = await registered(bench)
    paused = await bench.gateway.subscriptions.get(made["id"])
    assert paused is not None
    await bench.gateway.subscriptions.become(made["id"], SubscriptionState.ACTIVE)
    await bench.gateway.subscriptions.mark_started(paused.model_copy(update={"state": SubscriptionState.PAUSED}))

    assert await bench.gateway.listener_starter.sweep() == 1
    assert bench.engine.signals == [(subscription_workflow(made["id"]), "resume")]


async def test_listeners_that_are_lost_are_started_again_once_a_minute_at_most(bench: Bench) -> None:
    made = [await registered(bench, query=f"eventType={each}") for each in sorted(HUBS["productOrder"].types)[:3]]
    lost, taken_off, _ = [subscription_workflow(each["id"]) for each in made]
    bench.engine.waiting -= {lost, taken_off}
    await bench.client.delete(made[1]["href"])

    assert await bench.gateway.listener_starter.sweep_lost() == 1
    assert lost in bench.engine.waiting
    assert taken_off not in bench.engine.waiting
    bench.engine.waiting.remove(lost)
    assert await bench.gateway.listener_starter.sweep_lost() == 0


async def test_what_is_not_there_is_not_found(bench: Bench) -> None:
    made = await registered(bench)
    other_hub = made["href"].replace("productOrderingManagement", "serviceOrdering")
    for address in (f"{HUB}/none", other_hub):
        assert (await bench.client.get(address)).status_code == 404
        assert (await bench.client.delete(address)).status_code == 404
        for order in ("pause", "resume"):
            assert (await bench.client.post(f"{address}/{order}")).status_code == 404
        assert (await bench.client.post(f"{address}/replay", json={"from": "2026-11-25T00:00:00Z"})).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"from": "yesterday"}, {"from": "20261125"}, {"from": 1764028800}, {"from": None}]
)
async def test_a_replay_needs_a_time(bench: Bench, body: dict[str, Any]) -> None:
    made = await registered(bench)
    answer = await bench.client.post(f"{made['href']}/replay", json=body)

    assert answer.status_code == 400
    assert "from" in answer.text
    assert bench.engine.asked == []
