"""Orders of many parts: a few of these begin and are undone at a time."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from bench.actions import runs_of
from tests.stage import Stage, customer_of, example, stalled
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from tests.workflows.steering.amending import exact
from worker import WORKFLOWS
from workflows.connection import DATA_CONVERTER, sandbox
from workflows.contracts import ids, policies

pytestmark = pytest.mark.anyio

SOLD = ["business-vpn", "vpn-core", "vpn-hub-site", *["vpn-spoke-site"] * 7]


@pytest.fixture(autouse=True)
def all_are_large() -> Iterator[None]:
    with patch.object(policies, "FEW_PARTS", 1):
        yield


async def at_a_time(stage: Stage, order_id: str) -> int:
    """Return how many children of an order ran at a time at most; its history must replay."""
    (history,) = await runs_of(stage.client, ids.root_workflow(order_id))
    replayer = Replayer(workflows=WORKFLOWS, data_converter=DATA_CONVERTER, workflow_runner=sandbox())
    await replayer.replay_workflow(history)
    return most_children(history)


def most_children(history: WorkflowHistory) -> int:
    running = most = 0
    for event in history.events:
        name = EventType.Name(event.event_type)
        running += name == "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED"
        running -= name in (
            "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED",
            "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED",
            "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED",
        )
        most = max(most, running)
    return most


async def test_a_few_parts_begin_at_a_time_and_all_are_done(stage: Stage) -> None:
    document = example("vpn-8-sites")
    customer = customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "completed"
    await exact(stage, order["id"], customer, SOLD)
    assert await at_a_time(stage, order["id"]) == policies.PARTS_AT_ONCE


async def test_a_few_parts_are_undone_at_a_time_and_nothing_is_left(stage: Stage) -> None:
    document = example("vpn-8-sites")
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1.7:overlay") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {f"1.{site}:overlay": "done" for site in range(1, 7)})
        await stage.tell(ids.root_workflow(order_id), "cancel", reason="the customer has moved on")
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "cancelled"
    await nothing_is_left(stage, order_id, customer)
    assert await at_a_time(stage, order_id) == policies.PARTS_AT_ONCE


async def test_what_waits_for_its_place_begins_nothing_while_the_order_is_held(stage: Stage) -> None:
    document = example("vpn-8-sites")
    customer = customer_of(document)
    with stalled(stage.activation, ":access") as go_on:
        order_id = await stage.submit(document)
        await stage.until(lambda order: order["state"] == "inProgress", order_id)
        await stage.tell(ids.root_workflow(order_id), "hold")
        go_on.set()
        await stage.until(lambda order: order["state"] == "held", order_id)
        begun = len(await started(stage, order_id))
        await stage.tell(ids.root_workflow(order_id), "resume")
        order = await stage.ended(order_id)

    assert begun <= policies.PARTS_AT_ONCE
    assert order["state"] == "completed"
    await exact(stage, order_id, customer, SOLD)


async def started(stage: Stage, order_id: str) -> list[str]:
    """Return the children of an order that were started so far."""
    (history,) = await runs_of(stage.client, ids.root_workflow(order_id))
    begun = [event.start_child_workflow_execution_initiated_event_attributes for event in history.events]
    return [each.workflow_id for each in begun if each.workflow_id]
