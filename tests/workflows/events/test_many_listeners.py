"""More listeners than a worker has places for are told all the same, without delay."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from activities import places
from tests.listener import listening
from tests.staging import staged
from tests.workflows.events.subscribers import SERVICE_HUB, ended, registered

pytestmark = pytest.mark.anyio

_PLACES = 2


async def test_listeners_beyond_the_places_of_a_worker_are_told_while_others_wait_for_events(
    engine: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "AT_ONCE", _PLACES)
    monkeypatch.setattr(places, "LEAST_WAIT", timedelta(seconds=0.5))
    async with staged(engine, tmp_path) as stage, AsyncExitStack() as stack:
        idle, *listeners = [await stack.enter_async_context(listening()) for _ in range(_PLACES + 2)]
        # Nothing happens at their hub, so that each keeps its place.
        made = [await registered(stage, idle, SERVICE_HUB, query=f"priority={each}") for each in range(2 * _PLACES)]
        made += [await registered(stage, each) for each in listeners]
        order = await stage.submit({"productOrderItem": [{"id": "1", "action": "add"}]})
        for each in listeners:
            await ended(each, order)
        for subscription in made:
            assert (await stage.gateway.delete(subscription["href"])).status_code == 204
