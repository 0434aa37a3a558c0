"""Look-ups of what an order has made: only what carries its key is touched, whatever a system answers with."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from activities.billing import Bill, BillingActivities
from activities.expectations import Expectation, Kind
from activities.inventory import (
    InventoryActivities,
    RecordService,
    ReleaseResource,
    RemoveService,
    ReserveResource,
)
from activities.lookups import MOST_READ, NotTheOrdersError
from activities.product_records import RecordProduct, RestoreProduct
from application.http import DownstreamSystem
from orders.model.product_orders import Action, Money, OrderPrice, Price
from orders.plan.parts import Demand, ProductPlan, Specification
from tests.application.conftest import Reference, perform, scripted

pytestmark = pytest.mark.anyio

SERVICE = "/tmf-api/serviceInventory/v4/service"
PRODUCT = "/tmf-api/productInventory/v4/product"
CHARGE = "/billing/v1/charge"
AT = "2026-03-01T10:00:00.000Z"
PRICES = [OrderPrice(price_type="recurring", price=Price(duty_free_amount=Money(unit="EUR", value=29.9)))]


def reservation(key: str, **fields: Any) -> ReserveResource:
    return ReserveResource(key=key, specification="msisdn", demand=Demand(), **fields)


def record(order: str, **fields: Any) -> RecordService:
    specification = Specification(id="cfs-mobile", name="Mobile")
    return RecordService(
        key=f"{order}/record",
        name="Mobile",
        specification=specification,
        customer_facing=True,
        service_order=order,
        item="service",
        **fields,
    )


def product(**fields: Any) -> ProductPlan:
    return ProductPlan(key="1", item_id="1", unit="1", action=Action.ADD, name="Mobile Plan", **fields)


def bill(product_id: str, action: Action = Action.ADD, **fields: Any) -> Bill:
    plan = product(prices=PRICES, previous_prices=[] if action == Action.ADD else PRICES)
    plan = plan.model_copy(update={"action": action})
    return Bill(key=f"{product_id}/{action}", order_id="x", product=plan, product_id=product_id, at=AT, **fields)


def activities(system: Reference | DownstreamSystem) -> InventoryActivities:
    return InventoryActivities(system.system if isinstance(system, Reference) else system)


async def holders(inventory: Reference) -> list[str]:
    return [each["requestedBy"] for each in (await inventory.get("/audit"))["resources"]]


async def orders_of(inventory: Reference) -> list[str]:
    return [each["serviceOrderItem"][0]["serviceOrderId"] for each in await inventory.get(SERVICE)]


@pytest.mark.parametrize("mine", [True, False])
async def test_an_undo_gives_back_no_reservation_of_others(inventory: Reference, mine: bool) -> None:
    for key in ["a", "b", *(["mine"] if mine else [])]:
        await perform(activities(inventory).reserve_resource, reservation(key))
    await inventory.fault("wrongFilter", times=None)

    await perform(activities(inventory).release_resource, ReleaseResource(key="undo", reserved_by="mine"))

    assert await holders(inventory) == ["a", "b"]


@pytest.mark.parametrize("mine", [True, False])
async def test_an_undo_removes_no_service_of_others(inventory: Reference, mine: bool) -> None:
    for order in ["a", "b", *(["mine"] if mine else [])]:
        await perform(activities(inventory).record_service, record(order))
    await inventory.fault("wrongFilter", times=None)

    removal = RemoveService(key="undo", service_order="mine", item="service")
    await perform(activities(inventory).remove_service, removal)

    assert await orders_of(inventory) == ["a", "b"]


@pytest.mark.parametrize("mine", [True, False])
async def test_an_undo_removes_no_product_of_others(inventory: Reference, mine: bool) -> None:
    for order in ["a", "b", *(["mine"] if mine else [])]:
        await perform(activities(inventory).record_product, RecordProduct(key=order, order_id=order, product=product()))
    await inventory.fault("wrongFilter", times=None)

    restoration = RestoreProduct(key="undo", order_id="mine", product=product())
    await perform(activities(inventory).restore_product, restoration)

    assert [each["productOrderItem"][0]["productOrderId"] for each in await inventory.get(PRODUCT)] == ["a", "b"]


@pytest.mark.parametrize("action", [Action.ADD, Action.DELETE])
async def test_neither_billing_nor_its_undo_touches_charges_of_others(billing: Reference, action: Action) -> None:
    for each in ("a", "b"):
        await perform(BillingActivities(billing.system).bill, bill(each))
    before = await billing.get(CHARGE)
    await billing.fault("wrongFilter", times=None)

    await perform(BillingActivities(billing.system).unbill, bill("mine", action))
    assert await perform(BillingActivities(billing.system).bill, bill("mine", Action.DELETE)) is None

    assert await billing.get(CHARGE) == before


def reserved(resource_id: str, key: str) -> dict[str, Any]:
    return {"id": resource_id, "resourceStatus": "reserved", "reservation": {"requestedBy": key}}


async def test_of_several_that_carry_the_key_none_is_touched() -> None:
    system, script = scripted(httpx2.Response(200, json=[reserved("r-1", "mine"), reserved("r-2", "mine")]))

    with pytest.raises(NotTheOrdersError, match=r"2 carry .*mine.* r-1, r-2") as caught:
        await perform(activities(system).release_resource, ReleaseResource(key="undo", reserved_by="mine"))

    assert not caught.value.retryable
    assert {each.method for each in script.asked} == {"GET"}


async def test_a_product_with_several_charges_is_for_people() -> None:
    charges = [{"id": each, "state": "active", "product": {"id": "p"}} for each in ("c-1", "c-2")]
    system, script = scripted(httpx2.Response(200, json=charges), name="billing")

    with pytest.raises(NotTheOrdersError, match="product p has 2 active charges"):
        await perform(BillingActivities(system).unbill, bill("p"))

    assert {each.method for each in script.asked} == {"GET"}


async def test_a_system_that_answers_with_all_it_has_is_not_read_to_its_end() -> None:
    page = httpx2.Response(206, json=[reserved(f"r-{number}", "other") for number in range(100)])
    system, script = scripted(page)

    with pytest.raises(NotTheOrdersError, match=r"ignores the filter reservation\.requestedBy=mine"):
        await perform(activities(system).release_resource, ReleaseResource(key="undo", reserved_by="mine"))

    assert len(script.asked) == MOST_READ // 100


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_what_cannot_be_looked_up_for_an_undo_is_for_people(status: int) -> None:
    system, _ = scripted(httpx2.Response(status))
    with pytest.raises(NotTheOrdersError, match="cannot be asked"):
        await perform(activities(system).release_resource, ReleaseResource(key="undo", reserved_by="mine"))


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_what_cannot_be_looked_up_before_a_repeat_is_asked_for_by_its_key(status: int) -> None:
    system, script = scripted(httpx2.Response(status), httpx2.Response(201, json={"id": "r-1", "value": "1"}))
    assert (await perform(activities(system).reserve_resource, reservation("mine", asked_before=True))).id == "r-1"
    assert [each.method for each in script.asked] == ["GET", "POST"]


async def test_a_resource_that_another_order_holds_by_now_stays_with_it(inventory: Reference) -> None:
    resource = await perform(activities(inventory).reserve_resource, reservation("other"))
    undo = ReleaseResource(key="undo", resource_id=resource.id, reserved_by="mine", held_by="mine")
    await perform(activities(inventory).release_resource, undo)
    assert await holders(inventory) == ["other"]


async def test_a_repeat_after_a_forgotten_key_reserves_nothing_more(inventory: Reference) -> None:
    first = await perform(activities(inventory).reserve_resource, reservation("mine"))
    await inventory.fault("forgetsKeys", times=None)
    assert await perform(activities(inventory).reserve_resource, reservation("mine", asked_before=True)) == first
    assert await holders(inventory) == ["mine"]


async def test_a_repeat_after_a_forgotten_key_records_no_second_service(inventory: Reference) -> None:
    first = await perform(activities(inventory).record_service, record("mine"))
    await inventory.fault("forgetsKeys", times=None)
    assert await perform(activities(inventory).record_service, record("mine", asked_before=True)) == first
    assert await orders_of(inventory) == ["mine"]


async def test_a_repeat_after_a_forgotten_key_records_no_second_product(inventory: Reference) -> None:
    request = RecordProduct(key="k", order_id="mine", product=product())
    first = await perform(activities(inventory).record_product, request)
    await inventory.fault("forgetsKeys", times=None)
    again = request.model_copy(update={"asked_before": True})
    assert await perform(activities(inventory).record_product, again) == first
    assert len(await inventory.get(PRODUCT)) == 1


async def test_a_repeat_after_a_forgotten_key_starts_no_second_charge(billing: Reference) -> None:
    first = await perform(BillingActivities(billing.system).bill, bill("p"))
    await billing.fault("forgetsKeys", times=None)
    assert await perform(BillingActivities(billing.system).bill, bill("p", asked_before=True)) == first
    assert len(await billing.get(CHARGE)) == 1


async def test_what_has_no_id_yet_is_read_back_by_what_it_carries(inventory: Reference) -> None:
    resource = await perform(activities(inventory).reserve_resource, reservation("mine"))
    service_id = await perform(activities(inventory).record_service, record("mine"))
    request = RecordProduct(key="k", order_id="mine", product=product())
    product_id = await perform(activities(inventory).record_product, request)
    expected = [
        Expectation(kind=Kind.RESOURCE, id="", states=["available"], effect="mine", item="msisdn"),
        Expectation(kind=Kind.SERVICE, id="", states=["absent"], order="mine", item="service"),
        Expectation(kind=Kind.PRODUCT, id="", states=["absent"], order="mine", item="1"),
    ]

    residue = await perform(activities(inventory).read_back, expected)

    assert [(each.system, each.target) for each in residue] == [
        ("inventory", "resource msisdn"),
        ("inventory", "service service"),
        ("inventory", "product 1"),
    ]
    for each, found in zip(residue, (resource.id, service_id, product_id), strict=True):
        assert each.message.startswith(f"{found} is ")
    await perform(activities(inventory).release_resource, ReleaseResource(key="r", resource_id=resource.id))
    await perform(activities(inventory).remove_service, RemoveService(key="s", service_order="mine", item="service"))
    await perform(activities(inventory).restore_product, RestoreProduct(key="p", order_id="mine", product=product()))
    assert await perform(activities(inventory).read_back, expected) == []


async def test_billing_is_asked_after_an_undo_whether_a_product_is_charged(billing: Reference) -> None:
    def expected(product_id: str, *states: str) -> Expectation:
        return Expectation(kind=Kind.PRODUCT, id=product_id, states=list(states), system="billing")

    await perform(BillingActivities(billing.system).bill, bill("charged"))
    await perform(BillingActivities(billing.system).bill, bill("ended"))
    await perform(BillingActivities(billing.system).bill, bill("ended", Action.DELETE))
    right = [expected("charged", "active"), expected("ended", "absent", "ended"), expected("never", "absent")]
    wrong = [expected("charged", "absent"), expected("ended", "active", "absent")]

    residue = await perform(BillingActivities(billing.system).read_charges_back, [*right, *wrong])

    assert [(each.system, each.target, each.message) for each in residue] == [
        ("billing", "product charged", "its charge is active where absent was expected after the undo"),
        ("billing", "product ended", "its charge is ended where active or absent was expected after the undo"),
    ]


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_billing_that_cannot_be_asked_leaves_nothing_to_say(status: int) -> None:
    system, _ = scripted(httpx2.Response(status), name="billing")
    expected = Expectation(kind=Kind.PRODUCT, id="p", states=["absent"], system="billing")
    assert await perform(BillingActivities(system).read_charges_back, [expected]) == []
