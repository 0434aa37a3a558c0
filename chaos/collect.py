"""Collects the facts of a run: from the gateways, the order store, Temporal, the listener and the systems."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx2
from sqlalchemy import Connection, select
from temporalio.client import Client, WorkflowExecution, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError

from application.addresses import PRODUCT, SERVICE
from chaos.checks.every import violations
from chaos.facts import EffectFact, EventFact, Facts, PlacedFact, ReceivedFact, WorkflowFact
from chaos.foreign import Foreign
from chaos.people.counter import Counter, NoAnswerError, orders_path
from chaos.stack.stack import Stack
from orders.events.hubs import HUBS
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.order_ids import root_of_workflow
from store.sql.database import open_database
from store.sql.tables import events, resource_locks
from tmf.bodies import Document
from workflows.contracts import ids
from workflows.failures import ORDER_FAILED

LISTENERS = "EventSubscription"
_WANTED = ("waiting", "granted", "taken")
_FAILED_OFTEN = 3
_PATIENCE, _PAUSE = 25.0, 2.0
"""Seconds for which facts are collected again where something is wrong with them."""


async def collected(
    stack: Stack, counter: Counter, placed: list[PlacedFact], foreign: Foreign, *, keys_forgotten: bool = False
) -> Facts:
    """Return the facts of a run, as they are now.

    Raises:
        NoAnswerError, StoreUnavailableError, httpx2.HTTPError, RPCError: when a part does not answer.
    """
    orders = [order for kind in OrderKind for order in await counter.listed(orders_path(kind))]
    tasks = [task for api in ("fallout", "manual") for task in await counter.listed(f"/{api}/v1/task?state=open")]
    outbox, locks = await _stored(stack.store_url)
    systems = await _systems(stack)
    return Facts(
        placed=placed,
        orders={str(order["id"]): order for order in orders},
        open_tasks=tasks,
        stuck=await counter.read("/fallout/v1/stuck"),
        outbox=outbox,
        received=received(stack.record.read_text().splitlines() if stack.record.exists() else []),
        workflows=await workflows(stack.temporal, stack.queue),
        locks=locks,
        foreign=await foreign.compared(stack),
        keys_forgotten=keys_forgotten,
        **systems,
    )


async def checked(collect: Callable[[], Awaitable[Facts]]) -> tuple[Facts, dict[str, list[str]]]:
    """Return facts, and what is wrong with them: again for a while, since some parts say a moment later what is so."""
    began = time.monotonic()
    while True:
        try:
            facts = await collect()
            wrong = violations(facts)
        except (NoAnswerError, httpx2.HTTPError, RPCError) as error:
            facts, wrong = Facts(), {"everything_answers": [repr(error)]}
        if not wrong or time.monotonic() - began > _PATIENCE:
            return facts, wrong
        await asyncio.sleep(_PAUSE)


def received(lines: Iterable[str]) -> list[ReceivedFact]:
    """Return what the listener wrote down."""
    return [ReceivedFact(line["hub"], line["id"], line["root"], line["problem"]) for line in map(json.loads, lines)]


async def workflows(client: Client, queue: str) -> list[WorkflowFact]:
    """Return the orders' workflows, each by its last run; and how the posted orders among them ended."""
    last: dict[str, WorkflowExecution] = {}
    async for each in client.list_workflows(f"TaskQueue = '{queue}'"):
        before = last.get(each.id)
        if each.workflow_type != LISTENERS and (before is None or before.start_time < each.start_time):
            last[each.id] = each
    return list(await asyncio.gather(*(_workflow(client, each) for each in last.values())))


async def running(client: Client, queue: str) -> list[str]:
    """Return the ids of the orders' workflows that run."""
    query = f"TaskQueue = '{queue}' AND ExecutionStatus = 'Running' AND WorkflowType != '{LISTENERS}'"
    return [each.id async for each in client.list_workflows(query)]


async def backlogs(counter: Counter) -> int:
    """Return how many events the listeners have still to get."""
    listeners = [each for hub in hubs() for each in await counter.read(hub)]
    return sum(int(each["backlog"]) for each in listeners)


async def listen(stack: Stack, counter: Counter) -> None:
    """Register the listener at the hubs of the orders.

    Raises:
        NoAnswerError: when it is not taken.
    """
    for hub in hubs():
        body = {"callback": f"{stack.callback}/{hub.rpartition('/v4/')[0].rpartition('/')[2]}", "secret": stack.secret}
        answer = await counter.ask("POST", hub, body)
        if answer.status_code != 201:
            raise NoAnswerError(f"no listener at {hub}: {answer.text}")


def hubs() -> list[str]:
    """Return where the hubs of the orders are."""
    return [HUBS[kind.value].path for kind in OrderKind]


async def _workflow(client: Client, found: WorkflowExecution) -> WorkflowFact:
    status = found.status.name if found.status else "?"
    handle = client.get_workflow_handle(found.id)
    if status == "RUNNING":
        described = await handle.describe()
        pending = described.raw_description.pending_activities
        failing = [each.activity_type.name for each in pending if each.attempt > _FAILED_OFTEN]
        return WorkflowFact(found.id, status, failing=failing)
    is_posted = found.id == ids.root_workflow(root_of_workflow(found.id))
    return WorkflowFact(found.id, status, await _outcome(client, found) if is_posted else None)


async def _outcome(client: Client, found: WorkflowExecution) -> str | None:
    """Return the state in which an order's workflow says that it has ended; None where it says none."""
    try:
        result: Any = await client.get_workflow_handle(found.id).result()
    except WorkflowFailureError as error:
        if isinstance(error.cause, CancelledError):
            return OrderState.CANCELLED.value
        failed = isinstance(error.cause, ApplicationError) and error.cause.type == ORDER_FAILED
        return OrderState.FAILED.value if failed else None
    except RPCError:
        return None
    return str(result["state"])


async def _stored(url: str) -> tuple[list[EventFact], list[tuple[str, str]]]:
    database = open_database(url)

    def look(connection: Connection) -> tuple[list[EventFact], list[tuple[str, str]]]:
        rows = connection.execute(select(events.c.position, events.c.event).order_by(events.c.sequence))
        held = select(resource_locks.c.subject, resource_locks.c.order_id).where(resource_locks.c.state.in_(_WANTED))
        return [_event(row.position, row.event) for row in rows], [tuple(row) for row in connection.execute(held)]

    try:
        return await database.read(look)
    finally:
        await database.close()


def _event(position: int | None, event: Document) -> EventFact:
    return EventFact(
        position=position,
        id=event["id"],
        api=event["api"],
        type=event["type"],
        root=event["rootId"] if "rootId" in event else event["root_id"],
        subject=event["subjectId"] if "subjectId" in event else event["subject_id"],
        state=event.get("document", {}).get("state"),
        told=event["type"] in HUBS[event["api"]].types,
    )


async def _systems(stack: Stack) -> dict[str, Any]:
    async def get(system: str, path: str, **params: str) -> Any:
        return (await stack.http.get(f"{stack.systems[system]}{path}", params=params)).raise_for_status().json()

    logs = {system: await get(system, "/log") for system in stack.systems}
    return {
        "products": await get("inventory", PRODUCT, limit="1000"),
        "services": await get("inventory", SERVICE, limit="1000"),
        "resources": (await get("inventory", "/audit"))["resources"],
        "network": (await get("activation", "/audit"))["active"],
        "charges": await get("billing", "/billing/v1/charge", limit="1000"),
        "effects": [
            EffectFact(system, each["key"], each["operation"], each["target"], each["outcome"])
            for system, log in logs.items()
            for each in log
        ],
    }
