"""A step that fails for good and is held waits for a person: it is tried again, taken as done, given up, or undone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stage import Stage, customer_of, eventually, example
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

FALLOUT = "/fallout/v1"


def small_vpn(sites: int = 2) -> dict[str, Any]:
    """Return the VPN with its hub and some of its branches; its catalog holds what fails."""
    document = example("vpn-8-sites")
    parts = document["productOrderItem"][0]["productOrderItem"]
    document["productOrderItem"][0]["productOrderItem"] = parts[: 1 + sites]
    return document


async def fallen_out(stage: Stage, **rule: Any) -> tuple[str, str, dict[str, Any]]:
    """Let a VPN fall out; return its id, its customer and its task."""
    rule = rule or {"match": {"specification": "cfs-site-overlay", "operation": "activate"}}
    await stage.fault(stage.activation, kind="permanent", **rule)
    document = small_vpn()
    customer = customer_of(document)
    order_id = await stage.submit(document)
    return order_id, customer, await stage.task(order_id)


async def test_fallout_names_the_step_the_system_the_error_and_what_can_be_done(stage: Stage) -> None:
    order_id, _, task = await fallen_out(stage)

    assert task["kind"] == "fallout"
    assert task["system"] == "activation"
    assert task["step"] == "activate"
    assert task["what"] == "activate Site overlay"
    assert task["attempts"] == 1
    assert set(task["actions"]) == {"retry", "complete", "fail", "rollback"}
    assert task["dueAt"] > task["createdAt"]
    order = await stage.until(lambda order: order["state"] == "held", order_id)
    states = {item["id"]: item["state"] for item in order["productOrderItem"][0]["productOrderItem"]}
    assert states["1.hub"] == "held"
    service_order = (await stage.gateway.get(f"/tmf-api/serviceOrdering/v4/serviceOrder/{task['orderId']}")).json()
    assert service_order["state"] == "held"
    await stage.heal()
    await settle(stage, task, "retry")
    await stage.ended(order_id)


async def test_a_task_that_is_tried_again_after_the_repair_lets_the_order_complete(stage: Stage) -> None:
    order_id, _, task = await fallen_out(stage)
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.heal()

    settled = await settle(stage, task, "retry", reason="the platform knows the site now")
    order = await stage.ended(order_id)

    assert settled.status_code == 200
    assert order["state"] == "completed"
    assert [note["author"] for note in order["note"]] == ["test"]
    assert "the platform knows the site now" in order["note"][0]["text"]
    stored = (await stage.gateway.get(f"{FALLOUT}/task/{task['id']}")).json()
    assert (stored["state"], stored["resolution"]["action"], stored["resolution"]["by"]) == (
        "resolved",
        "retry",
        "test",
    )


async def test_what_still_fails_falls_out_again(stage: Stage) -> None:
    order_id, _, task = await fallen_out(stage)

    await settle(stage, task, "retry")

    async def again() -> bool:
        return [each["id"] for each in await stage.tasks(order_id)] not in ([], [task["id"]])

    await eventually(again)
    await stage.heal()
    for each in await stage.tasks(order_id):
        await settle(stage, each, "retry")
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_asynchronous_failure_is_asked_for_anew(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="asyncFailure", times=1)
    document = small_vpn()
    customer_of(document)
    order_id = await stage.submit(document)

    await settle(stage, await stage.task(order_id), "retry")

    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_task_completed_by_hand_takes_the_values_that_the_step_would_have_given(stage: Stage) -> None:
    match = {"specification": "route-target", "operation": "reserve"}
    await stage.fault(stage.inventory, match=match, kind="permanent", times=1)
    document = small_vpn()
    customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    reserved = await stage.inventory.post(
        "/tmf-api/resourcePoolManagement/v4/reservation",
        json={"resourceSpecification": {"id": "route-target"}, "requestedBy": f"by hand for {order_id}"},
        headers={"Idempotency-Key": f"by-hand-{order_id}"},
    )
    resource = reserved.json()

    refused = await settle(stage, task, "complete", values={"value": resource["value"]})
    unknown = await settle(stage, task, "complete", values={"id": resource["id"], "serial": 1, "value": 7})
    assert unknown.status_code == 400
    assert "values.serial: " in unknown.json()["message"]
    assert "values.value: " in unknown.json()["message"]
    settled = await settle(stage, task, "complete", values={"id": resource["id"], "value": resource["value"]})
    order = await stage.ended(order_id)

    assert refused.status_code == 400
    assert "values.id: is missing" in refused.json()["message"]
    assert settled.status_code == 200
    assert order["state"] == "completed"
    services = await stage.services(order["relatedParty"][0]["id"])
    targets = {
        each["value"]
        for service in services
        for each in service["serviceCharacteristic"]
        if each["name"] == "routeTarget"
    }
    assert targets == {resource["value"]}


@pytest.mark.parametrize("action", ["fail", "rollback"])
async def test_a_task_that_is_given_up_undoes_the_bundle(stage: Stage, action: str) -> None:
    order_id, customer, task = await fallen_out(stage)

    await settle(stage, task, action)
    order = await stage.ended(order_id)

    assert order["state"] == "failed"
    await nothing_is_left(stage, order_id, customer)


async def test_an_order_that_waits_for_a_person_can_be_cancelled_and_its_task_is_withdrawn(stage: Stage) -> None:
    order_id, customer, task = await fallen_out(stage)
    await stage.until(lambda order: order["state"] == "held", order_id)

    await stage.tell(ids.root_workflow(order_id), "cancel", reason="the customer has left")
    order = await stage.ended(order_id)

    assert (order["state"], order["cancellationReason"]) == ("cancelled", "the customer has left")
    assert (await stage.gateway.get(f"{FALLOUT}/task/{task['id']}")).json()["state"] == "withdrawn"
    (note,) = (each for each in order["note"] if each["id"] == task["id"])
    assert note["text"].endswith(task["error"]), "why it was stuck is not lost with the task"
    await nothing_is_left(stage, order_id, customer)


async def test_a_signal_to_the_product_order_settles_a_task_below_it(stage: Stage) -> None:
    order_id, _, _ = await fallen_out(stage)
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.heal()

    handle = stage.client.get_workflow_handle(ids.root_workflow(order_id))
    await handle.signal("resolve", {"action": "retry"})

    assert (await stage.ended(order_id))["state"] == "completed"


async def test_tasks_of_an_outage_are_settled_in_bulk(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="permanent")
    order_ids = []
    for _ in range(2):
        document = small_vpn()
        customer_of(document)
        order_ids.append(await stage.submit(document))
    for order_id in order_ids:
        await stage.task(order_id)
    await stage.heal()

    answer = await stage.gateway.post(
        f"{FALLOUT}/resolution",
        json={"filter": {"system": "activation", "step": "activate"}, "action": "retry", "author": "test"},
    )

    assert answer.status_code == 200, answer.text
    for order_id in order_ids:
        assert (await stage.ended(order_id))["state"] == "completed"


async def settle(stage: Stage, task: dict[str, Any], action: str, **more: Any) -> Any:
    """Settle a task through the gateway."""
    body = {"action": action, "author": "test", **more}
    return await stage.gateway.post(f"{FALLOUT}/task/{task['id']}/resolution", json=body)


async def test_a_task_can_be_settled_before_all_above_it_have_heard_of_it(stage: Stage) -> None:
    order_id, _, task = await fallen_out(stage)
    await stage.heal()

    # At once: its report may still be on its way through the service order to the product order.
    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="retry")

    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_task_that_the_order_does_not_have_is_refused(stage: Stage) -> None:
    order_id, _, task = await fallen_out(stage)
    root = ids.root_workflow(order_id)

    assert "not open here" in await stage.refusal(root, "resolve", task="another-order:1!1", action="retry")
    await stage.heal()
    await settle(stage, task, "retry")
    assert (await stage.ended(order_id))["state"] == "completed"
