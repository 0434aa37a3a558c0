"""Builds of workers: who takes orders, who keeps them, and when one is needed no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import PollerBehaviorSimpleMaximum, UnsandboxedWorkflowRunner, Worker

from tests.stage import eventually
from workflows.contracts import policies
from workflows.deployments import Build, Deployment, NotReadyError
from workflows.versioning import own_build, versioned

pytestmark = pytest.mark.anyio


_FEW_POLLERS: dict[str, Any] = {
    "workflow_task_poller_behavior": PollerBehaviorSimpleMaximum(2),
    "activity_task_poller_behavior": PollerBehaviorSimpleMaximum(1),
}
"""Each makes its build known to Temporal, which takes few at a time."""


class _Waits:
    """Waits until it may end, and says which build works on it."""

    def __init__(self) -> None:
        self.ended = False

    async def wait(self) -> None:
        await workflow.wait_condition(lambda: self.ended)

    @workflow.update
    def where(self) -> str:
        version = workflow.info().get_current_deployment_version()
        return version.build_id if version else ""

    @workflow.signal
    def end(self) -> None:
        self.ended = True


@workflow.defn(name="ProductOrder")
class Posted(_Waits):
    @workflow.run
    async def run(self) -> None:
        await self.wait()


@workflow.defn(name="ServiceOrder")
class Made(_Waits):
    @workflow.run
    async def run(self) -> None:
        await self.wait()


@activity.defn
async def nothing() -> None:
    """What the queues of systems have workers for."""


class Installation:
    """Workers of several builds, and orders that run on them."""

    def __init__(self, client: Client) -> None:
        self.client, self.queue = client, f"builds-{uuid4().hex[:8]}"
        self.deployment = Deployment(client, self.queue, self.queue)

    @asynccontextmanager
    async def workers(self, build: str, queues: tuple[str, ...] = policies.QUEUES) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for each in queues:
                options = versioned(self.queue, build, UnsandboxedWorkflowRunner())
                name = self.queue if each == "workflows" else policies.task_queue(self.queue, each)
                workflows = [Posted, Made] if each == "workflows" else []
                worker = Worker(
                    self.client, task_queue=name, workflows=workflows, activities=[nothing], **_FEW_POLLERS, **options
                )
                await stack.enter_async_context(worker)
            yield

    async def begun(self, kind: str) -> WorkflowHandle[object, None]:
        return await self.client.start_workflow(kind, id=f"{self.queue}:{uuid4().hex[:6]}", task_queue=self.queue)

    async def where(self, handle: WorkflowHandle[object, None]) -> str:
        return str(await handle.execute_update("where"))

    async def promoted(self, build: str, ramp: float | None = None) -> str:
        """Promote a build as soon as Temporal has seen its workers."""
        said = ""

        async def ready() -> bool:
            nonlocal said
            try:
                said = await self.deployment.promote(build, ramp)
            except NotReadyError:
                return False
            return True

        await eventually(ready)
        return said

    async def indexed(self, handle: WorkflowHandle[object, None], build: str) -> None:
        """Wait until Temporal's index has it that a build has worked on something."""
        used = f"TemporalUsedWorkerDeploymentVersions = '{self.queue}:{build}' AND WorkflowId = '{handle.id}'"

        async def found() -> bool:
            return await self.deployment.count(used) == 1

        await eventually(found)


@pytest.fixture
def installation(engine: Client) -> Installation:
    return Installation(engine)


async def test_orders_move_on_and_those_below_them_stay(installation: Installation) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(installation.workers("1"))
        assert await installation.promoted("1") == "1 takes the orders now"
        posted, made = await installation.begun("ProductOrder"), await installation.begun("ServiceOrder")
        assert [await installation.where(each) for each in (posted, made)] == ["1", "1"]
        await stack.enter_async_context(installation.workers("2"))
        assert await installation.promoted("2", 100) == "100 % of the orders go to 2 now"
        assert [await installation.where(each) for each in (posted, made)] == ["2", "1"]
        assert await installation.promoted("2") == "2 takes the orders now"
        await installation.indexed(made, "1")
        assert not await installation.deployment.is_drained("1")
        assert (await installation.deployment.needing("1")) == (1, [made.id])
        states = {each.id: (each.state, each.share, each.pinned) for each in await installation.deployment.builds()}
        assert states == {"2": ("current", 100, 0), "1": ("old", 0, 1)}
        for each in (posted, made):
            await each.signal("end")
            await each.result()

        async def drained() -> bool:
            return await installation.deployment.is_drained("1")

        await eventually(drained)


async def test_what_a_newer_build_has_worked_on_is_not_given_to_an_older_one(installation: Installation) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(installation.workers("1"))
        await installation.promoted("1")
        posted = await installation.begun("ProductOrder")
        assert await installation.where(posted) == "1"
        await stack.enter_async_context(installation.workers("2"))
        await installation.promoted("2")
        assert await installation.where(posted) == "2"
        await installation.indexed(posted, "2")
        assert await installation.promoted("1") == "1 takes the orders now; 1 that 2 had worked on are finished there"
        assert await installation.where(posted) == "2"
        assert await installation.where(await installation.begun("ProductOrder")) == "1"
        await stack.enter_async_context(installation.workers("3"))
        said = await installation.promoted("3")
        assert said == "3 takes the orders now; 1 that had stayed with an older build move on"
        assert await installation.where(posted) == "3"


async def test_what_a_share_of_the_orders_went_to_keeps_them_when_the_share_falls(installation: Installation) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(installation.workers("1"))
        await installation.promoted("1")
        await stack.enter_async_context(installation.workers("2"))
        await installation.promoted("2", 100)
        posted = await installation.begun("ProductOrder")
        assert await installation.where(posted) == "2"
        await installation.indexed(posted, "2")
        assert (
            await installation.promoted("2", 0)
            == "0 % of the orders go to 2 now; 1 that 2 had worked on are finished there"
        )
        assert await installation.where(posted) == "2"
        assert await installation.where(await installation.begun("ProductOrder")) == "1"


async def test_a_build_without_workers_for_a_queue_is_not_promoted(installation: Installation) -> None:
    with pytest.raises(NotReadyError, match="known builds: none"):
        await installation.deployment.promote("1")
    async with installation.workers("1", ("workflows", "inventory", "activation", "billing")):

        async def seen() -> list[Build]:
            return await installation.deployment.builds()

        await eventually(seen)
        with pytest.raises(NotReadyError, match=f"serves .*{installation.queue}-events"):
            await installation.deployment.promote("1")
    assert await installation.deployment.builds() != []


def test_the_build_is_the_same_for_the_same_code_and_says_the_version() -> None:
    assert own_build("1.4.0") == own_build("1.4.0")
    assert own_build("1.4.0").startswith("1.4.0-")
    assert own_build("1.4.0").split("-")[1] == own_build("1.5.0").split("-")[1]
