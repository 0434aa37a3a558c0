"""Orders that fail for good: what they take with them, what goes on, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.replay.scenarios import internet_of
from tests.stage import Stage, customer_of, example, histories_of
from tests.thorough import chosen
from tests.workflows.test_straight_way import states_of_items
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


async def nothing_is_left(stage: Stage, order_id: str, customer: str) -> None:
    """Check that no system holds anything of an order."""
    assert await stage.taken_resources(order_id) == []
    assert [each for each in await stage.services(customer) if each["state"] != "terminated"] == []
    assert await stage.products(customer) == []
    assert (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer})).json() == []
    services = {each["id"] for each in await stage.services(customer)}
    active = (await stage.activation.get("/audit")).json()["active"]
    assert [each for each in active if each["id"] in services] == []


@pytest.mark.parametrize("kind", ["permanent", "asyncFailure"])
async def test_a_bundle_whose_tv_fails_for_good_is_undone_as_a_whole(stage: Stage, kind: str) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-iptv"}, kind=kind, message="no such channel")
    document = example("fibre-bundle")
    customer = customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "failed"
    assert states_of_items(order) == {"failed"}
    assert "residue" not in order
    assert "TV" in order["productOrderErrorMessage"][0]["reason"]
    await nothing_is_left(stage, order["id"], customer)
    workflow_ids = [history.workflow_id for history in await histories_of(stage, order["id"])]
    undos = [each for each in workflow_ids if each.endswith(":undo")]
    assert undos


@pytest.mark.parametrize(
    ("system", "match"),
    chosen(
        [
            ("inventory", {"operation": "reserve", "specification": "imsi"}),
            ("inventory", {"operation": "createService", "specification": "cfs-mobile"}),
            ("activation", {"specification": "cfs-mobile"}),
            ("inventory", {"operation": "createProduct"}),
            ("billing", {"operation": "startCharge"}),
        ],
        3,
    ),
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
async def test_whatever_step_fails_all_before_it_is_undone(stage: Stage, system: str, match: dict[str, str]) -> None:
    await stage.fault(getattr(stage, system), match=match, kind="permanent", message="refused on purpose")
    document = example("mobile")
    customer = customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "failed"
    assert "refused on purpose" in order["productOrderErrorMessage"][0]["reason"]
    await nothing_is_left(stage, order["id"], customer)


async def test_an_item_that_fails_alone_leaves_the_order_partial(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="permanent")
    document = two_items()
    customer = customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "partial"
    assert {item["id"]: item["state"] for item in order["productOrderItem"]} == {"1": "failed", "2": "completed"}
    (product,) = await stage.products(customer)
    assert product["productOffering"]["id"] == "fibre-internet"
    undone, made = order["productOrderItem"]
    assert (undone["product"].get("id"), made["product"]["id"]) == (None, product["id"])


async def test_an_order_that_says_all_or_nothing_is_undone_as_a_whole(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="permanent")
    document = two_items() | {"allOrNothing": True}
    customer = customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "failed"
    await nothing_is_left(stage, order["id"], customer)


async def test_a_failed_modify_leaves_everything_as_it_was(stage: Stage) -> None:
    document = example("fibre-bundle")
    customer = customer_of(document)
    await stage.done(document)
    before = await installed(stage, customer)
    change = example("modify-fibre", PRODUCT=await internet_of(stage, customer))
    customer_of(change, customer)
    await stage.fault(stage.billing, match={"operation": "changeCharge"}, kind="permanent", times=1)

    order = await stage.done(change)

    assert order["state"] == "failed"
    assert await installed(stage, customer) == before


async def test_a_failed_delete_puts_everything_back(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    added = await stage.done(document)
    before = await installed(stage, customer)
    held = {each["id"] for each in await stage.taken_resources(added["id"])}
    deletion = example("delete-mobile", PRODUCT=(await stage.products(customer))[0]["id"])
    customer_of(deletion, customer)
    await stage.fault(stage.billing, match={"operation": "stopCharge"}, kind="permanent", times=1)

    order = await stage.done(deletion)

    assert order["state"] == "failed"
    assert "residue" not in order
    assert await installed(stage, customer) == before
    audit = await stage.audit()
    assert held <= {each["id"] for each in audit["resources"]}
    assert not held & {each["id"] for each in audit["leaked"]}


async def test_an_answer_that_makes_no_sense_is_a_permanent_error_that_quotes_it(stage: Stage) -> None:
    await stage.fault(stage.inventory, match={"operation": "reserve", "specification": "msisdn"}, kind="rubbish")
    document = example("mobile")
    customer = customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "failed"
    reason = order["productOrderErrorMessage"][0]["reason"]
    assert "inventory answered 200" in reason
    assert "<html" in reason.lower()
    await stage.heal()
    await nothing_is_left(stage, order["id"], customer)


async def stuck_undo(stage: Stage) -> tuple[str, dict[str, Any]]:
    """Bring an order into an undo that cannot take back a reservation; return its id and the task that waits."""
    await stage.fault(stage.billing, match={"operation": "startCharge"}, kind="permanent")
    await stage.fault(stage.inventory, match={"operation": "release", "specification": "imsi"}, kind="permanent")
    document = example("mobile")
    customer_of(document)
    order_id = await stage.submit(document)
    return order_id, await stage.task(order_id)


async def test_an_undo_that_fails_waits_for_a_person_and_shows_its_residue_meanwhile(stage: Stage) -> None:
    order_id, task = await stuck_undo(stage)

    assert (task["kind"], task["undoing"], task["system"]) == ("fallout", True, "inventory")
    assert set(task["actions"]) == {"retry", "complete", "fail"}
    assert "release" in task["error"]
    assert (await stage.order(order_id))["state"] == "inProgress"


async def test_an_undo_goes_on_when_its_task_is_tried_again_after_the_repair(stage: Stage) -> None:
    order_id, task = await stuck_undo(stage)
    await stage.heal()

    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="retry", by="ops")
    order = await stage.ended(order_id)

    assert order["state"] == "failed"
    assert "residue" not in order
    await nothing_is_left(stage, order_id, order["relatedParty"][0]["id"])
    assert any("retry by ops" in note["text"] for note in order["note"])


@pytest.mark.parametrize(("system", "operation"), [("activation", "test"), ("billing", "startCharge")])
async def test_an_undo_that_was_accepted_and_then_failed_is_asked_for_anew_when_it_is_tried_again(
    stage: Stage, system: str, operation: str
) -> None:
    await stage.fault(getattr(stage, system), match={"operation": operation}, kind="permanent")
    await stage.fault(stage.activation, match={"operation": "deactivate"}, kind="asyncFailure", times=2)
    document = example("mobile")
    customer_of(document)
    order_id = await stage.submit(document)

    first = await stage.task(order_id)
    await stage.tell(ids.root_workflow(order_id), "resolve", task=first["id"], action="retry", by="ops")
    second = await stage.task(order_id, after=first["id"])
    await stage.tell(ids.root_workflow(order_id), "resolve", task=second["id"], action="retry", by="ops")
    order = await stage.ended(order_id)

    assert (first["undoing"], first["system"]) == (True, "activation")
    assert (order["state"], order.get("residue")) == ("failed", None)
    await nothing_is_left(stage, order_id, order["relatedParty"][0]["id"])


async def test_what_an_undo_cannot_take_back_is_named_on_the_order_once_it_is_given_up(stage: Stage) -> None:
    order_id, task = await stuck_undo(stage)

    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="fail", by="ops")
    order = await stage.ended(order_id)

    assert order["state"] == "failed"
    assert any("release" in each["message"] for each in order["residue"])
    assert [each["specification"] for each in await stage.taken_resources(order_id)] == ["imsi"]


async def test_a_transient_fault_only_delays(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient", times=2)
    document = example("mobile")
    customer_of(document)

    assert (await stage.done(document))["state"] == "completed"


def two_items() -> dict[str, Any]:
    """Return an order of two things that have nothing to do with each other."""
    document = example("mobile")
    fibre = {
        "id": "2",
        "action": "add",
        "productOffering": {"id": "fibre-internet"},
        "product": {
            "place": [{"id": "BER-1", "role": "installation", "@referredType": "GeographicSite"}],
            "productCharacteristic": [{"name": "downloadSpeed", "value": 250}],
        },
    }
    document["productOrderItem"] = [{**document["productOrderItem"][0], "id": "1"}, fibre]
    return document


async def installed(stage: Stage, customer: str) -> dict[str, Any]:
    """Return what a customer has, as the systems tell it."""
    charges = (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer})).json()
    return {
        "products": {
            each["id"]: (each["status"], each["productCharacteristic"]) for each in await stage.products(customer)
        },
        "services": {
            each["id"]: (each["state"], each["serviceCharacteristic"], supports(each))
            for each in await stage.services(customer)
        },
        "charges": {each["id"]: (each["state"], each["price"]) for each in charges},
    }


def supports(service: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the resources that a service says it holds."""
    return {(each["name"], each["id"]) for each in service.get("supportingResource", [])}
