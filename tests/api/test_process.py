"""The gateway as a process of its own, with neither engine nor downstream systems around it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tests.api.conftest import MINIMAL, PRODUCT_ORDERS
from tests.stage import PATIENCE

pytestmark = pytest.mark.anyio


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def started(folder: Path, **settings: str) -> AsyncIterator[Process]:
    environment = {
        **os.environ,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{_free_port()}",
        "ORDERSAGA_STORE_URL": f"sqlite:///{folder}/store.db",
        "ORDERSAGA_LOG_FORMAT": "json",
        "ORDERSAGA_INVENTORY_URL": f"http://127.0.0.1:{_free_port()}",
        "ORDERSAGA_ACTIVATION_URL": f"http://127.0.0.1:{_free_port()}",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", env=environment, stderr=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_orders_are_taken_with_nothing_else_up_and_it_ends_in_order(tmp_path: Path) -> None:
    port = str(_free_port())
    async with started(tmp_path, ORDERSAGA_PORT=port) as process:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while b"Uvicorn running" not in await process.stderr.readline():
                assert process.returncode is None
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE) as client:
            async with asyncio.timeout(PATIENCE):
                while (health := await client.get("/health/ready")).status_code != 200:
                    pass
            assert health.json()["status"] == "degraded"
            assert health.json()["parts"]["store"]["status"] == "up"
            order = await client.post(PRODUCT_ORDERS, json=MINIMAL)
            assert order.status_code == 201
            assert (await client.get(order.headers["Location"])).json() == order.json()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            _, log = await process.communicate()
        assert process.returncode == 0
    accepted = [event for event in map(json.loads, log.splitlines()) if event["event"] == "order accepted"]
    assert [event["order"] for event in accepted] == [order.json()["id"]]


async def test_broken_catalogs_stop_it_with_every_fault(tmp_path: Path) -> None:
    folder = tmp_path / "catalogs" / "broken"
    folder.mkdir(parents=True)
    (folder / "catalog.yaml").write_text("catalog: {id: broken}\nproductOffering: [{name: no id}]\n")
    async with started(tmp_path, ORDERSAGA_CATALOGS=str(folder.parent)) as process, asyncio.timeout(PATIENCE):
        _, log = await process.communicate()
        assert process.returncode == 1
    assert "the gateway cannot start: " in log.decode()
    assert re.search(r"catalog\.yaml:\d+", log.decode())


async def test_settings_that_make_no_sense_stop_it_with_a_sentence_for_each(tmp_path: Path) -> None:
    wrong = {
        "ORDERSAGA_STORE_URL": "mysql://x/y",
        "ORDERSAGA_PORT": "many",
        "ORDERSAGA_LOG_FORMAT": "xml",
    }
    async with started(tmp_path, **wrong) as process, asyncio.timeout(PATIENCE):
        _, log = await process.communicate()
        assert process.returncode == 1
    told = log.decode()
    assert (
        'the gateway cannot start: the setting ORDERSAGA_STORE_URL is "mysql://x/y": '
        "it must be sqlite:///path or postgresql://"
    ) in told
    assert 'the setting ORDERSAGA_PORT is "many": it must be a whole number' in told
    assert 'the setting ORDERSAGA_LOG_FORMAT is "xml": it must be "console" or "json"' in told
    assert "Traceback" not in told


async def test_a_taken_port_stops_it_with_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        async with started(tmp_path, ORDERSAGA_PORT=port) as process, asyncio.timeout(PATIENCE):
            _, log = await process.communicate()
            assert process.returncode == 1
    assert "address already in use" in log.decode()
    assert port in log.decode()
