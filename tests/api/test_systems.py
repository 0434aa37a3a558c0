"""Systems that are away or paused: seen by whoever asks, paused and resumed by operators."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from console.commands import order as order_commands
from console.commands import status as status_command
from console.commands import system as system_commands
from console.gateway import RefusedError
from orders.lifecycle.states import OrderState
from tests.api.conftest import BASE_URL, NOW, Bench

pytestmark = pytest.mark.anyio

SYSTEM = "/systems/v1/system"


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200, markup=False, emoji=False, highlight=False)


@pytest.fixture
def printed(console: Console, connect: Callable[..., None]) -> Callable[[], str]:
    """What was printed so far; the commands talk to the bench's gateway."""
    connect(order_commands, status_command, system_commands)

    def text() -> str:
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return text


async def listed(bench: Bench) -> dict[str, dict[str, Any]]:
    answer = await bench.client.get(SYSTEM)
    assert answer.status_code == 200
    return {each["name"]: each for each in answer.json()}


async def test_systems_are_up_unless_it_is_known_that_they_are_not(bench: Bench) -> None:
    names = ("inventory", "activation", "billing")
    assert await listed(bench) == {name: {"name": name, "state": "up"} for name in names}
    await bench.gateway.systems.away("billing", "billing gave no answer", NOW + timedelta(seconds=5))
    away = (await listed(bench))["billing"]
    assert (away["state"], away["error"], set(away)) == (
        "away",
        "billing gave no answer",
        {"name", "state", "since", "error", "nextTry"},
    )
    assert (await bench.client.get(f"{SYSTEM}/billing")).json() == away


async def test_a_system_is_paused_with_reason_and_end_and_resumed(bench: Bench) -> None:
    wish = {"reason": "a new release", "until": "2999-01-01T00:00:00.000Z", "author": "ada"}
    paused = (await bench.client.post(f"{SYSTEM}/billing/pause", json=wish)).json()
    assert paused == {"name": "billing", "state": "paused", "since": paused["since"], **wish}
    assert (await bench.client.get(f"{SYSTEM}/billing")).json() == paused
    assert (await bench.client.post(f"{SYSTEM}/billing/pause")).json()["author"] == "anonymous"
    assert (await bench.client.post(f"{SYSTEM}/billing/resume")).json() == {"name": "billing", "state": "up"}
    assert (await listed(bench))["billing"]["state"] == "up"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("billing/pause", {"until": "2020-01-01T00:00:00Z"}, 400, "until: must be in the future"),
        ("billing/pause", {"until": "soon"}, 400, "until"),
        ("billing/pause", {"untill": "2999-01-01T00:00:00Z"}, 400, "untill"),
        ("billing/pause", [], 400, ""),
        ("crm/pause", {}, 404, "there is no system 'crm'; there are inventory, activation, billing"),
        ("crm/resume", {}, 404, "there is no system 'crm'"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    bench: Bench, path: str, body: Any, status: int, said: str
) -> None:
    answer = await bench.client.post(f"{SYSTEM}/{path}", json=body)
    assert answer.status_code == status
    assert said in answer.json()["message"]
    assert await bench.gateway.systems.all() == {}


async def test_one_system_that_is_away_is_one_alarm(bench: Bench) -> None:
    await bench.gateway.systems.away("activation", "activation gave no answer", NOW)
    await bench.gateway.systems.pause("billing", None, "a new release", "ada")
    found = (await bench.client.get("/fallout/v1/stuck")).json()
    assert {(each["kind"], each["id"], each["error"]) for each in found} == {
        ("system", "activation", "activation gave no answer"),
        ("system", "billing", "billing is paused: a new release"),
    }
    assert "ordersaga system resume billing" in next(each["advice"] for each in found if each["id"] == "billing")
    await bench.gateway.stuck.look()
    health = (await bench.client.get("/health/ready")).json()
    assert health["status"] == "degraded"
    assert "2 systems are away or paused" in health["parts"]["progress"]["message"]


async def test_the_terminal_pauses_lists_and_resumes(
    bench: Bench, console: Console, printed: Callable[[], str]
) -> None:
    wish = {"reason": "a new release", "until": "2999-01-01T00:00:00Z"}
    await system_commands.pause_or_resume(BASE_URL, "billing", "pause", wish, console, False)
    assert "billing is paused since" in printed()
    assert "until 2999-01-01 00:00:00: a new release" in printed()
    await system_commands.list_systems(BASE_URL, console, False)
    assert "anonymous" in printed()
    with pytest.raises(RefusedError, match="there is no system 'crm'"):
        await system_commands.pause_or_resume(BASE_URL, "crm", "pause", {}, console, False)
    await system_commands.pause_or_resume(BASE_URL, "billing", "resume", {}, console, True)
    assert json.loads(printed()[printed().index("{") :]) == {"name": "billing", "state": "up"}


@pytest.mark.parametrize(("state", "waits"), [(OrderState.IN_PROGRESS, True), (OrderState.COMPLETED, False)])
async def test_an_order_that_runs_says_which_systems_do_not(
    bench: Bench, console: Console, printed: Callable[[], str], state: OrderState, waits: bool
) -> None:
    order_id = await bench.ordered(state=state)
    await bench.gateway.systems.pause("billing", None, "a new release", None)
    await order_commands.show_order(BASE_URL, order_id, console, False)
    assert ("a new release: what the order has to do there waits" in printed()) == waits
