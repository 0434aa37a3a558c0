"""Each system as a process of its own."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from systems.common.database import Database
from tests.systems.conftest import keyed, sqlite

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def started(name: str, folder: Path) -> AsyncIterator[tuple[Process, str]]:
    """The process and its base URL."""
    command = ["-m", f"systems.{name}", "--port", "0", "--database", sqlite(folder, name)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            while not (found := re.search(r"running on (http://\S+)", (await process.stderr.readline()).decode())):
                assert process.returncode is None
        yield process, found[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("name", ["inventory", "activation", "billing"])
async def test_a_system_starts_alone_and_ends_when_told_to(name: str, tmp_path: Path) -> None:
    async with started(name, tmp_path) as (process, url):
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
            assert (await client.get("/health")).json() == {"status": "up"}
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await process.wait()


async def test_an_answer_held_back_does_not_keep_the_process(tmp_path: Path) -> None:
    async with (
        started("billing", tmp_path) as (process, url),
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
    ):
        await client.post("/faults", json={"kind": "timeout", "seconds": 60})
        held = asyncio.create_task(client.delete("/billing/v1/charge/c", headers=keyed("k")))
        async with asyncio.timeout(60):
            while not (await client.get("/log")).json():
                pass
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert (await held).status_code == 504
            await process.wait()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "postgresql://me:secret@127.0.0.1:1/x",
            "the database postgresql://me:***@127.0.0.1:1/x cannot be reached: Connection refused",
        ),
        ("sqlite:////", "the database sqlite://// cannot be reached: unable to open database file"),
    ],
)
async def test_a_system_whose_database_is_not_there_says_so_and_ends(url: str, said: str) -> None:
    command = ["-m", "systems.billing", "--port", "0", "--database", url]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=PIPE)
    _, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (1, f"python -m systems.billing: {said}\n")


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="needs a SQLite file or PostgreSQL"):
        Database(url)


@pytest.mark.parametrize("url", ["foo", "", "mysql://a:b@c/d", "sqlite://", "postgresql://a:b@c:x/d"])
async def test_what_is_no_database_for_a_system_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"a database is sqlite:///path or|needs a SQLite file or PostgreSQL"):
        Database(url)
