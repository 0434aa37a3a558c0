"""The stack on its own files and ports: a real Temporal server under the supervisor, and all of it together."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from embedded.errors import StackError
from embedded.layout import PARTS, Layout, isolated_layout
from embedded.ports import PortTakenError
from embedded.stack import running, stop_signals, until
from embedded.temporal_server import serves
from tests.embedded.test_supervisor import eventually, is_running

pytestmark = pytest.mark.anyio


def silent(_line: str) -> None:
    """Nobody listens."""


@pytest.fixture
def only_temporal(tmp_path: Path) -> Layout:
    return replace(isolated_layout(tmp_path, {}), parts=frozenset({"temporal"}))


async def test_temporal_is_up_with_our_search_attributes_and_gone_afterwards(only_temporal: Layout) -> None:
    pid_file = only_temporal.state_dir / "pids.json"
    async with running(only_temporal, silent) as supervisor:
        pid = supervisor.pids["temporal"]
        assert await serves(only_temporal.temporal_address, "default")(pid)
        assert json.loads(await asyncio.to_thread(pid_file.read_text)) == {"ordersaga": os.getpid(), "temporal": pid}
    assert not is_running(pid)
    assert not await asyncio.to_thread(pid_file.exists)


async def test_a_second_stack_on_the_same_state_or_ports_is_refused_with_the_setting(
    only_temporal: Layout, tmp_path: Path
) -> None:
    async with running(only_temporal, silent):
        with pytest.raises(StackError, match=r"another stack uses .*--state-dir"):
            async with running(only_temporal, silent):
                pass
        with pytest.raises(PortTakenError, match=r"meant for Temporal.*--temporal-port"):
            async with running(replace(only_temporal, state_dir=tmp_path / "other"), silent):
                pass


async def test_a_named_temporal_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = isolated_layout(tmp_path, {}).temporal_address
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    with pytest.raises(StackError, match=f"Temporal at {address} cannot be reached"):
        async with running(isolated_layout(tmp_path), silent):
            pass


@pytest.mark.long
async def test_the_whole_stack_comes_up_heals_a_killed_worker_and_leaves_no_process(tmp_path: Path) -> None:
    told: list[str] = []
    layout = isolated_layout(tmp_path, {})
    async with running(layout, told.append) as supervisor:
        pids = supervisor.pids
        assert set(pids) == set(PARTS)
        async with httpx2.AsyncClient() as client:
            health = (await client.get(f"{layout.gateway_url}/health/ready")).json()
        assert health["status"] == "up", health
        os.kill(pids["worker"], signal.SIGKILL)
        await eventually(lambda: any("worker is up again" in line for line in told), within=60)
        pids |= {"worker again": supervisor.pids["worker"]}
        assert pids["worker again"] != pids["worker"]
    assert [name for name, pid in pids.items() if is_running(pid)] == []


async def test_work_is_cut_short_by_a_stop_signal_and_cleans_up() -> None:
    cleaned = False

    async def work() -> str:
        nonlocal cleaned
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            cleaned = True
        return "done"

    async with stop_signals() as stopped:
        assert await until(stopped, work()) is None
    assert cleaned


async def test_work_that_ends_by_itself_gives_its_result_and_its_errors() -> None:
    async def work() -> str:
        return "done"

    async def fault() -> str:
        raise StackError("no")

    assert await until(asyncio.Event(), work()) == "done"
    with pytest.raises(StackError, match="no"):
        await until(asyncio.Event(), fault())
