"""What the worker makes of its settings."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack

import httpx2
import pytest

from application.gates import SystemGate
from application.http import DownstreamSystem
from application.listeners import Listeners
from application.networks import listener_client
from catalogs.loader import default_catalogs, load_catalogs
from settings import SYSTEMS, Settings
from store.sql.database import open_database
from store.systems import SystemStates
from tests.over_httpx import HttpxConnection
from worker import QUEUES, activities_by_queue, local_calls
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
