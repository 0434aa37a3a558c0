"""Listeners whose workflow was terminated, or cannot be reached: nothing is missed, and nothing told anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, update

from api.dependencies import Gateway
from api.engine import EngineUnavailableError
from api.sweeps.listeners import ListenerStarter
from store.sql.tables import events, subscriptions
from tests.listener import FAILED, TAKEN, Listener
from tests.stage import Stage, eventually
from tests.workflows.events.subscribers import ended, has_failed, mobile, once, registered, states, told
from workflows.contracts.ids import subscription_workflow

pytestmark = pytest.mark.anyio


async def swept(stage: Stage) -> int:
    """Start again what tells listeners and was lost, as a gateway does when it begins; return how many."""
    gateway: Gateway = stage.app.state.gateway
    starter = ListenerStarter(gateway.subscriptions, gateway.outbox, stage.setbacks, gateway.engine, timedelta(days=30))
    return await starter.sweep_lost()


async def terminated(stage: Stage, subscription: dict[str, Any]) -> None:
    await stage.client.get_workflow_handle(subscription_workflow(subscription["id"])).terminate("by mistake")


async def test_a_listener_whose_workflow_was_terminated_misses_nothing_and_does_not_begin_anew(
    stage: Stage, listener: Listener
) -> None:
    subscription = await registered(stage, listener)
    before = await stage.done(mobile())
    await ended(listener, before["id"])
    await eventually(lambda: _has_all(stage, subscription["id"]))

    await terminated(stage, subscription)
    meanwhile = await stage.done(mobile())
    assert await swept(stage) == 1
    events = await ended(listener, meanwhile["id"])

    assert states(before["id"], events) == ["acknowledged", "inProgress", "completed"]
    # The round that ran when it was terminated may still deliver, for a moment.
    assert states(meanwhile["id"], once(events)) == ["acknowledged", "inProgress", "completed"]
    assert await swept(stage) == 0, "what runs is left alone"


async def _has_all(stage: Stage, subscription_id: str) -> bool:
    """Return whether a listener's row says that it has come to the end."""
    gateway: Gateway = stage.app.state.gateway
    stored = await gateway.subscriptions.get(subscription_id)
    return stored is not None and stored.position == await gateway.outbox.end()


async def test_an_order_whose_events_were_stuck_when_the_workflow_was_terminated_is_told_from_where_it_stopped(
    stage: Stage, listener: Listener
) -> None:
    listener.answer = lambda _event: FAILED
    subscription = await registered(stage, listener)
    order = await stage.done(mobile())
    await eventually(lambda: has_failed(stage, subscription["id"]))

    await terminated(stage, subscription)
    listener.answer = lambda _event: TAKEN
    assert await swept(stage) == 1
    events = await ended(listener, order["id"])

    assert states(order["id"], once(events)) == ["acknowledged", "inProgress", "completed"]


async def test_a_paused_listener_whose_workflow_was_terminated_stays_paused_until_it_is_resumed(
    stage: Stage, listener: Listener
) -> None:
    subscription = await registered(stage, listener)
    assert (await stage.gateway.post(f"{subscription['href']}/pause")).status_code == 200
    await terminated(stage, subscription)

    assert await swept(stage) == 1
    order = await stage.done(mobile())
    assert (await told(stage, subscription["id"]))["state"] == "paused"
    assert listener.attempts == []
    assert (await stage.gateway.post(f"{subscription['href']}/resume")).status_code == 200
    events = await ended(listener, order["id"])

    assert states(order["id"], events) == ["acknowledged", "inProgress", "completed"]


async def test_a_listener_that_is_resumed_while_the_engine_is_away_goes_on_by_the_sweep(
    stage: Stage, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = await registered(stage, listener)
    assert (await stage.gateway.post(f"{subscription['href']}/pause")).status_code == 200
    order = await stage.done(mobile())
    gateway: Gateway = stage.app.state.gateway

    async def away(*_: Any) -> bool:
        raise EngineUnavailableError("the engine gave no answer within 2 s")

    with monkeypatch.context() as patched:
        patched.setattr(gateway.engine, "signal", away)
        answer = await stage.gateway.post(f"{subscription['href']}/resume")
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    assert (await told(stage, subscription["id"]))["state"] == "paused"

    assert await gateway.listener_starter.sweep() == 1
    events = await ended(listener, order["id"])
    assert states(order["id"], events) == ["acknowledged", "inProgress", "completed"]
    assert (await told(stage, subscription["id"]))["state"] == "active"


async def test_a_listener_misses_nothing_of_what_comes_after_the_order_store_was_restored(
    stage: Stage, listener: Listener
) -> None:
    """An older store gives positions anew that its listener has been told of before."""
    gateway: Gateway = stage.app.state.gateway
    subscription = await registered(stage, listener)
    at_backup = await gateway.outbox.end()
    before = await stage.done(mobile())
    await ended(listener, before["id"])
    await eventually(lambda: _has_all(stage, subscription["id"]))

    def restored(connection: Connection) -> None:
        connection.execute(delete(events).where(events.c.position > at_backup))
        this = subscriptions.c.id == subscription["id"]
        connection.execute(update(subscriptions).where(this).values(position=at_backup))

    await stage.gateway.post(f"{subscription['href']}/pause")
    await gateway.outbox._database.write(restored)
    await stage.gateway.post(f"{subscription['href']}/resume")
    after = await stage.done({"productOrderItem": [{"id": "1", "action": "add"}]})
    told_of = await ended(listener, after["id"])
    assert states(after["id"], once(told_of)) == ["acknowledged", "rejected"]
