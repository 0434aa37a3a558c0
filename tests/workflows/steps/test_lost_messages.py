"""What is said by an update is in no history before its workflow task is through: nothing comes of it before."""

from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from orders.lifecycle.change import OrderUpdate
from orders.lifecycle.states import OrderState
from orders.model.task import Task, TaskState
from store.orders import OrderStore
from store.recording import Recorded
from store.tasks import TaskStore
from tests.stage import Stage, customer_of, example, stalled
from tests.workflows.saga.test_fallout import fallen_out, settle
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


async def _has_an_update(client: Client, workflow_id: str) -> bool:
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    accepted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    return any(event.event_type == accepted for event in history.events)


async def test_a_task_is_settled_for_people_once_its_order_cannot_forget_how(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id, _, task = await fallen_out(stage)
    known, save = list[bool](), TaskStore.save

    async def observed(store: TaskStore, kept: Task) -> bool:
        if kept.state == TaskState.RESOLVED:
            known.append(await _has_an_update(stage.client, kept.workflow_id))
        return await save(store, kept)

    monkeypatch.setattr(TaskStore, "save", observed)
    await stage.heal()
    assert (await settle(stage, task, "retry")).status_code == 200

    assert (await stage.ended(order_id))["state"] == "completed"
    assert known
    assert all(known)


async def test_an_order_is_shown_as_held_once_it_cannot_forget_that_it_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = example("mobile")
    customer_of(document)
    known, record = list[bool](), OrderStore.record

    with stalled(stage.activation, "/service/activate/") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1:mobile": "running"})
        root = ids.root_workflow(order_id)

        async def observed(store: OrderStore, changes: list[OrderUpdate]) -> list[Recorded]:
            if any(getattr(each, "state", None) == OrderState.HELD for each in changes):
                known.append(await _has_an_update(stage.client, root))
            return await record(store, changes)

        monkeypatch.setattr(OrderStore, "record", observed)
        await stage.tell(root, "hold")
        await stage.until(lambda order: order["state"] == "held", order_id)
        await stage.tell(root, "resume")
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    assert known
    assert all(known)
