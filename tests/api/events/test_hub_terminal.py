"""The terminal's commands about listeners, against the gateway that answers them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

import cli
from api.engine import EngineUnavailableError
from console.commands import hub
from console.errors import CommandError
from console.gateway import RefusedError
from orders.events.hubs import HUBS
from tests.api.conftest import BASE_URL, Bench
from workflows.contracts.ids import subscription_workflow
from workflows.contracts.subscriptions import Replay

pytestmark = pytest.mark.anyio

CALLBACK = "http://93.184.216.34/hook"


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(printed: io.StringIO, connect: Callable[..., None]) -> Console:
    """A terminal whose commands talk to the bench's gateway."""
    connect(hub)
    return Console(file=printed, width=200, markup=False, emoji=False, highlight=False)


async def added(bench: Bench, api: str = "productOrdering/v4", **more: Any) -> str:
    answer = await bench.client.post(hub.APIS[api], json={"callback": CALLBACK, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("api", hub.APIS)
async def test_a_listener_is_registered_at_the_hub_of_each_api_and_its_secret_shown_once(
    bench: Bench, console: Console, printed: io.StringIO, api: str
) -> None:
    await hub.add(BASE_URL, api, {"callback": CALLBACK, "query": "fields=state"}, console, False)
    (made,) = (await bench.client.get(hub.APIS[api])).json()
    kept = await bench.gateway.subscriptions.get(made["id"])
    assert kept is not None
    assert kept.secret in printed.getvalue().splitlines()

    printed.truncate(0)
    await hub.show_listener(BASE_URL, made["id"], console, False)
    for word in (api, CALLBACK, "fields=state", "active", subscription_workflow(made["id"])):
        assert word in printed.getvalue()
    assert kept.secret not in printed.getvalue()


async def test_listeners_of_all_apis_are_listed_with_how_their_delivery_goes(
    bench: Bench, console: Console, printed: io.StringIO
) -> None:
    await hub.list_listeners(BASE_URL, console, False)
    assert printed.getvalue() == "no listeners\n"
    known = {await added(bench, api): api for api in hub.APIS}
    worst = next(iter(known))
    await bench.gateway.subscriptions.record(worst, backlog=41, given_up=7, error="503 Service Unavailable")

    await hub.list_listeners(BASE_URL, console, False)
    rows = {row.split()[0]: row for row in printed.getvalue().splitlines()}
    for listener_id, api in known.items():
        assert api in rows[listener_id]
    for word in ("41", "7", "503 Service Unavailable"):
        assert word in rows[worst]

    printed.truncate(0)
    printed.seek(0)
    await hub.list_listeners(BASE_URL, console, True)
    assert {each["id"]: each["api"] for each in json.loads(printed.getvalue())} == known


async def test_a_listener_is_paused_resumed_replayed_and_taken_off_wherever_it_is_registered(
    bench: Bench, console: Console, printed: io.StringIO
) -> None:
    listener_id = await added(bench, "serviceOrdering/v4")
    await hub.pause(BASE_URL, listener_id, console, False)
    await hub.replay(BASE_URL, listener_id, "2026-11-25T00:00:00Z", console, False)
    await hub.resume(BASE_URL, listener_id, False, console, False)
    await hub.remove(BASE_URL, listener_id, console)

    assert printed.getvalue().splitlines() == [
        f"listener {listener_id} is paused",
        f"listener {listener_id} is told everything again from 2026-11-25T00:00:00Z on, "
        "once it is resumed: it is paused",
        f"listener {listener_id} is active",
        f"listener {listener_id} is taken off",
    ]
    assert bench.engine.signals == [(subscription_workflow(listener_id), word) for word in ("pause", "resume", "stop")]
    ((_, _, replayed),) = bench.engine.asked
    assert isinstance(replayed, Replay)
    assert replayed.at.isoformat() == "2026-11-25T00:00:00+00:00"


async def test_what_the_gateway_refuses_is_said_with_its_reason(bench: Bench, console: Console) -> None:
    with pytest.raises(RefusedError, match=r"400.*callback"):
        await hub.add(BASE_URL, "productOrdering/v4", {"callback": "http://10.0.0.1"}, console, False)
    listener_id = await added(bench)
    with pytest.raises(RefusedError, match=r"400.*from"):
        await hub.replay(BASE_URL, listener_id, "yesterday", console, False)

    def away(_name: str, _argument: Any) -> None:
        raise EngineUnavailableError("Temporal gave no answer within 2 s")

    bench.engine.answer = away
    with pytest.raises(RefusedError, match="503"):
        await hub.replay(BASE_URL, listener_id, "2026-11-25T00:00:00Z", console, False)


async def test_a_listener_that_is_not_there_is_named_with_where_to_look(console: Console, printed: io.StringIO) -> None:
    for asked in (
        hub.show_listener(BASE_URL, "none", console, False),
        hub.pause(BASE_URL, "none", console, False),
        hub.replay(BASE_URL, "none", "2026-11-25T00:00:00Z", console, False),
        hub.remove(BASE_URL, "none", console),
    ):
        with pytest.raises(CommandError, match="there is no listener none; `ordersaga hub list` shows"):
            await asked
    assert printed.getvalue() == ""


async def test_any_answer_can_be_had_as_json(bench: Bench, console: Console, printed: io.StringIO) -> None:
    listener_id = await added(bench)
    for asked in (
        hub.show_listener(BASE_URL, listener_id, console, True),
        hub.pause(BASE_URL, listener_id, console, True),
        hub.replay(BASE_URL, listener_id, "2026-11-25T00:00:00Z", console, True),
    ):
        printed.truncate(0)
        printed.seek(0)
        await asked
        assert json.loads(printed.getvalue())["id"] == listener_id


def test_the_help_of_add_names_every_api_that_has_a_hub() -> None:
    shown = CliRunner().invoke(cli.app, ["hub", "add", "--help"], env={"COLUMNS": "200"})
    words = shown.output.replace("│", " ").split()
    assert {word.strip(",.:") for word in words} >= hub.APIS.keys()
    assert len(hub.APIS) == len(HUBS)
