"""Who runs the same orders: the product, hand-written workflows, and a library without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from bench.contenders.floor import Way, Work
from bench.figures import FLOOR, FLOOR_LAYERS, FLOOR_LOCAL, OURS, PEER
from bench.stack.gateway import Gateway, example, new_customer
from bench.stack.processes import module_running
from bench.stack.stacks import Stack
from embedded.layout import GATEWAY, TEMPORAL, WORKER
from settings import SYSTEMS

_WAYS = {FLOOR: Way.REGULAR, FLOOR_LOCAL: Way.LOCAL, FLOOR_LAYERS: Way.LAYERS}
_QUEUE = "bench-floor"


class Contender(Protocol):
    """One who runs orders."""

    @property
    def pids(self) -> Mapping[str, int]:
        """The processes that take part, systems included."""
        ...

    async def order(self, script: str) -> str:
        """Run one order to its end; return its id."""
        ...

    async def check(self, order_id: str) -> None:
        """Look whether an order that is over did all that it should. Raises RuntimeError where it did not."""
        ...


@dataclass(frozen=True, slots=True)
class Ours:
    """The product: an order is posted to its gateway, and over when its workflow is."""

    stack: Stack
    pids: Mapping[str, int]

    async def order(self, script: str) -> str:
        gateway = Gateway(self.stack)
        order_id = await gateway.place(example(script, new_customer()))
        await gateway.over(order_id)
        return order_id

    async def check(self, order_id: str) -> None:
        await Gateway(self.stack).succeeded(order_id)


@dataclass(frozen=True, slots=True)
class Floor:
    """Hand-written workflows on the same Temporal server."""

    stack: Stack
    way: Way
    pids: Mapping[str, int]

    async def order(self, script: str) -> str:
        order_id = _new_order()
        work = Work(script, self.way, known={"order": order_id, "customer": new_customer()})
        await self.stack.temporal.execute_workflow("FloorOrder", work, id=f"floor:{order_id}", task_queue=_QUEUE)
        return order_id

    async def check(self, order_id: str) -> None:
        """Nothing to look at: its workflow did not fail."""


class Peer:
    """The library, in a process that is written orders to and tells which are over."""

    def __init__(self, process: asyncio.subprocess.Process, pids: Mapping[str, int]) -> None:
        self.pids = pids
        self._process = process
        self._waiting: dict[str, asyncio.Future[str]] = {}

    async def order(self, script: str) -> str:
        order_id = _new_order()
        self._waiting[order_id] = over = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        line = json.dumps({"order": order_id, "customer": new_customer(), "script": script})
        self._process.stdin.write(f"{line}\n".encode())
        if error := await over:
            raise RuntimeError(f"peer: order {order_id}: {error}")
        return order_id

    async def check(self, order_id: str) -> None:
        """Nothing to look at: it told that it is over."""

    async def listen(self) -> None:
        """Hear which orders are over, for ever."""
        assert self._process.stdout is not None
        while line := (await self._process.stdout.readline()).decode().strip():
            order_id, _, error = line.partition(" ")
            self._waiting.pop(order_id).set_result(error)


@asynccontextmanager
async def contenders(stack: Stack, names: Sequence[str]) -> AsyncIterator[dict[str, Contender]]:
    """Give those of CONTENDERS that are named, each with its processes running."""
    systems = [f"{name}={url}" for name, url in stack.systems.items()]
    shared = {name: stack.pids[name] for name in SYSTEMS}
    logs = stack.layout.logs
    given: dict[str, Contender] = {}
    async with AsyncExitStack() as running:
        if OURS in names:
            own = {name: stack.pids[name] for name in (WORKER, GATEWAY, TEMPORAL)}
            given[OURS] = Ours(stack, own | shared)
        if ways := [name for name in names if name in _WAYS]:
            arguments = ["--address", stack.layout.temporal_address, "--queue", _QUEUE, *systems]
            floor = await running.enter_async_context(
                module_running("bench.contenders.floor", arguments, logs / "floor.log")
            )
            own = {WORKER: floor.pid, TEMPORAL: stack.pids[TEMPORAL]}
            given |= {name: Floor(stack, _WAYS[name], own | shared) for name in ways}
        if PEER in names:
            arguments = ["--database", str(stack.layout.state_dir / "peer.db"), *systems]
            process = await running.enter_async_context(
                module_running("bench.contenders.peer", arguments, logs / "peer.log")
            )
            given[PEER] = peer = Peer(process, {WORKER: process.pid} | shared)
            listening = asyncio.create_task(peer.listen())
            running.callback(listening.cancel)
        yield {name: given[name] for name in names}


def _new_order() -> str:
    return f"b{uuid4().hex[:9]}"
