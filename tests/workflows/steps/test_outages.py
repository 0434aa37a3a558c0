"""Outages are not failures: what a system does not say is waited out, what it says counts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from application import gates
from application.gates import CircuitLimits
from catalogs.loader import default_catalogs
from tests.stage import Stage, customer_of, eventually, example, histories_of, outage
from tests.staging import staged
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

SYSTEM = "/systems/v1/system"
SOON = timedelta(milliseconds=200)
HASTY = CircuitLimits(opens_after=4, first_probe=SOON, longest_probe=SOON, longest_wait=SOON, ramp=SOON)
POLICIES = {
    "mobile": "attempts: 2, backoff: 50ms, maxBackoff: 100ms, outageTimeout: 1d",
    "fibre": "attempts: 2, backoff: 50ms, maxBackoff: 100ms, outageTimeout: 1s",
}
"""Mobile plans have a day for outages, fibre has a second."""


@pytest.fixture(scope="module")
async def stage(engine: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("outages")
    for path in default_catalogs().glob("*/*.yaml"):
        copy = folder / "catalogs" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        hasty = f"\\1{POLICIES.get(path.parent.name, '')}"
        copy.write_text(re.sub(r"(policy: \{.*)attempts: \d+, backoff: 1s, maxBackoff: \w+", hasty, path.read_text()))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gates, "_LOOKS_EVERY", timedelta(milliseconds=50))
        async with staged(engine, folder, folder / "catalogs", HASTY) as stage:
            yield stage


@pytest.fixture(autouse=True)
async def healed(stage: Stage) -> None:
    """Begin without faults, and with systems that are there."""
    await stage.heal()
    for each in ("inventory", "activation", "billing"):
        assert (await stage.gateway.post(f"{SYSTEM}/{each}/resume", json={})).status_code == 200


def mobile() -> dict[str, Any]:
    document = example("mobile")
    customer_of(document)
    return document


def fibre() -> dict[str, Any]:
    document = example("mobile")
    item = document["productOrderItem"][0]
    document["productOrderItem"] = [
        {
            **{name: item[name] for name in ("id", "action")},
            "productOffering": {"id": "fibre-internet"},
            "product": {
                "place": [{"id": "BER-1", "role": "installation", "@referredType": "GeographicSite"}],
                "productCharacteristic": [{"name": "downloadSpeed", "value": 250}],
            },
        }
    ]
    customer_of(document)
    return document


async def stands(stage: Stage, system: str) -> str:
    return str((await stage.gateway.get(f"{SYSTEM}/{system}")).json()["state"])


async def stuck(stage: Stage) -> list[tuple[str, str]]:
    return [(each["kind"], each["id"]) for each in (await stage.gateway.get("/fallout/v1/stuck")).json()]


async def activations(stage: Stage, order_id: str) -> list[int]:
    """Return how often each activity that sets something up in the network was tried, by the histories."""
    started = []
    for history in await histories_of(stage, order_id):
        scheduled = {
            event.event_id
            for event in history.events
            if event.activity_task_scheduled_event_attributes.activity_type.name == "activate"
        }
        started += [
            event.activity_task_started_event_attributes.attempt
            for event in history.events
            if event.activity_task_started_event_attributes.scheduled_event_id in scheduled
        ]
    return started


async def test_a_system_that_is_away_for_longer_than_all_attempts_undoes_nothing(stage: Stage) -> None:
    with outage(stage.activation):
        orders = [await stage.submit(mobile()) for _ in range(3)]

        async def many_tries() -> bool:
            pending = [
                activity
                for order_id in orders
                for run in [run async for run in stage.client.list_workflows(f"WorkflowId STARTS_WITH 'po:{order_id}'")]
                for activity in (
                    await stage.client.get_workflow_handle(run.id).describe()
                ).raw_description.pending_activities
            ]
            return sum(activity.attempt > 6 for activity in pending) >= len(orders)

        await eventually(many_tries, lambda: "calls are not tried again and again")
        assert await stands(stage, "activation") == "away"
        assert await stuck(stage) == [("system", "activation")], "one alarm, not one for each order"
        assert {(await stage.order(order_id))["state"] for order_id in orders} == {"inProgress"}
    for order_id in orders:
        assert (await stage.ended(order_id))["state"] == "completed"
        assert not [line for line in await stage.log(stage.inventory, order_id) if line["operation"] == "release"]
        tries = await activations(stage, order_id)
        assert max(tries, default=0) > 6
        assert len(tries) <= 4, "an outage writes no event for each attempt"
    assert await stands(stage, "activation") == "up"
    assert await stuck(stage) == []


@pytest.mark.parametrize("silent", [0, 3])
async def test_what_a_system_says_counts_and_what_it_does_not_say_does_not(stage: Stage, silent: int) -> None:
    concerned = {"specification": "cfs-mobile"}
    if silent:
        await stage.fault(stage.activation, match=concerned, kind="transient", status=503, times=silent)
    await stage.fault(stage.activation, match=concerned, kind="transient", status=500)
    order_id = await stage.submit(mobile())
    refused: list[int] = []

    async def failed() -> bool:
        nonlocal refused
        log = await stage.log(stage.activation, order_id)
        refused = [line["status"] for line in log if line["outcome"] == "refused" and "/activate" in line["key"]]
        return (await stage.order(order_id))["state"] in ("failed", "held")

    await eventually(failed, lambda: str(refused))
    assert sorted(status for status in refused if status >= 500) == [*[500] * 2, *[503] * silent]
    order = await stage.ended(order_id)
    assert order["state"] == "failed"
    assert await stage.taken_resources(order_id) == []


async def test_after_the_time_for_outages_the_policy_decides(stage: Stage) -> None:
    with outage(stage.activation):
        order_id = await stage.submit(fibre())
        order = await stage.until(lambda order: "has said nothing for 0:00:0" in str(order), order_id)
        assert order["state"] not in ("completed", "failed"), "what was done is undone as soon as the system is back"
    assert (await stage.ended(order_id))["state"] == "failed"
    assert await stage.taken_resources(order_id) == []


async def test_calls_of_a_paused_system_wait_however_long_it_takes(stage: Stage) -> None:
    wish = {"reason": "a new release", "until": "2999-01-01T00:00:00Z", "author": "ada"}
    paused = await stage.gateway.post(f"{SYSTEM}/activation/pause", json=wish)
    assert paused.json()["state"] == "paused"
    order_id = await stage.submit(fibre())
    handle = stage.client.get_workflow_handle(ids.root_workflow(order_id))

    async def waits() -> bool:
        runs = [run async for run in stage.client.list_workflows(f"WorkflowId STARTS_WITH '{handle.id}'")]
        found = [await stage.client.get_workflow_handle(run.id).describe() for run in runs]
        pending = [each for run in found for each in run.raw_description.pending_activities]
        return any("paused until 2999" in each.last_failure.message and each.attempt > 4 for each in pending)

    await eventually(waits, lambda: "no call waits")
    assert await stuck(stage) == [("system", "activation")]
    assert (await stage.order(order_id))["state"] == "inProgress"
    resumed = await stage.gateway.post(f"{SYSTEM}/activation/resume", json={})
    assert resumed.json() == {"name": "activation", "state": "up"}
    assert (await stage.ended(order_id))["state"] == "completed"
