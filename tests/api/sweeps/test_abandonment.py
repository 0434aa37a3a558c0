"""Listeners for whom too much is kept are given up, said and alarmed, and the outbox does not wait for them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console
from structlog.testing import capture_logs

from api.sweeps.abandonment import Abandonment, KeptAtMost
from console.commands import hub
from tests.api.conftest import BASE_URL, MINIMAL, Bench
from tests.api.events.test_hub import CALLBACK, HUB, registered
from tests.api.sweeps.test_stuck import progress, stuck
from tmf.instants import timestamp
from workflows.contracts.ids import subscription_workflow
from workflows.contracts.subscriptions import Skip

pytestmark = pytest.mark.anyio

SERVICE_HUB = "/tmf-api/serviceOrdering/v4/hub"
WEEK = timedelta(days=7)


def abandonment(bench: Bench, **at_most: Any) -> Abandonment:
    gateway = bench.gateway
    return Abandonment(gateway.subscriptions, gateway.outbox, gateway.listener_starter, KeptAtMost(**at_most))


def ago(span: timedelta) -> str:
    return timestamp(datetime.now(UTC) - span)


async def shown(bench: Bench, made: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = (await bench.client.get(made["href"])).json()
    return document


async def paused(bench: Bench, **more: Any) -> dict[str, Any]:
    made = await registered(bench, **more)
    assert (await bench.client.post(f"{made['href']}/pause")).json()["state"] == "paused"
    return made


async def given_up(bench: Bench) -> dict[str, Any]:
    """Return a listener that was given up since too much waited for it while it was paused."""
    made = await paused(bench)
    for _ in range(3):
        await bench.post(MINIMAL)
    assert await abandonment(bench, events=2).sweep() == 1
    return made


async def test_a_paused_listener_is_given_up_when_events_have_waited_for_it_for_so_long(bench: Bench) -> None:
    made = await paused(bench)
    idle = await paused(bench, query="eventType=ProductOrderCreateEvent")
    await bench.gateway.subscriptions.record(idle["id"], position=1)
    await bench.post(MINIMAL)
    first = (await bench.gateway.outbox.read(0, 1))[0].event
    await bench.gateway.subscriptions.record(made["id"], state_since=ago(WEEK - timedelta(hours=1)))
    for span, number in ((WEEK, 0), (timedelta(0), 1)):
        assert await abandonment(bench, time=span).sweep() == number

    now = await shown(bench, made)
    assert now["state"] == "givenUp"
    assert now["stateReason"].endswith("while it was paused")
    assert now["stateSince"] > made["createdAt"]
    assert (now["missedEventId"], now["missedFrom"]) == (first.id, timestamp(first.at))
    assert (await shown(bench, idle))["state"] == "paused", "nothing waits for it"


@pytest.mark.parametrize(
    ("failing_for", "state"), [(WEEK, "givenUp"), (WEEK - timedelta(minutes=1), "active")], ids=["a week", "not yet"]
)
async def test_a_listener_that_has_taken_nothing_for_so_long_is_given_up(
    bench: Bench, failing_for: timedelta, state: str
) -> None:
    made = await registered(bench)
    await bench.post(MINIMAL)
    # No worker has tried for a month: that is not the listener's time.
    last = datetime.now(UTC) - timedelta(days=30)
    failing = {"failing_since": timestamp(last - failing_for), "failed_at": timestamp(last), "error": "POST: 503"}
    await bench.gateway.subscriptions.record(made["id"], **failing)

    await abandonment(bench, time=WEEK).sweep()
    now = await shown(bench, made)
    assert now["state"] == state
    assert now.get("stateReason", "503").endswith("503")


async def test_a_listener_for_which_too_many_events_wait_is_given_up_whatever_it_does(bench: Bench) -> None:
    active, asleep = await registered(bench), await paused(bench, query="eventType=ProductOrderCreateEvent")
    other = await bench.client.post(SERVICE_HUB, json={"callback": CALLBACK})
    for _ in range(3):
        await bench.post(MINIMAL)

    assert await abandonment(bench, events=3).sweep() == 0
    assert await abandonment(bench, events=2).sweep() == 2
    for each in (active, asleep):
        assert (await shown(bench, each))["stateReason"] == "more than 2 events wait for it"
    assert (await shown(bench, other.json()))["state"] == "active", "none of these are of its API"


async def test_the_outbox_stays_bounded_whoever_sleeps(bench: Bench) -> None:
    gateway = bench.gateway
    awake, made = await registered(bench, query="fields=state"), await paused(bench)
    for _ in range(5):
        await bench.post(MINIMAL)
    end = await gateway.outbox.end()
    await gateway.subscriptions.record(awake["id"], position=end)

    async def forgotten() -> int:
        needed = await gateway.subscriptions.needed_after()
        return await gateway.outbox.prune(datetime.now(UTC) + timedelta(days=1), needed)

    assert await forgotten() == 0, "they are kept for the one that is paused"
    assert await abandonment(bench, events=4).sweep() == 1
    assert await forgotten() == end - 1
    assert (await shown(bench, made))["state"] == "givenUp"


async def test_a_listener_that_was_given_up_is_an_alarm_until_it_is_resumed_or_taken_off(bench: Bench) -> None:
    with capture_logs() as logs:
        made = await given_up(bench)
    [logged] = [each for each in logs if each["event"].startswith("listener given up")]
    assert (logged["log_level"], logged["listener"]) == ("error", made["id"])

    [told] = await stuck(bench)
    assert (told["kind"], told["id"]) == ("givenUpListener", made["id"])
    assert told["error"] == "more than 2 events wait for it"
    assert f"ordersaga hub resume {made['id']}" in told["advice"]
    assert (await progress(bench))["message"].startswith("1 listener was given up; the first is givenUpListener ")

    assert (await bench.client.post(f"{made['href']}/pause")).json()["state"] == "givenUp"
    answer = (await bench.client.post(f"{made['href']}/resume")).json()
    assert answer["state"] == "active"
    assert not answer.keys() & {"stateReason", "missedFrom", "missedEventId"}
    assert await stuck(bench) == []
    assert (await progress(bench))["status"] == "up"

    again = await given_up_again(bench, made)
    assert (await bench.client.delete(again["href"])).status_code == 204
    assert await stuck(bench) == []


async def given_up_again(bench: Bench, made: dict[str, Any]) -> dict[str, Any]:
    assert await abandonment(bench, events=2).sweep() == 1
    return await shown(bench, made)


async def test_the_workflow_of_a_listener_that_is_given_up_is_told_to_pause_also_by_the_sweep(bench: Bench) -> None:
    made = await registered(bench)
    for _ in range(3):
        await bench.post(MINIMAL)
    bench.engine.away = True
    assert await abandonment(bench, events=2).sweep() == 1
    assert bench.engine.signals == []

    bench.engine.away = False
    assert await bench.gateway.listener_starter.sweep() == 1
    assert bench.engine.signals == [(subscription_workflow(made["id"]), "pause")]
    assert await bench.gateway.listener_starter.sweep() == 0


async def test_a_listener_is_resumed_with_all_that_is_kept_or_from_now_on(bench: Bench) -> None:
    made = await given_up(bench)
    end = await bench.gateway.outbox.end()
    wrong = await bench.client.post(f"{made['href']}/resume", json={"fromNow": "perhaps"})
    assert wrong.status_code == 400
    assert "fromNow" in wrong.text
    assert (await shown(bench, made))["state"] == "givenUp"

    answer = await bench.client.post(f"{made['href']}/resume", json={"fromNow": True})
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    ((workflow_id, name, command),) = bench.engine.asked
    assert (workflow_id, name) == (subscription_workflow(made["id"]), "skip")
    assert isinstance(command, Skip)
    assert command.to == end
    assert bench.engine.signals[-1] == (workflow_id, "resume")


async def test_where_what_waits_cannot_be_left_out_now_a_listener_stays_as_it_is(bench: Bench) -> None:
    made = await given_up(bench)
    bench.engine.away = True
    answer = await bench.client.post(f"{made['href']}/resume", json={"fromNow": True})
    assert answer.status_code == 503
    assert (await shown(bench, made))["state"] == "givenUp"


async def test_the_terminal_says_why_a_listener_was_given_up_and_resumes_it(
    bench: Bench, connect: Callable[..., None]
) -> None:
    connect(hub)
    printed = io.StringIO()
    console = Console(file=printed, width=200, markup=False, emoji=False, highlight=False)
    made = await given_up(bench)
    missed = (await shown(bench, made))["missedEventId"]

    await hub.show_listener(BASE_URL, made["id"], console, False)
    for word in ("given up since", "more than 2 events wait for it", missed):
        assert word in printed.getvalue()
    await hub.resume(BASE_URL, made["id"], True, console, False)
    assert f"listener {made['id']} is active, and told only what comes from now on" in printed.getvalue()
    assert [name for _, name, _ in bench.engine.asked] == ["skip"]


async def test_listeners_that_were_given_up_are_listed_by_their_state(bench: Bench) -> None:
    made = await given_up(bench)
    await registered(bench, query="fields=state")
    found = (await bench.client.get(HUB, params={"state": "givenUp"})).json()
    assert [each["id"] for each in found] == [made["id"]]
    assert found[0] == await shown(bench, made)
