"""Children that are adopted by a new run of the order above while they end."""

from __future__ import annotations

from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from orders.lifecycle.states import OrderKind
from tests.stage import eventually
from workflows.parts.cancellation import Cancellation
from workflows.parts.order_process import supervised
from workflows.runtime.context import OrderContext

pytestmark = pytest.mark.anyio

QUEUE = "adoption"


@workflow.defn
class Above:
    """An order above, as far as it hears of the end of the one below."""

    def __init__(self) -> None:
        self._heard = 0

    @workflow.run
    async def run(self, below: str) -> int:
        await workflow.execute_child_workflow(Below.run, id=below)
        return self._heard

    @workflow.signal
    def child_ends(self, _workflow_id: str) -> None:
        self._heard += 1

    @workflow.query
    def heard(self) -> int:
        return self._heard


class Uncancelled(Cancellation):
    """The cancellation of an order that nobody cancels."""

    def __init__(self) -> None:
        pass

    def watch(self, process: object) -> None:
        """Nothing comes of it."""


@workflow.defn
class Below:
    """An order below, whose process is done at once; it ends when nothing is handled any more."""

    def __init__(self) -> None:
        self._context = OrderContext.of_this_workflow(OrderKind.SERVICE, 1)
        self._is_free = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._context.adoptions > 0)
        await supervised(self._context, Uncancelled(), self._process())

    async def _process(self) -> None:
        return

    @workflow.signal
    def adopted(self) -> None:
        self._context.adoptions += 1

    @workflow.signal
    async def busy(self) -> None:
        await workflow.wait_condition(lambda: self._is_free)

    @workflow.signal
    def free(self) -> None:
        self._is_free = True


async def test_who_is_adopted_once_more_while_it_ends_says_so_once_more(engine: Client) -> None:
    name = f"po:{uuid4().hex}"
    below_id = f"{name}:so:1:access"
    runner = UnsandboxedWorkflowRunner()
    async with Worker(engine, task_queue=QUEUE, workflows=[Above, Below], workflow_runner=runner):
        above = await engine.start_workflow(Above.run, below_id, id=name, task_queue=QUEUE)
        below = engine.get_workflow_handle(below_id)

        async def is_there() -> bool:
            return bool([each async for each in engine.list_workflows(f"WorkflowId = '{below_id}'")])

        await eventually(is_there)
        await below.signal("busy")
        await below.signal("adopted")

        async def was_told() -> bool:
            return await above.query(Above.heard) == 1

        await eventually(was_told)
        await below.signal("adopted")
        await below.signal("free")

        assert await above.result() == 2
