"""Messages that come at the worst moment: with the order's first task, at its end, during another undo."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import PendingWorkflowTaskState
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from orders.model.task import Task, TaskAction, TaskKind
from store.orders import AcceptedOrder
from tests.replay.scenarios import tried
from tests.stage import PATIENCE, Stage, customer_of, eventually, example, stalled
from tests.workflows.parts import context_of
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from tests.workflows.saga.test_saga import new_graph
from tests.workflows.test_straight_way import states_of_items
from workflows.all_or_nothing import AllOrNothing
from workflows.contracts import ids, policies
from workflows.contracts.carried import RootOrderInput
from workflows.contracts.payloads import Cancel, Ended, Resolve
from workflows.contracts.refusals import RefusedError
from workflows.order_workflow import OrderWorkflow
from workflows.parts.assembly import OrderParts
from workflows.parts.human_tasks import HumanTasks
from workflows.parts.structure import PlainItems
from workflows.saga.saga import Saga
from workflows.saga.saga_graph import Do, SagaGraph

pytestmark = pytest.mark.anyio


async def accepted(stage: Stage, document: dict[str, Any]) -> str:
    """Keep an order as the gateway does, whose workflow is still to be started; return its id."""
    order_id = uuid4().hex[:8]
    document = {**document, "id": order_id, "state": "acknowledged", "orderDate": "2026-01-01T00:00:00.000Z"}
    await stage.orders.accept(
        AcceptedOrder(kind=OrderKind.PRODUCT, id=order_id, document=document, client_id=None, digest=order_id)
    )
    return order_id


async def test_a_cancel_that_comes_with_the_first_workflow_task_cancels_the_order(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    order_id = await accepted(stage, document)
    handle = await stage.client.start_workflow(
        "ProductOrder",
        RootOrderInput(
            order_id=order_id, longest_history=policies.LONGEST_HISTORY, parts_at_once=policies.PARTS_AT_ONCE
        ),
        id=ids.root_workflow(order_id),
        task_queue=stage.queue,
        start_signal="cancel",
        start_signal_args=[Cancel(reason="changed my mind")],
    )

    await handle.result()

    order = await stage.order(order_id)
    assert order["state"] == "cancelled"
    assert states_of_items(order) == {"cancelled"}
    assert order["cancellationReason"] == "changed my mind"
    await nothing_is_left(stage, order_id, customer)


@workflow.defn(name="Probe")
class Probe(OrderWorkflow):
    """A service order that is done at once, and has someone to tell of it still."""

    @workflow.init
    def __init__(self) -> None:
        self.parts = OrderParts(OrderKind.SERVICE, 1, PlainItems)
        super().__init__(self.parts)

    @workflow.run
    async def run(self) -> Ended[str]:
        return await AllOrNothing(self.parts).to_its_end(self._done())

    async def _done(self) -> str:
        self.parts.context.tracker.state = OrderState.COMPLETED
        self.parts.context.background.start(workflow.sleep(2))
        return "done"


async def test_an_order_that_is_done_says_so_even_if_it_is_cancelled_while_it_tells_its_family(stage: Stage) -> None:
    queue = f"probe-{uuid4().hex[:8]}"
    async with Worker(stage.client, task_queue=queue, workflows=[Probe], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await stage.client.start_workflow("Probe", id=f"po:{queue}:so:1:probe", task_queue=queue)
        await handle.query("order")
        await handle.cancel()

        assert (await handle.result())["outcome"] == "done"


async def test_an_order_that_is_cancelled_while_it_is_planned_claims_nothing_afterwards(stage: Stage) -> None:
    mobile = example("mobile")
    customer = customer_of(mobile)
    await stage.done(mobile)
    deletion = example("delete-mobile", PRODUCT=(await stage.products(customer))[0]["id"])
    customer_of(deletion, customer)
    async with gated(stage.inventory) as gate:
        order_id = await stage.submit(deletion)
        await gate.reached.wait()
        await stage.tell(ids.root_workflow(order_id), "cancel")
        with suppress(AssertionError):
            await eventually(lambda: has_ended(stage, order_id), patience=2)
    assert (await stage.ended(order_id))["state"] == "cancelled"

    assert (await stage.done(deletion))["state"] == "completed"


async def has_ended(stage: Stage, order_id: str) -> bool:
    return (await stage.order(order_id))["state"] in TERMINAL


class Gate(httpx2.AsyncBaseTransport):
    """Lets requests to a system pass once it is open."""

    def __init__(self, behind: httpx2.AsyncBaseTransport) -> None:
        self._behind = behind
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.reached.set()
        await self.opened.wait()
        return await self._behind.handle_async_request(request)


@asynccontextmanager
async def gated(system: httpx2.AsyncClient) -> AsyncIterator[Gate]:
    """Let requests to a system wait until the block has ended."""
    transport = system._transport
    gate = Gate(transport)
    system._transport = gate
    try:
        yield gate
    finally:
        gate.opened.set()
        system._transport = transport


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "now", lambda: datetime(2026, 11, 28, tzinfo=UTC))


def running(nodes: dict[str, list[str]], do: Do) -> tuple[SagaGraph, asyncio.Task[None]]:
    """Return a graph that has begun to run, and the task that runs it."""

    graph = new_graph()
    return graph, asyncio.create_task(graph.run(nodes, do, taken_by_failure=lambda key: {key}))


@pytest.mark.usefixtures("now")
async def test_a_node_that_waits_to_be_changed_is_undone_by_a_cancel() -> None:
    runs: list[str] = []
    undone: list[str] = []
    changing = asyncio.Event()

    async def do(key: str, saga: Saga) -> None:
        async def undo() -> None:
            undone.append(key)

        runs.append(key)
        saga.add("undo", undo, system="", target=key)
        if key == "last" or runs.count("first") == 2:
            changing.set()
            await asyncio.Event().wait()

    nodes: dict[str, list[str]] = {"first": [], "second": ["first"], "last": ["second"]}
    graph, run = running(nodes, do)
    await changing.wait()
    changing.clear()

    graph.amend(nodes, undo=["last"], again=["first", "second"])
    await changing.wait()
    graph.stop()
    await graph.undone()

    run.cancel()
    assert runs.count("second") == 1
    assert sorted(undone) == ["first", "first", "last", "second"]


@pytest.mark.usefixtures("now")
async def test_a_node_that_two_amendments_take_back_is_undone_once() -> None:
    runs: list[str] = []
    undone: list[str] = []
    begun, undoing, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def do(key: str, saga: Saga) -> None:
        async def undo() -> None:
            undoing.set()
            await go_on.wait()
            undone.append(key)

        runs.append(key)
        saga.add("undo", undo, system="", target=key)
        if runs == ["first", "second"]:
            begun.set()
            await asyncio.Event().wait()

    nodes: dict[str, list[str]] = {"first": [], "second": ["first"]}
    graph, run = running(nodes, do)
    await begun.wait()
    graph.amend(nodes, undo=["first", "second"], again=[])
    await undoing.wait()
    graph.amend(nodes, undo=["first", "second"], again=[])
    go_on.set()
    await run

    assert undone == ["second", "first"]
    assert runs == ["first", "second", "first", "second"]


@workflow.defn(name="ProbeParent")
class ProbeParent(OrderWorkflow):
    """Starts a child, and is busy when it is told of that."""

    @workflow.init
    def __init__(self) -> None:
        self.parts = OrderParts(OrderKind.SERVICE, 1, PlainItems)
        super().__init__(self.parts)

    @workflow.run
    async def run(self) -> Ended[str]:
        return await AllOrNothing(self.parts).to_its_end(self._with_child())

    async def _with_child(self) -> str:
        time.sleep(1)  # noqa: ASYNC251  (its first task lasts until the signal is there)
        child = f"{workflow.info().workflow_id}:ro:child"
        return await self.parts.children.run(ProbeChild.run, None, child, "child", "child")

    @workflow.signal
    def keep_busy(self) -> None:
        time.sleep(1)


@workflow.defn(name="ProbeChild")
class ProbeChild(OrderWorkflow):
    """Asks at once whether it may pass its point of no return."""

    @workflow.init
    def __init__(self, _: None) -> None:
        self.parts = OrderParts(OrderKind.RESOURCE, 1, PlainItems)
        super().__init__(self.parts)

    @workflow.run
    async def run(self, _: None) -> Ended[str]:
        return await AllOrNothing(self.parts).to_its_end(self._passed())

    async def _passed(self) -> str:
        await self.parts.points_of_no_return.passing("item", "survey")
        return "passed"


async def test_a_child_that_asks_before_its_start_is_known_is_answered(stage: Stage) -> None:
    queue = f"probe-{uuid4().hex[:8]}"
    probes = [ProbeParent, ProbeChild]
    async with Worker(stage.client, task_queue=queue, workflows=probes, workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await stage.client.start_workflow("ProbeParent", id=f"po:{queue}:so:1:probe", task_queue=queue)

        async def runs() -> bool:
            task = (await handle.describe()).raw_description.pending_workflow_task
            return task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED

        await eventually(runs)
        await handle.signal("keep_busy")

        assert (await asyncio.wait_for(handle.result(), PATIENCE))["outcome"] == "passed"


async def test_a_part_that_an_operator_terminates_is_named_as_left_behind(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    with stalled(stage.activation, "/service/activate") as go_on:
        order_id = await stage.submit(document)
        part = ids.service_order_workflow(ids.root_workflow(order_id), "1:mobile")
        await tried(stage, order_id)
        await stage.client.get_workflow_handle(part).terminate()
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "failed"
    assert [each["target"] for each in order["residue"]] == [f"workflow {part}"]


def test_a_task_is_settled_once_even_by_two_who_settle_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr("workflows.parts.human_tasks.workflow", SimpleNamespace(now=lambda: now))
    tasks = HumanTasks(context_of(OrderKind.PRODUCT, "x"))
    tasks.open["x!1"] = Task(
        id="x!1",
        kind=TaskKind.FALLOUT,
        workflow_id="po:x",
        order_kind=OrderKind.PRODUCT,
        order_id="x",
        root_id="x",
        step="bill",
        what="bill Mobile",
        actions=[*TaskAction],
        created_at=now,
    )

    tasks.settle(Resolve(action=TaskAction.RETRY, by="Ann"))
    for named in ("x!1", None):
        with pytest.raises(RefusedError):
            tasks.settle(Resolve(task=named, action=TaskAction.FAIL, by="Ben"))

    settled = tasks.open["x!1"].resolution
    assert settled is not None
    assert settled.by == "Ann"


async def test_thousands_of_changes_that_fall_together_are_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    engine = SimpleNamespace(
        set_current_details=shown.append,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        wait_condition=lambda _: asyncio.Event().wait(),
    )
    monkeypatch.setattr("workflows.runtime.tracker.workflow", engine)
    tracker = context_of(OrderKind.PRODUCT, "x").tracker

    tracker.follow({str(number): "Mobile" for number in range(5000)})
    for item in tracker.items:
        tracker.item_to(item, OrderState.IN_PROGRESS)
    await asyncio.sleep(0)

    assert len(shown) == 1
    assert "- `1` Mobile: **inProgress**" in shown[0]
    assert "and 4900 more" in shown[0]


async def test_a_revision_that_was_applied_is_not_applied_again(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    document["requestedStartDate"] = "2099-01-01T00:00:00.000Z"
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["state"] == "pending", order_id)
    order = ids.root_workflow(order_id)

    assert "applied already" in await stage.refusal(order, "amend", revision=1)

    await stage.tell(order, "cancel")
    await stage.ended(order_id)
