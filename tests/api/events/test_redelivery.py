"""One event is told a listener again, or it is said why not."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from api.engine import MessageRefusedError
from console.commands import hub
from console.gateway import RefusedError
from tests.api.conftest import BASE_URL, MINIMAL, Bench
from tests.api.events.test_hub import CALLBACK, registered
from workflows.contracts.ids import subscription_workflow
from workflows.contracts.subscriptions import Redeliver

pytestmark = pytest.mark.anyio


async def told_of(bench: Bench, **more: Any) -> tuple[dict[str, Any], str]:
    """Return a listener, and the id of an event of a product order."""
    made = await registered(bench, **more)
    await bench.post(MINIMAL)
    return made, (await bench.gateway.outbox.read(0, 1))[0].event.id


async def test_a_listener_is_told_one_event_again(bench: Bench) -> None:
    made, event_id = await told_of(bench)
    answer = await bench.client.post(f"{made['href']}/redeliver", json={"eventId": event_id})

    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    ((workflow_id, name, command),) = bench.engine.asked
    assert (workflow_id, name) == (subscription_workflow(made["id"]), "redeliver")
    assert isinstance(command, Redeliver)
    assert command.event_id == event_id


async def refusal(bench: Bench, made: dict[str, Any], event_id: Any) -> tuple[int, str]:
    answer = await bench.client.post(f"{made['href']}/redeliver", json={"eventId": event_id})
    assert bench.engine.asked == []
    return answer.status_code, answer.json()["message"]


async def test_an_event_that_is_not_there_any_more_is_not_found(bench: Bench) -> None:
    made, event_id = await told_of(bench)
    await bench.post(MINIMAL)
    await bench.gateway.outbox.prune(datetime.now(UTC) + timedelta(days=1))

    assert await refusal(bench, made, event_id) == (
        404,
        f"there is no event '{event_id}', or it is not kept any more",
    )
    assert (await refusal(bench, made, ""))[0] == 400


async def test_an_event_that_the_listener_never_asked_for_is_refused(bench: Bench) -> None:
    made, event_id = await told_of(bench, query="eventType=ProductOrderStateChangeEvent")
    status, message = await refusal(bench, made, event_id)
    assert status == 409
    assert "ProductOrderCreateEvent" in message
    assert "eventType=ProductOrderStateChangeEvent" in message

    other = await bench.client.post("/tmf-api/serviceOrdering/v4/hub", json={"callback": CALLBACK})
    status, message = await refusal(bench, other.json(), event_id)
    assert status == 409
    assert "none that listener" in message


async def test_a_listener_that_is_paused_is_told_nothing(bench: Bench) -> None:
    made, event_id = await told_of(bench)
    await bench.client.post(f"{made['href']}/pause")
    assert await refusal(bench, made, event_id) == (409, f"listener {made['id']} is paused: resume it first")


async def test_in_the_terminal_it_is_said_what_the_listener_answered(
    bench: Bench, connect: Callable[..., None]
) -> None:
    connect(hub)
    made, event_id = await told_of(bench)
    printed = io.StringIO()
    console = Console(file=printed, width=200, markup=False, emoji=False, highlight=False)
    await hub.redeliver(BASE_URL, made["id"], event_id, console, False)
    assert printed.getvalue() == f"listener {made['id']} has taken event {event_id} again\n"

    def refuse(_name: str, _argument: Any) -> None:
        raise MessageRefusedError("the listener did not take it: 500", [], [])

    bench.engine.answer = refuse
    with pytest.raises(RefusedError, match=r"409.*did not take it: 500"):
        await hub.redeliver(BASE_URL, made["id"], event_id, console, False)
