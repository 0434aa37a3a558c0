"""An order that is open for more than a year, amended every week: its runs stay short, and it ends like any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from temporalio.worker import Replayer

from bench.actions import runs_of
from tests.stage import PRODUCT_ORDER, Stage, customer_of, eventually, example, histories_of
from tmf.instants import timestamp
from worker import WORKFLOWS
from workflows.connection import DATA_CONVERTER, sandbox
from workflows.contracts import ids, policies

pytestmark = [pytest.mark.anyio, pytest.mark.long]

WEEKS = 57
"""400 days."""
LONGEST = 150
"""Events, about, after which an order goes on in a new run here."""


@pytest.fixture
def forgetful(stage: Stage) -> Iterator[Stage]:
    with patch.object(policies, "LONGEST_HISTORY", LONGEST):
        yield stage


async def amend(stage: Stage, order_id: str, **changes: Any) -> None:
    answer = await stage.gateway.patch(f"{PRODUCT_ORDER}/{order_id}", json=changes)
    assert answer.status_code == 200, answer.text


async def new_run_of_a_long_one(stage: Stage, workflow_id: str) -> None:
    """Wait for the next run where this one is long: its preparation takes seconds, and no order is amended as fast."""
    handle = stage.client.get_workflow_handle(workflow_id)
    this = await handle.describe()

    async def is_another() -> bool:
        return (await handle.describe()).run_id != this.run_id

    if this.history_length > LONGEST * 3 // 2:
        await eventually(is_another, lambda: f"a run of {this.history_length} events goes on")


async def replay(stage: Stage, order_id: str) -> None:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=DATA_CONVERTER, workflow_runner=sandbox())
    for history in await histories_of(stage, order_id):
        await replayer.replay_workflow(history)


async def test_an_order_amended_weekly_before_its_start_goes_on_in_new_runs_and_completes(forgetful: Stage) -> None:
    stage = forgetful
    document = example("mobile")
    customer_of(document)
    start = datetime.now(UTC) + timedelta(days=400)
    document["requestedStartDate"] = timestamp(start)
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["state"] == "pending", order_id)
    root = ids.root_workflow(order_id)
    volumes = [5, 20]

    for week in range(WEEKS):
        item = (await stage.order(order_id))["productOrderItem"][0]
        chosen = [each for each in item["product"]["productCharacteristic"] if each["name"] != "dataVolumeGb"]
        item["product"]["productCharacteristic"] = [*chosen, {"name": "dataVolumeGb", "value": volumes[week % 2]}]
        await amend(
            stage,
            order_id,
            productOrderItem=[item],
            requestedStartDate=timestamp(start + timedelta(hours=week + 1)),
        )
        await new_run_of_a_long_one(stage, root)
    await stage.tell(root, "hold", reason="the last weeks")
    await stage.tell(root, "resume")
    await amend(stage, order_id, requestedStartDate=timestamp(datetime.now(UTC)))
    order = await stage.ended(order_id)

    assert order["state"] == "completed"
    revisions = (await stage.gateway.get(f"{PRODUCT_ORDER}/{order_id}/revision", params={"limit": 1000})).json()
    assert [each["number"] for each in revisions] == list(range(1, WEEKS + 3))
    assert {each["state"] for each in revisions} == {"applied"}
    runs = await runs_of(stage.client, root)
    assert len(runs) > 3
    assert max(len(run.events) for run in runs[:-1]) < 2 * LONGEST
    await replay(stage, order_id)


async def test_an_order_amended_weekly_while_a_visit_is_awaited_stays_far_below_all_limits(
    stage: Stage,
) -> None:
    document = example("fibre-technician")
    customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id, "manual")

    for week in range(WEEKS):
        await amend(stage, order_id, description=f"as agreed in week {week}")
        due = timestamp(datetime.now(UTC) + timedelta(weeks=week))
        await stage.tell(ids.root_workflow(order_id), "reschedule", task=task["id"], due_at=due)
    await stage.tell(ids.root_workflow(order_id), "complete", task=task["id"], values={"technician": "T-17"})
    order = await stage.ended(order_id)

    assert (order["state"], order["description"]) == ("completed", f"as agreed in week {WEEKS - 1}")
    histories = await histories_of(stage, order_id)
    assert max(len(history.events) for history in histories) < 4096
    await replay(stage, order_id)


async def test_an_order_that_was_held_too_often_goes_on(stage: Stage) -> None:
    document = example("fibre-technician")
    customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id, "manual")
    root = ids.root_workflow(order_id)
    with patch.object(policies, "MOST_HOLDS", 2):
        for _ in range(2):
            await stage.tell(root, "hold")
            await stage.tell(root, "resume")
        assert "was held 2 times; it is not held any more" in await stage.refusal(root, "hold")

    await stage.tell(root, "complete", task=task["id"], values={"technician": "T-17"})
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_task_that_was_planned_anew_too_often_is_completed_or_cancelled(stage: Stage) -> None:
    document = example("fibre-technician")
    customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id, "manual")
    due = timestamp(datetime.now(UTC) + timedelta(weeks=1))
    with patch.object(policies, "MOST_DATES", 0):
        refusal = await stage.refusal(task["workflowId"], "reschedule", task=task["id"], due_at=due)
    assert "were planned anew 0 times" in refusal

    await stage.tell(ids.root_workflow(order_id), "complete", task=task["id"], values={"technician": "T-17"})
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_step_that_has_failed_too_often_is_not_tried_again_but_can_be_completed_or_given_up(
    stage: Stage,
) -> None:
    document = example("vpn-8-sites")
    customer_of(document)
    await stage.fault(stage.activation, match={"order": ":so:1.6:access"}, kind="permanent")
    with patch.object(policies, "MOST_TASKS_BELOW", 0):
        order_id = await stage.submit(document)
        task = await stage.task(order_id)
    await stage.heal()

    assert task["actions"] == ["complete", "fail", "rollback"]
    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="rollback")
    assert (await stage.ended(order_id))["state"] == "failed"
