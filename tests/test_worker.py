"""What the worker makes of its settings."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack

import httpx2
import pytest

from activities.limits import Refusal
from application.gates import SystemGate
from application.http import DownstreamSystem
from application.listeners import Listeners
from application.networks import listener_client
from catalogs.loader import default_catalogs, load_catalogs
from settings import SYSTEMS, Settings
from store.sql.database import open_database
from store.systems import SystemStates
from tests.over_httpx import HttpxConnection
from worker import QUEUES, activities_by_queue, local_calls, queue_limits
from workflows.contracts import policies


@pytest.mark.parametrize(
    ("written", "queues", "local"),
    [
        (None, QUEUES, {"inventory", "activation", "billing"}),
        ("", QUEUES, set()),
        ("billing, inventory", QUEUES, {"inventory", "billing"}),
        (None, ["workflows"], set()),
        ("billing", ["workflows", "inventory"], set()),
        (None, ["workflows", "inventory"], {"inventory"}),
    ],
)
def test_calls_are_local_to_the_systems_that_are_set_and_whose_queues_are_served(
    written: str | None, queues: Collection[str], local: set[str]
) -> None:
    settings = Settings(_env_file=None) if written is None else Settings(_env_file=None, local_calls=written)
    states = SystemStates(open_database("sqlite:///nowhere.db"))
    calls = local_calls(settings, queues, {name: SystemGate(name, states) for name in policies.SYSTEMS})
    assert set(calls) == set(policies.SYSTEMS) == set(SYSTEMS)
    assert {name for name, each in calls.items() if each.refusal() is None} == local


def test_calls_of_a_system_with_a_rate_go_through_its_queue_which_counts_those_of_all_workers() -> None:
    settings = Settings(_env_file=None, calls_per_second="billing=0.5, activation=20", calls_at_once="billing=2")
    states = SystemStates(open_database("sqlite:///nowhere.db"))
    calls = local_calls(settings, QUEUES, {name: SystemGate(name, states) for name in policies.SYSTEMS})
    assert {name: each.refusal() for name, each in calls.items()} == {
        "inventory": None,
        "activation": Refusal.RATE_LIMIT,
        "billing": Refusal.RATE_LIMIT,
    }
    assert queue_limits(settings, "billing") == {
        "max_task_queue_activities_per_second": 0.5,
        "max_concurrent_activities": 2,
    }
    assert queue_limits(settings, "activation") == {"max_task_queue_activities_per_second": 20}
    assert queue_limits(settings, "inventory") == {}
    assert queue_limits(settings, "workflows") == {}


def test_local_calls_obey_the_limit_of_calls_at_a_time() -> None:
    settings = Settings(_env_file=None, calls_at_once="billing=2")
    states = SystemStates(open_database("sqlite:///nowhere.db"))
    billing = local_calls(settings, QUEUES, {"billing": SystemGate("billing", states)})["billing"]
    with billing.call(local=True), billing.call(local=True):
        assert billing.refusal() == Refusal.BUSY
    assert billing.refusal() is None


@pytest.mark.anyio
async def test_the_workflows_worker_can_do_what_the_systems_workers_can(store_url: str) -> None:
    async with AsyncExitStack() as stack:
        database = open_database(store_url)
        stack.push_async_callback(database.close)
        client = await stack.enter_async_context(httpx2.AsyncClient())
        listeners = Listeners(await stack.enter_async_context(listener_client([])), "http://gateway")
        systems = {name: DownstreamSystem(name, HttpxConnection(client)) for name in policies.SYSTEMS}
        activities = activities_by_queue(database, load_catalogs(default_catalogs()), systems, listeners)
    for system in policies.SYSTEMS:
        assert set(activities[system]) < set(activities["workflows"])
