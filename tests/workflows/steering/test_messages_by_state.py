"""Every cell of state × message × level, from the table itself: what is allowed is done, what is not changes nothing.

`ADMITTED` is the data. Each state in which an order rests is reached by a real order; the states in
which none ever rests are named below with the reason, and are driven on the table's function. Of what is allowed an
ordinary run drives some cells, evenly spread, and a thorough one all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from orders.lifecycle.admission import ADMITTED, Message, refusal
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from tests.stage import Stage, eventually
from tests.thorough import chosen
from tests.workflows.visits import AT_REST, FALLOUT, MANUAL, Visit, in_progress, visiting

pytestmark = [pytest.mark.anyio, pytest.mark.long]

PRODUCT, SERVICE, RESOURCE = OrderKind
S = OrderState
_MOMENT = "assessed and decided within one task of the workflow"
_BELOW = {
    S.ACKNOWLEDGED: "begins as soon as its plan is read",
    S.PENDING: "only the product order waits for a date",
    S.ASSESSING_CANCELLATION: _MOMENT,
    S.REJECTED: "only product orders are checked for what is possible",
    S.PARTIAL: "all or nothing",
}
NEVER_AT_REST = {PRODUCT: {S.ASSESSING_CANCELLATION: _MOMENT}, SERVICE: _BELOW, RESOURCE: _BELOW}
"""Kind → the states in which none of its orders rests, and why."""

DUE = "2031-05-06T07:08:09.000Z"
LABEL = "the new one"
SIDE_BY_SIDE = asyncio.Semaphore(6)
SOME = 9
"""How many allowed cells an ordinary run drives."""

CELLS = [(kind, state, message) for kind in OrderKind for state in OrderState for message in Message]
ALLOWED = [
    (kind, state, message)
    for kind, state, message in CELLS
    if state in ADMITTED[kind][message]
    and state not in NEVER_AT_REST[kind]
    # Orders that another has made are not amended; those that were posted are in tests of their own.
    and (kind == PRODUCT or message != Message.AMEND)
    # Planning that waits for a person is in tests of its own, too.
    and (state != S.ACKNOWLEDGED or message != Message.RESOLVE)
]


@pytest.fixture(scope="module")
async def visits(engine: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with visiting(engine, tmp_path_factory.mktemp("visits")) as stage:
        yield stage


def test_every_cell_is_driven_with_a_real_order_or_named_with_the_reason_why_not() -> None:
    for kind in OrderKind:
        rests = set(AT_REST) - set(NEVER_AT_REST[kind])
        assert rests | set(NEVER_AT_REST[kind]) == set(OrderState)
        assert set(ADMITTED[kind]) == set(Message)


@pytest.mark.parametrize(("kind", "state"), [(k, s) for k, states in NEVER_AT_REST.items() for s in states])
def test_in_a_state_without_rest_the_table_decides(kind: OrderKind, state: OrderState) -> None:
    for message in Message:
        told = refusal(kind, state, message)
        assert (told is None) == (state in ADMITTED[kind][message])
        assert told is None or kind in told


async def test_what_is_not_allowed_is_refused_and_changes_nothing(visits: Stage) -> None:
    async def drive(state: OrderState) -> list[str]:
        async with SIDE_BY_SIDE:
            order = await AT_REST[state](visits)
            return [
                each
                for kind in OrderKind
                if state not in NEVER_AT_REST[kind]
                for each in await refused(order, kind, state)
            ]

    wrong = [each for found in await asyncio.gather(*map(drive, AT_REST)) for each in found]
    assert not wrong, "\n".join(wrong)


async def test_what_is_allowed_is_done(visits: Stage) -> None:
    async def drive(cell: tuple[OrderKind, OrderState, Message]) -> str | None:
        kind, state, message = cell
        async with SIDE_BY_SIDE:
            try:
                order = await brought(visits, *cell)
                await DO[message](order, kind, state)
            except (AssertionError, WorkflowUpdateFailedError) as error:
                return f"{kind} {state} {message}: {error} {error.__cause__ or ''}"
        return None

    others = len(visits.submitted)
    wrong = [told for told in await asyncio.gather(*map(drive, chosen(ALLOWED, SOME))) if told]
    assert not wrong, "\n".join(wrong)
    audit = await visits.audit()
    mine = [
        each for each in audit["leaked"] if any(order in each["requestedBy"] for order in visits.submitted[others:])
    ]
    assert (mine, audit["dangling"]) == ([], [])


# --- what is not allowed ---


async def refused(order: Visit, kind: OrderKind, state: OrderState) -> list[str]:
    """Send an order of a kind all that its state does not allow; return what was not refused as it should be."""
    messages = [each for each in Message if state not in ADMITTED[kind][each]]
    before = await everything(order, state)
    while before != (before := await everything(order, state)):
        pass  # What brought it here is still being written down.
    wrong = []
    for message in messages:
        status = await asked(order, kind, message)
        if status not in EXPECTED.get((kind, message), {409}):
            wrong.append(f"{kind} {state} {message}: the gateway answered {status}")
        if told := await not_told(order, kind, state, message):
            wrong.append(f"{kind} {state} {message}: {told}")
    if await everything(order, state) != before:
        wrong.append(f"{kind} {state}: a refused message has changed the order")
    return wrong


EXPECTED: dict[tuple[OrderKind, Message], set[int]] = {
    # An order that has no task yet, or never had one, has none to name.
    **{
        (kind, each): {409, 404}
        for kind in OrderKind
        for each in (Message.RESOLVE, Message.COMPLETE, Message.RESCHEDULE)
    },
}
"""What the gateway answers to a message that is not allowed, where that is not always 409."""


async def asked(order: Visit, kind: OrderKind, message: Message) -> int:
    """Send a message by the gateway, and return the status of its answer."""
    gateway, path = order.stage.gateway, order.path(kind)
    match message:
        case Message.CANCEL:
            return await order.cancel(kind)
        case Message.HOLD | Message.RESUME:
            return (await gateway.post(f"{path}/{message}")).status_code
        case Message.AMEND:
            return (await gateway.patch(path, json={"description": LABEL})).status_code
        case Message.RESOLVE:
            return (
                await gateway.post(f"{FALLOUT}/{await settled(order, 'fallout')}/resolution", json={"action": "retry"})
            ).status_code
        case Message.COMPLETE:
            return (await gateway.post(f"{MANUAL}/{await settled(order, 'manual')}/completion", json={})).status_code
        case Message.RESCHEDULE:
            return (await gateway.patch(f"{MANUAL}/{await settled(order, 'manual')}", json={"dueAt": DUE})).status_code


async def settled(order: Visit, kind: str) -> str:
    """Return the id of a task that an order had, or one that it never had where it had none."""
    found = (await order.stage.gateway.get(f"/{kind}/v1/task", params={"orderId": order.id})).json()
    return str(found[0]["id"]) if found else f"{order.id}!1"


async def not_told(order: Visit, kind: OrderKind, state: OrderState, message: Message) -> str | None:
    """Send a message to the order's workflow itself; return what is wrong with how it is refused."""
    words: dict[Message, dict[str, Any]] = {
        Message.AMEND: {"revision": 9},
        Message.RESOLVE: {"action": "retry"},
        Message.RESCHEDULE: {"due_at": DUE},
    }
    try:
        await order.stage.tell(order.workflow_id(kind), message, **words.get(message, {}))
    except RPCError as error:
        return None if state in TERMINAL else f"not answered: {error}"
    except WorkflowUpdateFailedError as error:
        if kind != PRODUCT and message == Message.AMEND:
            return None  # Its workflow knows no such message.
        cause = error.cause
        return (
            None
            if isinstance(cause, ApplicationError) and cause.message == refusal(kind, state, message)
            else f"{cause}"
        )
    return "not refused"


async def everything(order: Visit, state: OrderState) -> dict[str, Any]:
    """Return all that a refused message must leave as it is: documents, tasks, revisions, effects, the plan."""
    gateway, running = order.stage.gateway, state not in TERMINAL
    documents = [await order.document(kind) for kind in OrderKind]
    views = [
        await order.view(kind)
        for kind, document in zip(OrderKind, documents, strict=True)
        if document["state"] and running
    ]
    planned = running and state != S.ACKNOWLEDGED
    return {
        "documents": documents,
        "views": views,
        "tasks": await order.tasks(),
        "revisions": (await gateway.get(f"{order.path(PRODUCT)}/revision")).json(),
        "plan": await order.stage.client.get_workflow_handle(order.workflow_id(PRODUCT)).query("plan")
        if planned
        else None,
        "effects": [
            await order.stage.log(system, order.id) for system in (order.stage.inventory, order.stage.activation)
        ],
    }


# --- what is allowed ---


async def brought(stage: Stage, kind: OrderKind, state: OrderState, message: Message) -> Visit:
    """Return an order in a state, in which a message of a kind finds what it is about."""
    if (kind, state, message) == (PRODUCT, S.IN_PROGRESS, Message.RESUME):
        return await in_progress(stage, items=2)
    order: Visit = await AT_REST[state](stage)
    return order


async def cancels(order: Visit, kind: OrderKind, state: OrderState) -> None:
    assert await order.cancel(kind) == 201
    end = await order.finished()
    assert (await order.document(kind))["state"] == "cancelled"
    assert end == (S.CANCELLED if kind == PRODUCT or state == S.PENDING_CANCELLATION else S.FAILED)
    await order.check_nothing_left()


async def holds(order: Visit, kind: OrderKind, state: OrderState) -> None:
    assert await asked(order, kind, Message.HOLD) == 200
    assert (await order.view(kind))["held"] == ["order"]
    if state != S.ACKNOWLEDGED:
        await order.reaches(S.HELD, kind)
    await goes_on(order, kind, state)


async def resumes(order: Visit, kind: OrderKind, state: OrderState) -> None:
    if state == S.HELD:
        assert await asked(order, kind, Message.RESUME) == 200
    else:
        item = ITEM_TO_HOLD[kind, state]
        for each in ("hold", "resume"):
            answer = await order.stage.gateway.post(f"{order.path(kind)}/{each}", json={"item": item})
            assert answer.status_code == 200, answer.text
            assert (await order.view(kind))["held"] == ([item] if each == "hold" else [])
            await order.reaches(state, kind)
    assert (await order.view(kind))["held"] == []
    await goes_on(order, kind, state)


ITEM_TO_HOLD = {
    (PRODUCT, S.ACKNOWLEDGED): "1",
    (PRODUCT, S.PENDING): "1",
    (PRODUCT, S.IN_PROGRESS): "2",
    (SERVICE, S.IN_PROGRESS): "service",
    (RESOURCE, S.IN_PROGRESS): "number",
}
"""An item that does not take all of the order with it."""


async def amends(order: Visit, kind: OrderKind, state: OrderState) -> None:
    items = (await order.document())["productOrderItem"]
    for each in items:
        chosen = each["product"].get("productCharacteristic", [])
        each["product"]["productCharacteristic"] = [*chosen, {"name": "label", "value": LABEL}]
    answer = await order.stage.gateway.patch(order.path(kind), json={"productOrderItem": items, "description": LABEL})
    assert answer.status_code == 200, answer.text
    assert answer.json()["description"] == LABEL
    revisions = (await order.stage.gateway.get(f"{order.path(kind)}/revision")).json()
    assert [(each["number"], each["state"]) for each in revisions] == [(1, "applied"), (2, "applied")]
    await order.reaches(state, kind)
    if state in (S.IN_PROGRESS, S.HELD):
        await goes_on(order, kind, state)
        labels = [each["value"] for each in (await order.stage.products(order.customer))[0]["productCharacteristic"]]
        assert labels == [LABEL]
    else:
        assert await order.cancel() == 201
        assert await order.finished() == S.CANCELLED


async def resolves(order: Visit, kind: OrderKind, state: OrderState) -> None:
    task = await order.task_known_to(kind, "fallout")
    if kind.value == task["orderKind"]:
        await order.resolve(task, "retry")
    else:
        await order.stage.tell(order.workflow_id(kind), "resolve", task=task["id"], action="retry")
    await settles(order, task)
    await goes_on(order, kind, state)


async def completes(order: Visit, kind: OrderKind, state: OrderState) -> None:
    task = await order.task_known_to(kind, "manual")
    if kind.value == task["orderKind"]:
        await order.complete(task)
    else:
        await order.stage.tell(order.workflow_id(kind), "complete", task=task["id"])
    await settles(order, task)
    await goes_on(order, kind, state)


async def reschedules(order: Visit, kind: OrderKind, state: OrderState) -> None:
    task = await order.task_known_to(kind, "manual")
    if kind.value == task["orderKind"]:
        answer = await order.stage.gateway.patch(f"{MANUAL}/{task['id']}", json={"dueAt": DUE})
        assert answer.status_code == 200, answer.text
    else:
        await order.stage.tell(order.workflow_id(kind), "reschedule", task=task["id"], due_at=DUE)
    assert (await order.task(id=task["id"], dueAt=DUE))["state"] == "open"
    await order.reaches(state, kind)
    await goes_on(order, kind, state)


async def settles(order: Visit, task: dict[str, Any]) -> None:
    """Wait until a task is settled."""
    base = FALLOUT if task["kind"] == "fallout" else MANUAL

    async def resolved() -> bool:
        found = (await order.stage.gateway.get(f"{base}/{task['id']}")).json()
        return bool(found["state"] == "resolved")

    await eventually(resolved, lambda: f"task {task['id']} is not settled", longest_pause=1)


async def goes_on(order: Visit, kind: OrderKind, state: OrderState) -> None:
    """Let go what is held, and check that the order ends as it should."""
    for each in OrderKind:
        if (await order.document(each))["state"] == "held":
            # By the time that it is asked, the order above may have let it go.
            assert await asked(order, each, Message.RESUME) in (200, 409)
    if state in (S.ACKNOWLEDGED, S.PENDING):
        await order.reaches(state, kind)
        assert await order.cancel() == 201
        state = S.PENDING_CANCELLATION
    end = await order.finished()
    assert end == (S.CANCELLED if state == S.PENDING_CANCELLATION else S.COMPLETED)
    assert (await order.document(kind))["state"] == end


DO: dict[Message, Callable[[Visit, OrderKind, OrderState], Awaitable[None]]] = {
    Message.CANCEL: cancels,
    Message.HOLD: holds,
    Message.RESUME: resumes,
    Message.AMEND: amends,
    Message.RESOLVE: resolves,
    Message.COMPLETE: completes,
    Message.RESCHEDULE: reschedules,
}
"""Message → how to send it where it is allowed, and check that it does what it says."""
