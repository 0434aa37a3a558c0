"""The gateway's way to Temporal, against a real Temporal server and against none."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.engine import (
    SYSTEM_EVENT_SIGNAL,
    EngineNotReadyError,
    EngineRefusedError,
    EngineUnavailableError,
    MessageRefusedError,
    RequestTooLargeError,
    TemporalEngine,
    Whereabouts,
    WorkflowEndedError,
)
from embedded.temporal_server import binary
from orders.model.product_orders import ProductOrder
from orders.model.revision import Refusal
from orders.model.violation import Violation
from tests.engine import started_engine
from tests.stage import eventually
from workflows.connection import DATA_CONVERTER, connect
from workflows.contracts import policies, search_attributes
from workflows.contracts.payloads import Command, SystemEvent

pytestmark = pytest.mark.anyio

PROBLEMS_AFTER = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute"
"""The server's setting for how many failures of a workflow task in a row it tells of."""
EVENT = SystemEvent(correlation_id="po:x/1", succeeded=True)


def order(**more: Any) -> ProductOrder:
    item = {"id": "1", "action": "add", "productOffering": {"id": "o"}}
    return ProductOrder.model_validate({"id": "abcdefghij", "productOrderItem": [item], **more})


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Client]:
    """A server that does not know the search attributes yet."""
    environment = await WorkflowEnvironment.start_local(
        data_converter=DATA_CONVERTER, dev_server_existing_path=str(binary())
    )
    async with environment:
        yield environment.client


async def test_an_order_is_started_once_and_told_what_systems_say(server: Client) -> None:
    async def same_client() -> Client:
        return server

    engine = TemporalEngine(same_client, "no-worker", timeout=timedelta(seconds=20))
    await engine.check()
    assert await engine.missing_search_attributes() == sorted(search_attributes.TYPES)
    with pytest.raises(EngineNotReadyError, match=r"does not know OrderCategory, .*; `ordersaga register`"):
        await engine.start(order())

    await search_attributes.register(server)
    assert await engine.missing_search_attributes() == []
    assert await engine.start(order())
    assert not await engine.start(order())

    assert await engine.signal("po:abcdefghij", SYSTEM_EVENT_SIGNAL, EVENT)
    assert not await engine.signal("po:unknown", SYSTEM_EVENT_SIGNAL, EVENT)
    assert await engine.look("po:abcdefghij") == Whereabouts.RUNNING
    assert await engine.look("po:unknown") == Whereabouts.UNKNOWN
    await server.get_workflow_handle("po:abcdefghij").terminate()
    assert await engine.look("po:abcdefghij") == Whereabouts.ENDED
    assert not await engine.signal("po:abcdefghij", SYSTEM_EVENT_SIGNAL, EVENT)
    assert not await engine.start(order()), "what has run never runs again"


async def test_an_order_is_started_however_much_it_says(server: Client) -> None:
    await search_attributes.register(server)
    engine = TemporalEngine(_giving(server), "no-worker", timeout=timedelta(seconds=20))
    said = "x" * 4_194_144
    party = {"id": said, "role": "customer"}
    assert await engine.start(
        order(id="muchtosay0", description=said, externalId=said, category=said, relatedParty=[party])
    )


def _noise(length: int) -> str:
    """Return a text that compression makes half as long, and no shorter."""
    return os.urandom(length // 2).hex()


@pytest.mark.parametrize("length", [5_000_000, 10_000_000])
async def test_what_is_too_large_is_refused_and_temporal_is_not_away(asked: TemporalEngine, length: int) -> None:
    event = EVENT.model_copy(update={"message": _noise(length)})
    with pytest.raises(RequestTooLargeError):
        await asked.signal("po:idle", SYSTEM_EVENT_SIGNAL, event)


async def test_a_request_that_no_message_takes_is_refused(asked: TemporalEngine) -> None:
    with pytest.raises(RequestTooLargeError):
        await asked.request("po:idle", "hold", Command(reason=_noise(10_000_000)))


async def test_an_order_that_temporal_cannot_start_as_it_is_is_refused(asked: TemporalEngine) -> None:
    with pytest.raises(EngineRefusedError, match="exceeds maximum allowed length"):
        await asked.start(order(id="x" * 2000))


async def test_queues_that_no_worker_serves_are_found(server: Client) -> None:
    queue = f"served-{uuid4().hex}"
    engine = TemporalEngine(_giving(server), queue, timeout=timedelta(seconds=20))
    assert await engine.unserved() == list(policies.QUEUES)
    runner = UnsandboxedWorkflowRunner()
    async with Worker(server, task_queue=queue, workflows=[_Broken], workflow_runner=runner):

        async def served() -> bool:
            return await engine.unserved() == [*policies.SYSTEMS, policies.EVENTS]

        await eventually(served)


async def test_workflows_whose_own_code_fails_again_and_again_are_found() -> None:
    async with started_engine(**{PROBLEMS_AFTER: 1}) as client:
        engine = TemporalEngine(_giving(client), "broken", timeout=timedelta(seconds=20))
        assert await engine.troubled(10) == ([], 0)
        runner = UnsandboxedWorkflowRunner()
        async with Worker(client, task_queue="broken", workflows=[_Broken], workflow_runner=runner):
            for number in range(2):
                await client.start_workflow("Broken", id=f"po:broken{number}", task_queue="broken")
            await client.start_workflow("Broken", id="po:elsewhere", task_queue="of-others")

            async def found() -> bool:
                return (await engine.troubled(10))[1] == 2

            await eventually(found)
            [one], total = await engine.troubled(1)
    assert total == 2
    assert (one.id[:-1], one.type, one.causes) == ("po:broken", "Broken", ("WorkflowWorkerUnhandledFailure",))


@workflow.defn(name="Broken")
class _Broken:
    """Cannot go on: it has a defect."""

    @workflow.run
    async def run(self) -> None:
        raise KeyError("a defect")


def _giving(client: Client) -> Callable[[], Awaitable[Client]]:
    async def connected() -> Client:
        return client

    return connected


async def test_a_workflow_runs_as_long_as_one_below_it_does(server: Client) -> None:
    async def same_client() -> Client:
        return server

    engine = TemporalEngine(same_client, "no-worker", timeout=timedelta(seconds=20))
    below = await server.start_workflow("Any", id="po:gone:so:1:tv", task_queue="nobody")
    running = "WorkflowId = 'po:gone:so:1:tv' AND ExecutionStatus = 'Running'"
    await eventually(partial(_count, server, running))
    assert await engine.look("po:gone") == Whereabouts.RUNNING
    assert await engine.look("po:go") == Whereabouts.UNKNOWN
    await below.terminate()
    closed = "WorkflowId = 'po:gone:so:1:tv' AND ExecutionStatus = 'Terminated'"
    await eventually(partial(_count, server, closed))
    assert await engine.look("po:gone") == Whereabouts.UNKNOWN


async def _count(client: Client, query: str) -> int:
    return (await client.count_workflows(query)).count


async def test_nothing_is_said_about_workflows_of_a_namespace_that_is_not_there(server: Client) -> None:
    async def elsewhere() -> Client:
        return Client(server.service_client, namespace="elsewhere")

    engine = TemporalEngine(elsewhere, "no-worker", timeout=timedelta(seconds=20))
    with pytest.raises(EngineUnavailableError, match="elsewhere"):
        await engine.look("po:abcdefghij")


@workflow.defn(name="Answering")
class _Answering:
    """Answers requests as an order's workflow does, until it is told to end."""

    def __init__(self) -> None:
        self._over = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._over)

    @workflow.signal
    def end(self, _command: Command) -> None:
        self._over = True

    @workflow.update
    async def hold(self, command: Command) -> str:
        return f"held by {command.by}"

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def amend(self, command: Command) -> None:
        kinds: dict[str | None, list[Any]] = {
            "refusals": [{"itemId": "1", "key": "1:tv", "reason": "has begun"}],
            "violations": [[{"code": "c", "path": "p", "message": "m"}]],
        }
        if command.reason in kinds:
            raise ApplicationError("no", *kinds[command.reason], type="Refused", non_retryable=True)
        if command.reason == "ends":
            self._over = True
            await workflow.wait_condition(lambda: False)
        raise ApplicationError("a defect", type="Defect", non_retryable=True)

    @workflow.query
    def progress(self) -> dict[str, Any]:
        return {"revision": 1, "nodes": {}}


@pytest.fixture
async def asked(server: Client) -> AsyncIterator[TemporalEngine]:
    """An engine with a workflow `po:asked` that a worker runs, and one, `po:idle`, that nobody does."""

    async def same_client() -> Client:
        return server

    runner = UnsandboxedWorkflowRunner()
    queue, reuse = f"asked-{uuid4().hex}", WorkflowIDReusePolicy.ALLOW_DUPLICATE
    async with Worker(server, task_queue=queue, workflows=[_Answering], workflow_runner=runner):
        for name, at in (("po:asked", queue), ("po:idle", "nobody")):
            await server.start_workflow("Answering", id=name, task_queue=at, id_reuse_policy=reuse)
        patience = timedelta(seconds=20)
        yield TemporalEngine(same_client, queue, timeout=patience, request_timeout=patience)
        for name in ("po:asked", "po:idle"):
            with suppress(RPCError):
                await server.get_workflow_handle(name).terminate()


async def test_a_workflow_is_asked_and_answers(asked: TemporalEngine) -> None:
    assert await asked.request("po:asked", "hold", Command(by="ada")) == "held by ada"
    assert await asked.progress("po:asked") == {"revision": 1, "nodes": {}}


async def test_the_same_request_twice_is_one(asked: TemporalEngine) -> None:
    first = await asked.request("po:asked", "hold", Command(by="ada"), update_id="once")
    assert await asked.request("po:asked", "hold", Command(by="bob"), update_id="once") == first


async def test_a_refusal_comes_with_its_reasons(asked: TemporalEngine) -> None:
    with pytest.raises(MessageRefusedError, match="no") as refused:
        await asked.request("po:asked", "amend", Command(reason="refusals"))
    assert refused.value.refusals == [Refusal(item_id="1", key="1:tv", reason="has begun")]
    with pytest.raises(MessageRefusedError) as refused:
        await asked.request("po:asked", "amend", Command(reason="violations"))
    assert refused.value.violations == [Violation(code="c", path="p", message="m")]


async def test_any_other_failure_is_told_as_the_engines(asked: TemporalEngine) -> None:
    with pytest.raises(EngineRefusedError, match=r"po:asked could not do amend: .*a defect"):
        await asked.request("po:asked", "amend", Command())
    with pytest.raises(EngineRefusedError):
        await asked.request("po:asked", "unheard", Command())


async def test_nobody_is_there_to_be_asked(asked: TemporalEngine) -> None:
    for ask in (partial(asked.request, "po:none", "hold", Command()), partial(asked.progress, "po:none")):
        with pytest.raises(WorkflowEndedError):
            await ask()
    with pytest.raises(WorkflowEndedError):
        await asked.request("po:asked", "amend", Command(reason="ends"))
    for ask in (partial(asked.request, "po:asked", "hold", Command()), partial(asked.progress, "po:asked")):
        with pytest.raises(WorkflowEndedError):
            await ask()


async def test_a_workflow_that_no_worker_runs_is_given_up_within_the_time_given(
    asked: TemporalEngine, server: Client
) -> None:
    async def same_client() -> Client:
        return server

    hasty = TemporalEngine(same_client, "nobody", request_timeout=timedelta(milliseconds=300))
    with pytest.raises(EngineUnavailableError, match="no answer within"):
        await hasty.request("po:idle", "hold", Command())
    with pytest.raises((EngineUnavailableError, EngineRefusedError)):
        await hasty.progress("po:idle")


async def test_an_engine_that_nobody_serves_is_unavailable_within_the_time_given() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    await _assert_unavailable(address)


async def test_an_engine_that_never_answers_is_unavailable_within_the_time_given() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        await _assert_unavailable(f"127.0.0.1:{silent.getsockname()[1]}")


async def _assert_unavailable(address: str) -> None:
    engine = TemporalEngine(
        partial(connect, lazy=True, target_host=address), "no-worker", timeout=timedelta(milliseconds=300)
    )
    for ask in (engine.check, engine.missing_search_attributes, partial(engine.start, order())):
        began = time.monotonic()
        with pytest.raises(EngineUnavailableError, match=address):
            await ask()
        assert time.monotonic() - began < 2
    with pytest.raises(EngineUnavailableError):
        await engine.signal("po:x", SYSTEM_EVENT_SIGNAL, EVENT)
