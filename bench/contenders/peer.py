"""The peer: the same tree and calls on a library that keeps workflows in SQL tables of its own..

Orders come in as lines (id, customer and script, as JSON); the id of each goes out as a line when it is over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

import uvloop
from dbos import DBOS, DBOSConfig, SetWorkflowID

from bench.contenders.floor import systems_of
from bench.contenders.script import (
    Call,
    Child,
    Known,
    Layer,
    Systems,
    Unit,
    connections_of,
    in_order,
    load,
    names,
    pick,
)
from bench.stack.processes import READY

_orders = {name: load(name) for name in names()}
_units = {(name, unit.key): unit for name, order in _orders.items() for unit in order.units()}
_calls = {(name, call.key): call for name, order in _orders.items() for call in order.calls()}
_systems: list[Systems] = []


@DBOS.step(retries_allowed=True, max_attempts=6)
async def call(script: str, key: str, known: Known) -> Known:
    return await _systems[0].call(_calls[script, key], known)


@DBOS.workflow()
async def unit(script: str, key: str, given: Known) -> Known:
    """Run one unit, each of its children as a workflow of its own."""
    this: Unit = _units[script, key]
    known = dict(given)

    async def one(each: Call) -> None:
        known.update(await call(script, each.key, pick(known, ["order", "customer", *each.uses])))

    async def part(each: Layer | Child) -> None:
        if isinstance(each, Layer):
            await in_order(each.calls, one)
            return
        below = each.unit
        with SetWorkflowID(f"peer:{known['order']}{below.key}"):
            handle = await DBOS.start_workflow_async(
                unit, script, below.key, pick(known, ["order", "customer", *below.uses])
            )
        known.update(await handle.get_result())

    await in_order(this.parts, part)
    return pick(known, this.keeps)


async def work(database: str, systems: dict[str, str]) -> None:
    """Run the orders that come in, until no more can."""
    async with connections_of(systems) as connections:
        _systems.append(Systems(connections))
        await _run(database)


async def _run(database: str) -> None:
    config: DBOSConfig = {
        "name": "peer",
        "system_database_url": f"sqlite:///{database}",
        "run_admin_server": False,
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(READY, flush=True)
    running: set[asyncio.Task[None]] = set()
    while line := await reader.readline():
        task = asyncio.create_task(_order(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


async def _order(placed: dict[str, str]) -> None:
    with SetWorkflowID(f"peer:{placed['order']}"):
        handle = await DBOS.start_workflow_async(
            unit, placed["script"], "", {"order": placed["order"], "customer": placed["customer"]}
        )
    try:
        await handle.get_result()
        print(placed["order"], flush=True)
    except Exception as error:
        print(f"{placed['order']} {error!r}".replace("\n", " "), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.contenders.peer")
    parser.add_argument("--database", required=True)
    parser.add_argument("systems", nargs="+")
    chosen = parser.parse_args()
    uvloop.run(work(chosen.database, systems_of(chosen.systems)))


if __name__ == "__main__":
    main()
    os._exit(0)
