"""Calls that a system does after they were given up, and after what they were to do was undone: that is undone, too."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest

from tests.stage import Stage, customer_of, eventually, example, late
from tests.thorough import chosen
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from tests.workflows.saga.test_fallout import settle, small_vpn
from tmf.bodies import Document
from workflows.contracts import ids, policies

pytestmark = pytest.mark.anyio

RESERVATION = ("inventory", "POST /reservation imsi/reserve", "GET requestedBy= imsi")
SERVICE = ("inventory", "POST /service /record", "GET /service?serviceOrderItem")
ACTIVATION = ("activation", "POST /service activate/add", "DELETE /service activate/undo")
PRODUCT = ("inventory", "POST /product record/add", "GET /product?productOrderItem")
CHARGE = ("billing", "POST /charge bill/add", "GET /charge?")
LONGER = timedelta(seconds=5)
"""How long a call is waited out where a person is asked in between."""
TIMES = 100


async def set_up(stage: Stage) -> list[str]:
    """Return the ids of all that is set up in the network."""
    return [each["id"] for each in (await stage.activation.get("/audit")).json()["active"]]


async def undone_after_all(stage: Stage, name: str, system: str, change: str, undo: str) -> Document:
    """Place an order of which a change comes late; check that it fails and leaves nothing, and return it."""
    document = example(name)
    customer = customer_of(document)
    before = await set_up(stage)

    with late(getattr(stage, system), change, undo) as made:
        order = await stage.done(document)

    assert made.is_set()
    assert order["state"] == "failed"
    await nothing_is_left(stage, order["id"], customer)
    assert await set_up(stage) == before
    return order


@pytest.mark.parametrize(
    ("system", "change", "undo"),
    [ACTIVATION, RESERVATION, CHARGE, SERVICE, PRODUCT],
    ids=["activation", "reservation", "charge", "service", "product"],
)
async def test_what_comes_late_to_a_product_order_is_undone_after_all(
    stage: Stage, system: str, change: str, undo: str
) -> None:
    order = await undone_after_all(stage, "mobile", system, change, undo)
    assert "residue" not in order


@pytest.mark.parametrize(
    ("system", "change", "undo"),
    chosen([ACTIVATION, SERVICE, RESERVATION], 2),
    ids=lambda value: None if " " in value else value,
)
async def test_what_comes_late_to_a_service_order_is_undone_after_all(
    stage: Stage, system: str, change: str, undo: str
) -> None:
    await undone_after_all(stage, "service-order-mobile", system, change, undo)


@pytest.mark.parametrize(
    ("system", "change", "undo"),
    [
        ("inventory", "POST /reservation reserve/add", "GET requestedBy="),
        ("activation", "POST /resource configure/add", "DELETE /resource configure/undo"),
    ],
    ids=["reservation", "configuration"],
)
async def test_what_comes_late_to_a_resource_order_is_undone_after_all(
    stage: Stage, system: str, change: str, undo: str
) -> None:
    document = example("resource-order-port")
    customer_of(document)
    before = await set_up(stage)

    with (
        late(getattr(stage, system), change, undo) as made,
        patch.object(policies, "settle_after", lambda policy: LONGER),
    ):
        order_id = await stage.submit(document)
        await settle(stage, await stage.task(order_id), "fail")
        order = await stage.ended(order_id)

    assert made.is_set()
    assert order["state"] in ("failed", "partial")
    done = {item["id"] for item in order["orderItem"] if item["state"] == "completed"}
    held = [each["requestedBy"] for each in await stage.taken_resources(order_id)]
    assert [key for key in held if not any(f":{item}/" in key for item in done)] == []
    assert await set_up(stage) == before


async def test_a_change_that_comes_late_is_changed_back(stage: Stage) -> None:
    mobile = example("mobile")
    customer = customer_of(mobile)
    assert (await stage.done(mobile))["state"] == "completed"
    [product] = await stage.products(customer)
    charges = {"product.id": product["id"]}
    [charge] = (await stage.billing.get("/billing/v1/charge", params=charges)).json()
    deletion = example("delete-mobile", PRODUCT=product["id"])
    customer_of(deletion, customer)

    with late(stage.billing, "POST /stop", "GET state=active") as made:
        order = await stage.done(deletion)

    assert made.is_set()
    assert order["state"] == "failed"
    assert "residue" not in order
    [after] = (await stage.billing.get("/billing/v1/charge", params=charges)).json()
    assert (after["id"], after["state"], after["price"]) == (charge["id"], "active", charge["price"])


async def test_a_call_that_a_cancellation_cuts_off_is_undone_when_it_comes_late(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    before = await set_up(stage)
    match = {"operation": "activate", "specification": "cfs-mobile"}
    await stage.fault(stage.activation, match=match, kind="late", times=TIMES, seconds=0.5)
    order_id = await stage.submit(document)

    async def tried() -> bool:
        [fault] = (await stage.activation.get("/faults")).json()
        return fault["remaining"] is not None and int(fault["remaining"]) < TIMES

    await eventually(tried)
    await stage.tell(ids.root_workflow(order_id), "cancel")
    order = await stage.ended(order_id)

    assert order["state"] == "cancelled"
    assert "residue" not in order
    await nothing_is_left(stage, order_id, customer)
    assert await set_up(stage) == before


async def test_what_is_repeated_is_done_once_though_its_key_is_forgotten(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    for system, operation in (
        (stage.inventory, "reserve"),
        (stage.inventory, "createService"),
        (stage.inventory, "createProduct"),
        (stage.billing, "startCharge"),
    ):
        await stage.fault(system, match={"operation": operation}, kind="lostAnswer", times=1)
        await stage.fault(system, match={"operation": operation}, kind="forgetsKeys")

    order = await stage.done(document)

    assert order["state"] == "completed"
    holders = [each["requestedBy"] for each in await stage.taken_resources(order["id"])]
    names = [each["name"] for each in [*await stage.services(customer), *await stage.products(customer)]]
    charges = (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer})).json()
    assert len(set(holders)) == len(holders) > 0
    assert len(set(names)) == len(names) > 0
    assert len(charges) == 1


async def test_what_a_person_repeats_is_done_once_though_its_key_is_forgotten(stage: Stage) -> None:
    document = small_vpn(1)
    customer = customer_of(document)
    with late(stage.inventory, "POST /service :so:1.core /record/add", "/health") as made:
        order_id = await stage.submit(document)
        task = await stage.task(order_id)
        await stage.inventory.get("/health")
    assert made.is_set()
    await stage.fault(stage.inventory, match={"operation": "createService"}, kind="forgetsKeys")

    await settle(stage, task, "retry")
    order = await stage.ended(order_id)

    assert order["state"] == "completed"
    recorded = [each["serviceOrderItem"][0] for each in await stage.services(customer)]
    made_by = [(each["serviceOrderId"], each["itemId"]) for each in recorded]
    assert len(set(made_by)) == len(made_by)
