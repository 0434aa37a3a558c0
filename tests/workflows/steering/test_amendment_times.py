"""When an order can be amended: before it is planned, before it starts, while it is held, and until it is too late."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from store.revisions import RevisionStore
from tests.stage import PRODUCT_ORDER, Stage, customer_of, eventually, example, histories_of, stalled
from tests.workflows.saga.test_failure_and_undo import two_items
from tests.workflows.steering.amending import (
    exact,
    fibre,
    logged,
    revised,
    service_of,
    since,
    touched_by,
    value,
    with_values,
)
from tmf.bodies import Document
from tmf.instants import timestamp
from workflows.contracts import ids
from workflows.contracts.payloads import Amend
from workflows.contracts.refusals import OVERTAKEN
from workflows.contracts.search_attributes import PRIORITY

pytestmark = pytest.mark.anyio


def in_a_month() -> str:
    return timestamp(datetime.now(UTC) + timedelta(days=30))


async def pending(stage: Stage, document: Document) -> str:
    """Place an order that starts in a month, and wait until it is pending."""
    order_id = await stage.submit(document | {"requestedStartDate": in_a_month()})
    await stage.until(lambda order: order["state"] == "pending", order_id)
    return order_id


async def standing(stage: Stage, order_id: str) -> Any:
    """Return an order's document, plan and revisions."""
    plan = (await stage.gateway.get(f"{PRODUCT_ORDER}/{order_id}/plan")).json()
    return await stage.order(order_id), plan, await stage.revisions(order_id)


# --- before anything is done ---


async def test_a_pending_order_takes_a_new_plan_and_another_start(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    order_id = await pending(stage, document)
    changed = with_values(document, "mobile-plan", dataVolumeGb=50)
    before = await standing(stage, order_id)

    preview = await stage.preview(order_id, productOrderItem=changed)
    assert await standing(stage, order_id) == before
    assert (await stage.amend(order_id, productOrderItem=changed)).status_code == 200
    later = timestamp(datetime.now(UTC) + timedelta(days=60))
    assert (await stage.amend(order_id, requestedStartDate=later)).json()["state"] == "pending"
    second, third = (await stage.revisions(order_id))[1:]
    assert await stage.taken_resources(order_id) == []
    assert (await stage.amend(order_id, requestedStartDate=timestamp(datetime.now(UTC)))).status_code == 200
    order = await stage.ended(order_id)

    assert order["state"] == "completed"
    assert (second["changes"], third["changes"]) == (touched_by(preview), [])
    assert {each["action"] for each in second["changes"]} == {"do"}
    assert "Mobile Plan 50 GB, monthly" in [price["name"] for price in order["productOrderItem"][0]["itemPrice"]]
    assert value(await service_of(stage, customer, "cfs-mobile"), "dataVolumeGb") == 50
    await exact(stage, order_id, customer, ["mobile-plan"])


async def test_an_order_that_is_not_planned_yet_is_planned_as_amended(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    await stage.done(document)
    product = (await stage.products(customer))[0]["id"]
    change = {"productOrderItem": [{"id": "1", "action": "modify", "product": mobile(product, 50)}]}
    customer_of(change, customer)
    with stalled(stage.activation, ":so:1:mobile") as go_on:
        await stage.submit(change)
        waits = await stage.submit(change)
        await waiting(stage, waits)
        amended = await stage.amend(
            waits, productOrderItem=[{"id": "1", "action": "modify", "product": mobile(product, 5)}], description="less"
        )
        assert amended.status_code == 200, amended.text
        assert (amended.json()["state"], amended.json()["description"]) == ("acknowledged", "less")
        refused = await stage.amend(
            waits, productOrderItem=[{"id": "1", "action": "modify", "product": mobile("x", 5)}]
        )
        assert refused.status_code == 422
        go_on.set()
        order = await stage.ended(waits)

    assert order["state"] == "completed"
    assert value(await service_of(stage, customer, "cfs-mobile"), "dataVolumeGb") == 5
    assert [each["state"] for each in await stage.revisions(waits)] == ["applied", "applied", "refused"]


def mobile(product: str, volume: int) -> Document:
    return {"id": product, "productCharacteristic": [{"name": "dataVolumeGb", "value": volume}]}


async def waiting(stage: Stage, order_id: str) -> None:
    """Wait until an order waits for another."""
    handle = stage.client.get_workflow_handle(ids.root_workflow(order_id))

    async def waits() -> bool:
        view = await handle.query("order")
        return any("goes first" in each for each in view["waitingFor"])

    await eventually(waits)


async def test_a_held_order_is_amended_and_goes_on_as_amended(stage: Stage) -> None:
    document = fibre("home-tv")
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1.1:internet/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1.1:internet": "running"})
        await stage.tell(ids.root_workflow(order_id), "hold")
        go_on.set()
        await stage.until(lambda order: order["state"] == "held", order_id)
        changed = with_values(document, "home-tv", package="basic")
        amended = await stage.amend(order_id, productOrderItem=changed)
        assert (amended.status_code, amended.json()["state"]) == (200, "held")
        assert (await stage.nodes(order_id))["1.4:tv"] != "done"
        await stage.tell(ids.root_workflow(order_id), "resume")
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    assert value(await service_of(stage, customer, "cfs-iptv"), "package") == "basic"
    await exact(stage, order_id, customer, ["fibre-home-bundle", "fibre-internet", "home-router", "home-tv"])


# --- without items ---


async def test_dates_priority_and_notes_leave_the_plan_alone(stage: Stage) -> None:
    document = two_items()
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1:mobile/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"2": "done", "1:mobile": "running"})
        nodes = await stage.nodes(order_id)
        before = await logged(stage, order_id)
        wishes: Document = {
            "requestedCompletionDate": in_a_month(),
            "priority": "0",
            "note": [{"id": "n1", "text": "call first"}],
        }
        preview = await stage.preview(order_id, **wishes)
        amended = await stage.amend(order_id, **wishes)
        assert amended.status_code == 200
        assert await stage.nodes(order_id) == nodes
        go_on.set()
        order = await stage.ended(order_id)

    assert (order["requestedCompletionDate"], order["priority"]) == (wishes["requestedCompletionDate"], "0")
    assert "call first" in [note["text"] for note in order["note"]]
    assert touched_by(preview) == (await revised(stage, order_id, 2))["changes"] == []
    assert {entry["key"].split("/")[0].split(":")[-1] for entry in await since(stage, order_id, before)} <= {
        "mobile",
        order_id,
    }
    workflows = [history.workflow_id for history in await histories_of(stage, order_id)]
    assert [each for each in workflows if "@2" in each] == []
    described = await stage.client.get_workflow_handle(ids.root_workflow(order_id)).describe()
    assert described.typed_search_attributes[PRIORITY] == 0
    await exact(stage, order_id, customer, ["mobile-plan", "fibre-internet"])


async def test_amendments_that_are_sent_at_once_are_applied_one_after_the_other(stage: Stage) -> None:
    document = two_items()
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1:mobile/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"2": "done", "1:mobile": "running"})
        wishes = [{"productOrderItem": with_speed(document, speed)} for speed in (100, 500, 1000)]
        answers = await asyncio.gather(*(stage.amend(order_id, **wish) for wish in wishes))
        assert [each.status_code for each in answers] == [200] * 3, [each.text for each in answers]
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    revisions = await stage.revisions(order_id)
    assert [each["number"] for each in revisions] == list(range(1, len(revisions) + 1))
    overtaken = [each for each in revisions if each["state"] != "applied"]
    assert all("has been applied before it" in each["refusals"][0]["reason"] for each in overtaken)
    applied = [each for each in revisions[1:] if each["state"] == "applied"]
    decided = [each["decidedAt"] for each in applied]
    assert decided == sorted(decided)
    speeds = [speed_of(each["document"]) for each in applied]
    assert sorted(speeds) == [100, 500, 1000]
    assert speed_of(order) == speeds[-1]
    assert value(await service_of(stage, customer, "cfs-internet"), "downloadSpeed") == speeds[-1]
    await exact(stage, order_id, customer, ["mobile-plan", "fibre-internet"])


async def test_what_an_order_runs_is_its_latest_revision_whichever_came_to_it_first(stage: Stage) -> None:
    document = two_items()
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1:mobile/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"2": "done", "1:mobile": "running"})
        first = {"productOrderItem": with_speed(document, 100)}
        revisions: RevisionStore = stage.app.state.gateway.revisions
        wishes: list[Document] = [first, {"description": "later"}]
        numbers = [(await revisions.propose(order_id, each, None, datetime.now(UTC))).number for each in wishes]
        root = stage.client.get_workflow_handle(ids.root_workflow(order_id))
        await root.execute_update("amend", Amend(revision=numbers[1]))
        with pytest.raises(WorkflowUpdateFailedError) as overtaken:
            await root.execute_update("amend", Amend(revision=numbers[0]))
        assert (await stage.amend(order_id, **first)).status_code == 200
        plan = (await stage.gateway.get(f"{PRODUCT_ORDER}/{order_id}/plan")).json()
        go_on.set()
        order = await stage.ended(order_id)

    assert isinstance(overtaken.value.cause, ApplicationError)
    assert overtaken.value.cause.type == OVERTAKEN
    states = [each["state"] for each in await stage.revisions(order_id)]
    assert states == ["applied", "refused", "applied", "applied"]
    assert plan["revision"] == 4
    assert (order["description"], speed_of(order)) == ("later", 100)
    assert value(await service_of(stage, customer, "cfs-internet"), "downloadSpeed") == 100
    await exact(stage, order_id, customer, ["mobile-plan", "fibre-internet"])


def with_speed(document: Document, speed: int) -> list[Document]:
    items: list[Document] = deepcopy(document["productOrderItem"])
    items[1]["product"]["productCharacteristic"] = [{"name": "downloadSpeed", "value": speed}]
    return items


def speed_of(document: Document) -> int:
    return int(document["productOrderItem"][1]["product"]["productCharacteristic"][0]["value"])


# --- refused ---


async def test_an_item_past_its_point_of_no_return_cannot_be_amended_and_nothing_changes(stage: Stage) -> None:
    document = two_items()
    customer = customer_of(document)
    with stalled(stage.activation, ":so:2:internet/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1": "done", "2:internet": "running"})

        async def is_stalled() -> bool:
            recorded = [each["key"] for each in await stage.log(stage.inventory, order_id)]
            return any(key.endswith(":so:2:internet/service/record/add/1") for key in recorded)

        await eventually(is_stalled)
        order, plan, _ = await standing(stage, order_id)
        nodes, before = await stage.nodes(order_id), await logged(stage, order_id)
        items = with_speed(document, 500)
        items[0]["product"]["productCharacteristic"] = [{"name": "dataVolumeGb", "value": 50}]

        preview = await stage.preview(order_id, productOrderItem=items)
        refused = await stage.amend(order_id, productOrderItem=items)
        assert refused.status_code == 409
        assert "Mobile Plan of item 1 cannot be changed any more" in refused.json()["message"]
        after, plan_after, revisions = await standing(stage, order_id)
        assert (after, plan_after, await stage.nodes(order_id)) == (order, plan, nodes)
        assert await since(stage, order_id, before) == []
        assert [each["state"] for each in revisions] == ["applied", "refused"]
        assert revisions[1]["refusals"] == preview["refusals"] != []
        assert {each["itemId"] for each in revisions[1]["refusals"]} == {"1"}
        cancel = await stage.preview(order_id, cancel=True)
        assert [each["itemId"] for each in cancel["refusals"]] == ["1"]

        # What is not past it still can.
        assert (await stage.amend(order_id, productOrderItem=with_speed(document, 500))).status_code == 200
        go_on.set()
        assert (await stage.ended(order_id))["state"] == "completed"

    assert value(await service_of(stage, customer, "cfs-internet"), "downloadSpeed") == 500
    await exact(stage, order_id, customer, ["mobile-plan", "fibre-internet"])


async def test_a_bundle_whose_technician_is_on_the_way_can_change_in_its_other_parts_only(stage: Stage) -> None:
    document = example("fibre-technician")
    customer = customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    refused = await stage.amend(
        order_id, productOrderItem=with_values(document, "home-router", installation="self", wifiName="Cellar")
    )
    assert refused.status_code == 409, refused.text
    assert "1.2" in {each["itemId"] for each in (await revised(stage, order_id, 2))["refusals"]}
    added = deepcopy(document["productOrderItem"])
    added[0]["productOrderItem"].append({"id": "1.3", "action": "add", "productOffering": {"id": "static-ip"}})
    assert (await stage.amend(order_id, productOrderItem=added)).status_code == 200
    await stage.tell(ids.root_workflow(order_id), "complete", task=task["id"], values={"technician": "Kim"})

    assert (await stage.ended(order_id))["state"] == "completed"
    await exact(stage, order_id, customer, ["fibre-home-bundle", "fibre-internet", "home-router", "static-ip"])


async def test_what_the_catalogs_do_not_allow_is_refused_with_every_rule_that_it_breaks(stage: Stage) -> None:
    document = two_items()
    customer_of(document)
    with stalled(stage.activation, ":so:1:mobile/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"2": "done", "1:mobile": "running"})
        before = (await standing(stage, order_id))[:2]
        items = with_speed(document, 333)
        items[0]["product"]["productCharacteristic"] = [{"name": "simType", "value": "paper"}]
        preview = await stage.preview(order_id, productOrderItem=items)
        refused = await stage.amend(order_id, productOrderItem=items)
        assert refused.status_code == 422
        assert (await standing(stage, order_id))[:2] == before
        go_on.set()
        assert (await stage.ended(order_id))["state"] == "completed"

    revision = await revised(stage, order_id, 2)
    assert revision["state"] == "refused"
    assert {each["itemId"] for each in revision["refusals"]} == {"1", "2"}
    assert {each["itemId"] for each in preview["violations"]} == {"1", "2"}


async def test_a_place_that_cannot_be_served_is_refused(stage: Stage) -> None:
    document = two_items()
    customer_of(document)
    order_id = await pending(stage, document)
    items = deepcopy(document["productOrderItem"])
    items[1]["product"]["place"] = [{"id": "MOON-1", "role": "installation"}]
    refused = await stage.amend(order_id, productOrderItem=items)
    assert refused.status_code == 422
    assert "MOON-1" in refused.text
    assert (await revised(stage, order_id, 2))["state"] == "refused"
    await stage.tell(ids.root_workflow(order_id), "cancel")
    assert (await stage.ended(order_id))["state"] == "cancelled"


async def test_an_order_that_has_ended_cannot_be_amended(stage: Stage) -> None:
    document = example("mobile-esim")
    customer_of(document)
    order = await stage.done(document)

    refused = await stage.amend(order["id"], description="too late")

    assert refused.status_code == 409
    assert "place a new order" in refused.json()["message"]
    assert await stage.order(order["id"]) == order
    assert len(await stage.revisions(order["id"])) == 1
