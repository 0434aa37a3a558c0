"""What operators set on a system's task queue, and how a workflow meets the guard of local calls: on a real server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.limits import NOT_LOCAL, LocalCallGuard, LocalCalls, Refusal
from activities.queue_limits import rate_limits_followed, refresh
from embedded.temporal_server import binary
from tests.stage import eventually

pytestmark = pytest.mark.anyio


async def temporal(engine: Client, *words: str) -> None:
    """Run the `temporal` command as an operator would."""
    address = ("--address", engine.service_client.config.target_host, "--namespace", engine.namespace)
    command = await asyncio.create_subprocess_exec(binary(), *words, *address, stdout=asyncio.subprocess.DEVNULL)
    assert await command.wait() == 0


@pytest.mark.parametrize("limit", ["queue-rps-limit", "fairness-key-rps-limit-default"])
@pytest.mark.parametrize("rate", ["0", "2.5"])
async def test_local_calls_are_refused_while_an_operator_limits_the_queue(
    engine: Client, limit: str, rate: str
) -> None:
    calls, queue = LocalCalls("inventory"), f"test-{uuid4().hex}-inventory"
    config = ("task-queue", "config", "set", "--task-queue", queue, "--task-queue-type", "activity")

    async def refused(reason: Refusal | None) -> bool:
        await refresh(engine, {queue: calls})
        return calls.refusal() == reason

    async with rate_limits_followed(engine, {queue: calls}):
        assert calls.refusal() is None
        await temporal(engine, *config, f"--{limit}", rate)
        await eventually(lambda: refused(Refusal.RATE_LIMIT))
        await temporal(engine, *config, f"--{limit}", "default")
        await eventually(lambda: refused(None))


async def test_no_call_is_local_before_the_limits_are_known_and_what_was_known_lasts(engine: Client) -> None:
    calls, lost = LocalCalls("inventory"), {"": LocalCalls("inventory")}
    async with rate_limits_followed(engine, lost):
        assert lost[""].refusal() == Refusal.RATE_LIMIT, "a queue without a name cannot be described"
    async with rate_limits_followed(engine, {"known": calls}):
        await refresh(engine, {"": calls})
        assert calls.refusal() is None


@dataclass
class Asked:
    key: str


class SystemActivities:
    """A call of a system that answers, or does not answer local calls."""

    def __init__(self) -> None:
        self.count = 0
        self.silent = False

    @activity.defn
    async def ask(self, asked: Asked) -> str:
        self.count += 1
        local = activity.info().is_local
        if local and self.silent:
            await asyncio.Event().wait()
        return "local" if local else "regular"


@workflow.defn
class LocalFirst:
    """Makes a call locally first, and by the queue where that was refused or came to nothing."""

    @workflow.run
    async def run(self) -> list[str]:
        once, patience = RetryPolicy(maximum_attempts=1), timedelta(seconds=1)
        try:
            return [
                await workflow.execute_local_activity_method(
                    SystemActivities.ask, Asked("an-effect"), start_to_close_timeout=patience, retry_policy=once
                )
            ]
        except ApplicationError as error:
            why = error.type or ""
        except ActivityError as error:
            why = type(error.cause).__name__
        answer = await workflow.execute_activity_method(
            SystemActivities.ask, Asked("an-effect"), start_to_close_timeout=timedelta(seconds=10)
        )
        return [why, answer]


async def test_a_workflow_goes_by_the_queue_where_a_local_call_is_refused(engine: Client) -> None:
    system, calls, queue = SystemActivities(), LocalCalls("inventory"), f"test-{uuid4().hex}"
    noted: list[tuple[str, str]] = []

    async def note(workflow_id: str, key: str) -> None:
        noted.append((workflow_id, key))

    worker = Worker(
        engine,
        task_queue=queue,
        workflows=[LocalFirst],
        activities=[system.ask],
        interceptors=[LocalCallGuard({"ask": calls}, note)],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )

    async def outcome() -> list[str]:
        return await engine.execute_workflow(LocalFirst.run, id=queue, task_queue=queue)

    async with worker:
        calls.rate_limited = True
        assert await outcome() == [NOT_LOCAL, "regular"]
        assert (system.count, noted) == (1, []), "what was refused called nothing"
        calls.rate_limited = False
        assert await outcome() == ["local"]
        assert noted == [(queue, "an-effect")]
        system.silent = True
        # The call that the queue carries ends what the time-out has begun: the next is tried locally again.
        assert await outcome() == ["TimeoutError", "regular"]
        system.silent = False
        assert await outcome() == ["local"]
