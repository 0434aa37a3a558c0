"""The embedded stack: Temporal, the reference systems, the worker and the gateway, as children of one process."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from embedded.errors import StackError
from embedded.layout import TEMPORAL, Layout
from embedded.parts import needed_ports, parts, temporal_client
from embedded.supervisor import Supervisor
from embedded.temporal_server import unreachable
from workflows.contracts import search_attributes

T = TypeVar("T")


@asynccontextmanager
async def running(layout: Layout, tell: Callable[[str], None]) -> AsyncIterator[Supervisor]:
    """Run the stack of `layout` for the length of a `with` block; every process of it is gone afterwards.

    `tell` is given a line for each thing that a person should know, such as the restart of a part.

    Raises:
        PortTakenError: when another process listens where a part is to.
        PartFailedError: when a part does not come up.
        StackError: when another stack uses the same state directory, or the named Temporal cannot be reached.
    """
    layout.logs.mkdir(parents=True, exist_ok=True)
    with _only_one(layout.state_dir):
        layout.ports.require_free(needed_ports(layout))
        if TEMPORAL not in layout.parts:
            await _prepare_named_temporal(layout)
        supervisor = Supervisor(layout.logs, tell, changed=lambda pids: _write_pids(layout.state_dir, pids))
        try:
            await supervisor.start(parts(layout))
            yield supervisor
        finally:
            await supervisor.stop()
            _pid_file(layout.state_dir).unlink(missing_ok=True)


@asynccontextmanager
async def stop_signals() -> AsyncIterator[asyncio.Event]:
    """Give an event that Ctrl-C, SIGTERM and a closed terminal set, in place of what they do otherwise."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has it ignored
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def until(stopped: asyncio.Event, work: Awaitable[T]) -> T | None:
    """Return what `work` comes to, or None when `stopped` is set before: the work is then cancelled."""
    task = asyncio.ensure_future(work)
    waiter = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        waiter.cancel()
        task.cancel()
        await asyncio.gather(task, waiter, return_exceptions=True)


async def _prepare_named_temporal(layout: Layout) -> None:
    try:
        client = await temporal_client(layout)
    except RuntimeError as error:
        raise StackError(unreachable(layout.temporal_address, error)) from error
    await search_attributes.register(client)


@contextmanager
def _only_one(state_dir: Path) -> Iterator[None]:
    with (state_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"another stack uses {state_dir}; stop it, or choose another place with --state-dir "
                "or ORDERSAGA_STATE_DIR"
            ) from None
        yield


def _pid_file(state_dir: Path) -> Path:
    return state_dir / "pids.json"


def _write_pids(state_dir: Path, pids: dict[str, int]) -> None:
    partial = state_dir / "pids.json.new"
    partial.write_text(json.dumps({"ordersaga": os.getpid(), **pids}, indent=2) + "\n")
    partial.replace(_pid_file(state_dir))
