"""Steps that people do: they wait for their completion, can be put on another date, and are undone by people too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stage import Stage, customer_of, eventually, example
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

MANUAL = "/manual/v1/task"


async def visited(stage: Stage) -> tuple[str, str, dict[str, Any]]:
    """Bring an order to where it waits for the technician; return its id, its customer and the task."""
    document = example("fibre-technician")
    customer = customer_of(document)
    order_id = await stage.submit(document)
    return order_id, customer, await stage.task(order_id)


async def test_a_technicians_visit_waits_until_it_is_done_and_its_values_are_recorded(stage: Stage) -> None:
    order_id, customer, task = await visited(stage)

    assert task["kind"] == "manual"
    assert task["instructions"]
    assert set(task["actions"]) == {"complete", "fail"}
    assert (await stage.order(order_id))["state"] == "inProgress"
    assert [(each["name"], each["mandatory"]) for each in task["wanted"]] == [
        ("technician", True),
        ("visitReport", False),
    ]
    wrong = await stage.gateway.post(
        f"{MANUAL}/{task['id']}/completion", json={"values": {"visitReport": 7, "weather": "fine"}}
    )
    assert wrong.status_code == 400
    for name in ("values.technician: is missing", "values.visitReport: ", "values.weather: "):
        assert name in wrong.json()["message"]
    root = ids.root_workflow(order_id)
    service = stage.client.get_workflow_handle(task["workflowId"])
    assert "values.technician: is missing" in await stage.refusal(task["workflowId"], "complete")
    assert "values.technician: is missing" in await stage.refusal(root, "complete", task=task["id"])
    assert "cannot be settled by retry" in await stage.refusal(root, "resolve", task=task["id"], action="retry")
    await service.signal("complete", {"values": {"technician": ["T-17"]}})

    async def refusal_is_noted() -> bool:
        return "values.technician: " in (await service.query("timeline"))[-1]["what"]

    await eventually(refusal_is_noted)
    assert [each["id"] for each in await stage.tasks(order_id)] == [task["id"]], "nothing of it has changed"
    answer = await stage.gateway.post(
        f"{MANUAL}/{task['id']}/completion",
        json={"values": {"technician": "T-17", "visitReport": "router connected"}, "author": "field service"},
    )
    order = await stage.ended(order_id)

    assert answer.status_code == 200, answer.text
    assert order["state"] == "completed"
    values = {
        each["name"]: each["value"]
        for service in await stage.services(customer)
        for each in service["serviceCharacteristic"]
    }
    assert values["visitReport"] == "router connected"
    assert any("field service" in note["author"] for note in order["note"])
    assert any(each["name"] for each in order["milestone"])


async def test_a_visit_can_be_put_on_another_date(stage: Stage) -> None:
    order_id, _, task = await visited(stage)

    answer = await stage.gateway.patch(f"{MANUAL}/{task['id']}", json={"dueAt": "2027-01-15T09:00:00Z"})

    async def moved() -> bool:
        return bool((await stage.tasks(order_id))[0]["dueAt"].startswith("2027-01-15T09:00:00"))

    assert answer.status_code == 200, answer.text
    await eventually(moved)
    await stage.tell(ids.root_workflow(order_id), "complete", values={"technician": "T-1"})
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_begun_visit_is_past_the_point_of_no_return(stage: Stage) -> None:
    order_id, _, task = await visited(stage)
    before = await stage.order(order_id)

    cancel = await stage.gateway.post(
        "/tmf-api/productOrderingManagement/v4/cancelProductOrder", json={"productOrder": {"id": order_id}}
    )
    path = f"/tmf-api/productOrderingManagement/v4/cancelProductOrder/{cancel.json()['id']}"

    async def refused() -> bool:
        return bool((await stage.gateway.get(path)).json()["state"] == "terminatedWithError")

    await eventually(refused)
    assert "visit" in str((await stage.gateway.get(path)).json())
    after = await stage.order(order_id)
    assert (after["state"], after["productOrderItem"]) == (before["state"], before["productOrderItem"])
    await stage.tell(ids.root_workflow(order_id), "complete", task=task["id"], values={"technician": "T-17"})
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_visit_that_cannot_be_done_falls_out_and_can_be_done_after_all(stage: Stage) -> None:
    order_id, _, task = await visited(stage)
    root = ids.root_workflow(order_id)
    await stage.tell(root, "resolve", task=task["id"], action="fail", reason="nobody at home", by="field service")

    fallout = await stage.task(order_id, "fallout")
    assert "nobody at home" in fallout["error"]
    await stage.tell(root, "resolve", task=fallout["id"], action="retry", by="ops")
    second = await stage.task(order_id, "manual", after=task["id"])
    await stage.tell(root, "complete", task=second["id"], values={"technician": "T-17"})
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_visit_that_is_given_up_fails_the_bundle(stage: Stage) -> None:
    order_id, customer, task = await visited(stage)
    root = ids.root_workflow(order_id)
    await stage.tell(root, "resolve", task=task["id"], action="fail", reason="no such house")
    fallout = await stage.task(order_id, "fallout")
    await stage.tell(root, "resolve", task=fallout["id"], action="fail", by="ops")

    await stage.ended(order_id)
    await nothing_is_left(stage, order_id, customer)
