"""The floor: hand-written workflows with an order's tree and calls, and nothing else..

No catalog, no order store, no undo, no hold, no tasks for people: what Temporal alone takes for such an order, with
the worker's best settings. Each activity makes one call, as a regular or as a local one, or all calls of a layer.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

import uvloop
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

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

_TRIES = RetryPolicy(maximum_attempts=6)
_PATIENCE = timedelta(seconds=30)


class Way(StrEnum):
    """How the calls are made."""

    REGULAR = "regular"
    """A regular activity for each."""
    LOCAL = "local"
    """A local activity for each."""
    LAYERS = "layers"
    """A regular activity for all of a layer."""


@dataclass
class Work:
    """What a workflow is to do: a unit of a script, with the values it is given."""

    script: str
    way: Way
    key: str = ""
    known: Known = field(default_factory=dict)


@dataclass
class Step:
    """What an activity is to do: a call, or a layer, of a unit."""

    script: str
    unit: str
    key: str
    known: Known


class _Units:
    """The scripts, looked up by the keys of their parts."""

    def __init__(self) -> None:
        self.units: dict[tuple[str, str], Unit] = {}
        self.layers: dict[tuple[str, str, str], Layer] = {}
        self.calls: dict[tuple[str, str], Call] = {}
        for name in names():
            for unit in load(name).units():
                self.units[name, unit.key] = unit
                layers = [part for part in unit.parts if isinstance(part, Layer)]
                self.layers |= {(name, unit.key, layer.key): layer for layer in layers}
                self.calls |= {(name, call.key): call for layer in layers for call in layer.calls}


_units = _Units()


class CallActivities:
    """The calls as activities."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    @activity.defn
    async def call(self, step: Step) -> Known:
        return await self._systems.call(_units.calls[step.script, step.key], step.known)

    @activity.defn
    async def layer(self, step: Step) -> Known:
        return await self._systems.calls(_units.layers[step.script, step.unit, step.key], step.known)


class _Run:
    """One workflow's way through its unit."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._unit = _units.units[work.script, work.key]
        self._known = dict(work.known)

    async def run(self) -> Known:
        await in_order(self._unit.parts, self._part)
        return pick(self._known, self._unit.keeps)

    async def _part(self, part: Layer | Child) -> None:
        if isinstance(part, Child):
            await self._child(part)
        elif self._work.way == Way.LAYERS:
            await self._layer(part)
        else:
            await in_order(part.calls, self._call)

    async def _child(self, part: Child) -> None:
        unit = part.unit
        work = Work(self._work.script, self._work.way, unit.key, self._given(unit.uses))
        name = {"service": "FloorService", "resource": "FloorResource"}[unit.kind]
        self._known |= await workflow.execute_child_workflow(
            name, work, id=f"floor:{self._known['order']}{unit.key}", result_type=dict[str, str]
        )

    async def _layer(self, layer: Layer) -> None:
        if layer.calls:
            own = {name for call in layer.calls for name in call.keeps}
            step = self._step(layer.key, sorted({name for call in layer.calls for name in call.uses} - own))
            self._known |= await workflow.execute_activity_method(
                CallActivities.layer, step, start_to_close_timeout=_PATIENCE, retry_policy=_TRIES
            )

    async def _call(self, call: Call) -> None:
        step = self._step(call.key, call.uses)
        if self._work.way == Way.LOCAL:
            self._known |= await workflow.execute_local_activity_method(
                CallActivities.call, step, start_to_close_timeout=_PATIENCE, retry_policy=_TRIES
            )
        else:
            self._known |= await workflow.execute_activity_method(
                CallActivities.call, step, start_to_close_timeout=_PATIENCE, retry_policy=_TRIES
            )

    def _step(self, key: str, uses: list[str]) -> Step:
        return Step(self._work.script, self._work.key, key, self._given(uses))

    def _given(self, uses: list[str]) -> Known:
        return pick(self._known, ["order", "customer", *uses])


@workflow.defn
class FloorOrder:
    @workflow.run
    async def run(self, work: Work) -> Known:
        return await _Run(work).run()


@workflow.defn
class FloorService:
    @workflow.run
    async def run(self, work: Work) -> Known:
        return await _Run(work).run()


@workflow.defn
class FloorResource:
    @workflow.run
    async def run(self, work: Work) -> Known:
        return await _Run(work).run()


async def work(address: str, queue: str, systems: dict[str, str]) -> None:
    """Work until the process is ended."""
    client = await Client.connect(address)
    async with connections_of(systems) as connections, _worker(client, queue, Systems(connections)):
        print(READY, flush=True)
        await asyncio.Event().wait()


def _worker(client: Client, queue: str, systems: Systems) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        workflows=[FloorOrder, FloorService, FloorResource],
        activities=_activities(CallActivities(systems)),
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=2000,
        max_concurrent_workflow_task_polls=10,
        nonsticky_to_sticky_poll_ratio=0.5,
        max_concurrent_activity_task_polls=10,
    )


def _activities(calls: CallActivities) -> list[Any]:
    return [calls.call, calls.layer]


def systems_of(words: list[str]) -> dict[str, str]:
    """Return the systems' base URLs by their names, from words such as `billing=http://127.0.0.1:9103`."""
    return dict(word.split("=", 1) for word in words)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.contenders.floor")
    parser.add_argument("--address", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("systems", nargs="+")
    chosen = parser.parse_args()
    uvloop.run(work(chosen.address, chosen.queue, systems_of(chosen.systems)))


if __name__ == "__main__":
    main()
    os._exit(0)
