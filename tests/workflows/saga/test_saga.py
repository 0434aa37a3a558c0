"""The saga graph by itself, without an engine: what it starts, undoes and tells, and how little it looks at for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from tests.orders.work import SHAPES, Edges, counted
from workflows.saga.saga import Saga
from workflows.saga.saga_graph import SagaGraph
from workflows.saga.window import Window

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "now", lambda: datetime(2026, 11, 28, tzinfo=UTC))


async def nothing(*_: object) -> Any:
    return []


def new_graph(changed: Callable[[Collection[str]], None] = lambda _: None) -> SagaGraph:
    return SagaGraph(
        caught_up=nothing,
        read_back=nothing,
        undo_failed=nothing,
        changed=changed,
        goes_on=nothing,
        window=Window(8),
    )


def itself(key: str) -> set[str]:
    return {key}


class Steps:
    """What nodes do and undo: each one step, which fails for some."""

    def __init__(self, failing: Iterable[str] = ()) -> None:
        self.failing = set(failing)
        self.taken: list[str] = []

    async def do(self, key: str, saga: Saga) -> None:
        async def undo() -> None:
            self.taken.append(f"undo {key}")

        saga.add("step", undo, system="inventory", target=key)
        self.taken.append(key)
        if key in self.failing:
            raise ApplicationError("no", type="refused")


async def test_what_was_done_is_undone_in_the_opposite_order() -> None:
    steps = Steps(failing=["internet"])
    nodes: Edges = {"internet": ["access", "vlan"], "access": [], "vlan": ["access"], "voice": []}
    graph = new_graph()
    await graph.run(nodes, steps.do, taken_by_failure=lambda _: {"internet", "access", "vlan"})
    assert steps.taken == ["access", "voice", "vlan", "internet", "undo internet", "undo vlan", "undo access"]
    assert (graph.done, graph.withdrawn) == ({"voice"}, {"internet", "access", "vlan"})


async def test_it_tells_which_nodes_have_changed() -> None:
    told: list[list[str]] = []
    nodes: Edges = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}
    graph = new_graph(changed=lambda keys: told.append([*keys]))
    await graph.run(nodes, Steps(failing=["c"]).do, taken_by_failure=lambda _: {"b", "c", "d"})
    assert told == [["a"], ["b"], ["c", "b", "d"], ["b", "c", "d"]]


async def test_it_tells_what_an_amendment_lets_run_again_or_undoes() -> None:
    told: list[list[str]] = []
    going = asyncio.Event()

    async def do(key: str, saga: Saga) -> None:
        if key == "d":
            going.set()
            await asyncio.Event().wait()

    nodes: Edges = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    graph = new_graph(changed=lambda keys: told.append([*keys]))
    running = asyncio.create_task(graph.run(nodes, do, taken_by_failure=itself))
    await going.wait()
    told.clear()
    graph.amend({"a": [], "b": ["a"], "c": ["a"]}, undo=["c", "d"], again=["b"])
    await running
    assert told[0] == ["b", "c", "d"]
    assert {key for keys in told[1:] for key in keys} == {"b", "c", "d"}
    assert graph.done == {"a", "b", "c"}


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_work_of_a_node_does_not_grow_with_the_graph(shape: Callable[[int], Edges]) -> None:
    async def looks_a_node(number: int) -> float:
        async def do(key: str, saga: Saga) -> None:
            await asyncio.sleep(0)

        graph = new_graph()
        with counted() as work:
            await graph.run(shape(number), do, taken_by_failure=itself)
        assert len(graph.done) == number
        return work.looks / number

    assert await looks_a_node(5000) == pytest.approx(await looks_a_node(50), rel=0.2)


async def test_the_work_of_a_failure_does_not_grow_with_the_graph() -> None:
    pairs = SHAPES[-1]

    async def looks_a_node(number: int) -> float:
        nodes = pairs(number)
        steps = Steps(failing=[key for key, needs in nodes.items() if needs])
        taken = {key: [key, *needs] for key, needs in nodes.items()}
        graph = new_graph()
        with counted() as work:
            await graph.run(nodes, steps.do, taken_by_failure=taken.__getitem__)
        assert len(graph.withdrawn) == number
        assert sum(step.startswith("undo ") for step in steps.taken) == number
        return work.looks / number

    assert await looks_a_node(2000) == pytest.approx(await looks_a_node(50), rel=0.2)
