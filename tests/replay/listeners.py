"""The ways a listener can go whose histories are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.listener import FAILED, GONE, TAKEN, Listener, listening
from tests.stage import Stage, eventually
from tmf.instants import timestamp
from workflows.contracts import ids

_HUB = "/tmf-api/productOrderingManagement/v4/hub"
_EMPTY = {"productOrderItem": [{"id": "1", "action": "add"}]}
"""An order that is rejected, and so has few events."""


async def told(stage: Stage) -> str:
    """Told, failing, paused, gone, told again, gone on in a new run, and taken off in the end."""
    begun = datetime.now(UTC)
    async with listening() as listener:
        href, workflow_id = await _registered(stage, listener)
        hub = stage.client.get_workflow_handle(workflow_id)
        first = await _delivered(stage, listener)

        listener.answer = lambda event: TAKEN if event["correlationId"] == first else FAILED
        stuck = await stage.submit(_EMPTY)
        await _tried(listener, stuck, 3)
        listener.answer = lambda event: FAILED if event["correlationId"] == stuck else TAKEN
        await _delivered(stage, listener)
        listener.answer = lambda _event: TAKEN
        await _got(listener, stuck)

        for word in ("pause", "resume"):
            assert (await stage.gateway.post(f"{href}/{word}")).status_code == 200
        await _delivered(stage, listener)
        await hub.execute_update("pause")
        while_paused = await stage.submit(_EMPTY)
        await stage.ended(while_paused)
        await hub.execute_update("resume")
        await _got(listener, while_paused)

        listener.answer = lambda _event: GONE
        gone = await stage.submit(_EMPTY)
        await eventually(partial(_says, stage, workflow_id, state="paused"))
        listener.answer = lambda _event: TAKEN
        assert (await stage.gateway.post(f"{href}/resume")).status_code == 200
        await _got(listener, gone)

        listener.received.clear()
        answer = await stage.gateway.post(f"{href}/replay", json={"from": timestamp(begun)})
        assert answer.status_code == 200, answer.text
        await _got(listener, first)
        await _gone_on(stage, listener, workflow_id)
        await _taken_off(stage, href, workflow_id)
    return workflow_id


async def given_up(stage: Stage) -> str:
    """Not taken for so long that an event is given up, and cancelled in the end."""
    stage.delivery.give_up_after = timedelta(milliseconds=500)
    async with listening() as listener:
        listener.answer = lambda event: FAILED if event["eventType"] == "ProductOrderCreateEvent" else TAKEN
        _, workflow_id = await _registered(stage, listener)
        await _delivered(stage, listener)
        handle = stage.client.get_workflow_handle(workflow_id)
        await eventually(partial(_says, stage, workflow_id, givenUp=1))
        await handle.cancel()
        await _closed(stage, workflow_id)
    return workflow_id


async def _registered(stage: Stage, listener: Listener) -> tuple[str, str]:
    """Return the address of a new listener, and its workflow."""
    answer = await stage.gateway.post(_HUB, json={"callback": listener.callback})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made["href"], ids.subscription_workflow(made["id"])


async def _delivered(stage: Stage, listener: Listener) -> str:
    """Return an order of which the listener was told to its end."""
    order_id = await stage.submit(_EMPTY)
    await _got(listener, order_id)
    return order_id


async def _got(listener: Listener, order_id: str) -> None:
    """Wait until a listener was told of an order to its end."""
    last = f"ProductOrder {order_id}: rejected"
    await listener.got(lambda events: any(each["title"] == last for each in events))


async def _says(stage: Stage, workflow_id: str, **wanted: Any) -> bool:
    """Return whether a listener's workflow says these things of itself."""
    view: dict[str, Any] = await stage.client.get_workflow_handle(workflow_id).query("subscription")
    return wanted.items() <= view.items()


async def _tried(listener: Listener, order_id: str, times: int) -> None:
    async def often() -> bool:
        return len([each for each in listener.attempts if each.event["correlationId"] == order_id]) >= times

    await eventually(often)


async def _gone_on(stage: Stage, listener: Listener, workflow_id: str) -> None:
    """Have a listener told until its workflow has gone on in a new run, and be told by that one."""
    first = (await stage.client.get_workflow_handle(workflow_id).describe()).run_id
    while (await stage.client.get_workflow_handle(workflow_id).describe()).run_id == first:
        await _delivered(stage, listener)
    await _delivered(stage, listener)


async def _taken_off(stage: Stage, href: str, workflow_id: str) -> None:
    assert (await stage.gateway.delete(href)).status_code == 204
    await _closed(stage, workflow_id)


async def _closed(stage: Stage, workflow_id: str) -> None:
    async def closed() -> bool:
        return (await stage.client.get_workflow_handle(workflow_id).describe()).close_time is not None

    await eventually(closed)


LISTENERS: dict[str, Callable[[Stage], Awaitable[str]]] = {
    "listener-told": told,
    "listener-given-up": given_up,
}
"""Name → how to bring a listener to its end; each returns the id of its workflow."""
