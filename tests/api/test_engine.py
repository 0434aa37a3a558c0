"""The gateway's way to the engine, against a real Temporal server and against none."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from api.engine import SYSTEM_EVENT_SIGNAL, EngineRefusedError, EngineUnavailableError, TemporalEngine
from embedded.temporal_server import binary
from orders.tmf import ProductOrder
from workflows import search_attributes
from workflows.connection import DATA_CONVERTER, connect
from workflows.messages import SystemEvent

pytestmark = pytest.mark.anyio

EVENT = SystemEvent(correlation_id="po:x/1", succeeded=True)


def order(**more: Any) -> ProductOrder:
    item = {"id": "1", "action": "add", "productOffering": {"id": "o"}}
    return ProductOrder.model_validate({"id": "abcdefghij", "productOrderItem": [item], **more})


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Client]:
    """A server that does not know the search attributes yet."""
    environment = await WorkflowEnvironment.start_local(
        data_converter=DATA_CONVERTER, dev_server_existing_path=str(binary())
    )
    async with environment:
        yield environment.client


async def test_an_order_is_started_once_and_told_what_systems_say(server: Client) -> None:
    async def same_client() -> Client:
        return server

    engine = TemporalEngine(same_client, "no-worker", timeout=timedelta(seconds=20))
    await engine.check()
    assert await engine.missing_search_attributes() == sorted(search_attributes.TYPES)
    with pytest.raises(EngineRefusedError, match="no mapping defined for search attribute Order"):
        await engine.start(order())

    await search_attributes.register(server)
    assert await engine.missing_search_attributes() == []
    assert await engine.start(order())
    assert not await engine.start(order())

    assert await engine.signal("po:abcdefghij", SYSTEM_EVENT_SIGNAL, EVENT)
    assert not await engine.signal("po:unknown", SYSTEM_EVENT_SIGNAL, EVENT)
    await server.get_workflow_handle("po:abcdefghij").terminate()
    assert not await engine.signal("po:abcdefghij", SYSTEM_EVENT_SIGNAL, EVENT)
    assert not await engine.start(order()), "what has run never runs again"


async def test_an_engine_that_nobody_serves_is_unavailable_within_the_time_given() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    await _assert_unavailable(address)


async def test_an_engine_that_never_answers_is_unavailable_within_the_time_given() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        await _assert_unavailable(f"127.0.0.1:{silent.getsockname()[1]}")


async def _assert_unavailable(address: str) -> None:
    engine = TemporalEngine(
        partial(connect, lazy=True, target_host=address), "no-worker", timeout=timedelta(milliseconds=300)
    )
    for ask in (engine.check, engine.missing_search_attributes, partial(engine.start, order())):
        began = time.monotonic()
        with pytest.raises(EngineUnavailableError, match=address):
            await ask()
        assert time.monotonic() - began < 2
    with pytest.raises(EngineUnavailableError):
        await engine.signal("po:x", SYSTEM_EVENT_SIGNAL, EVENT)
