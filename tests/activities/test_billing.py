"""Billing: charges started, changed and stopped with their products, and all of that undone."""

from __future__ import annotations

from typing import Any

import pytest

from activities.billing import Bill, BillingActivities
from application.http import DownstreamError
from orders.model.product_orders import Action, Money, OrderPrice, Price
from orders.plan.parts import ProductPlan
from tests.application.conftest import Reference, perform

pytestmark = pytest.mark.anyio

CHARGE = "/billing/v1/charge"


def price(amount: float) -> list[OrderPrice]:
    return [OrderPrice(price_type="recurring", price=Price(duty_free_amount=Money(unit="EUR", value=amount)))]


def bill(action: Action = Action.ADD, key: str = "", at: str = "2026-03-01T10:00:00.000Z", **fields: Any) -> Bill:
    product = ProductPlan(key="1", item_id="1", unit="1", action=action, name="Fibre 500", **fields)
    return Bill(key=key or f"k/{action}", order_id="x", product=product, product_id="p-1", at=at)


NEW = bill(prices=price(29.9), customer_id="c-1", billing_account="b-1")
CHANGE = bill(Action.MODIFY, prices=price(39.9), previous_prices=price(29.9))
END = bill(Action.DELETE, previous_prices=price(29.9), at="2026-06-01T00:00:00.000Z")


async def do(billing: Reference, request: Bill) -> str | None:
    return await perform(BillingActivities(billing.system).bill, request)


async def undo(billing: Reference, request: Bill) -> None:
    again = request.model_copy(update={"key": f"{request.key}/undo"})
    for _ in range(2):
        await perform(BillingActivities(billing.system).unbill, again)


async def charges(billing: Reference) -> list[tuple[str, float | None]]:
    """State and amount of every charge there is, oldest first."""
    return [
        (each["state"], each["price"][0]["price"]["dutyFreeAmount"]["value"] if each["price"] else None)
        for each in await billing.get(CHARGE)
    ]


async def test_a_new_product_is_charged_from_the_time_of_its_order(billing: Reference) -> None:
    charge_id = await do(billing, NEW)
    charge = await billing.get(f"{CHARGE}/{charge_id}")
    assert (charge["product"]["id"], charge["name"], charge["state"]) == ("p-1", "Fibre 500", "active")
    assert (charge["customer"], charge["billingAccount"]) == ({"id": "c-1"}, {"id": "b-1"})
    assert charge["startDate"].startswith("2026-03-01T10:00:00")
    assert charge["price"] == [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 29.9}}}]


async def test_what_costs_nothing_is_not_charged(billing: Reference) -> None:
    assert await do(billing, bill()) is None
    assert await do(billing, bill(Action.MODIFY)) is None
    assert await do(billing, bill(Action.DELETE)) is None
    assert await billing.effects() == []


async def test_starting_again_starts_no_second_charge(billing: Reference) -> None:
    assert await do(billing, NEW) == await do(billing, NEW)
    assert await charges(billing) == [("active", 29.9)]


async def test_a_modification_changes_the_price_of_the_charge_there_is(billing: Reference) -> None:
    charge_id = await do(billing, NEW)
    for _ in range(2):
        assert await do(billing, CHANGE) == charge_id
    assert await charges(billing) == [("active", 39.9)]


async def test_a_start_that_a_restored_workflow_repeats_at_a_later_time_finds_the_charge(billing: Reference) -> None:
    charge_id = await do(billing, NEW)
    later = NEW.model_copy(update={"at": "2026-03-02T10:00:00.000Z"})
    assert await do(billing, later) == charge_id
    assert await charges(billing) == [("active", 29.9)]


async def test_a_modification_that_begins_to_cost_starts_a_charge_once_though_the_answer_is_lost(
    billing: Reference,
) -> None:
    request = bill(Action.MODIFY, prices=price(5.0))
    await billing.fault("lostAnswer", operation="startCharge")
    with pytest.raises(DownstreamError, match="lost"):
        await do(billing, request)
    assert await do(billing, request) is not None
    assert await charges(billing) == [("active", 5.0)]


async def test_the_charge_of_a_deleted_product_ends_at_the_time_of_its_order(billing: Reference) -> None:
    charge_id = await do(billing, NEW)
    await do(billing, END)
    charge = await billing.get(f"{CHARGE}/{charge_id}")
    assert charge["state"] == "ended"
    assert charge["endDate"].startswith("2026-06-01T00:00:00")


async def test_stopping_again_after_a_lost_answer_is_nothing(billing: Reference) -> None:
    await do(billing, NEW)
    await billing.fault("lostAnswer", operation="stopCharge")
    with pytest.raises(DownstreamError, match="lost"):
        await do(billing, END)
    await do(billing, END)
    assert await charges(billing) == [("ended", 29.9)]


async def test_undoing_an_addition_leaves_no_charge(billing: Reference) -> None:
    await do(billing, NEW)
    await undo(billing, NEW)
    assert await charges(billing) == []


async def test_undoing_an_addition_whose_answer_was_lost_leaves_no_charge(billing: Reference) -> None:
    await billing.fault("lostAnswer", operation="startCharge")
    with pytest.raises(DownstreamError):
        await do(billing, NEW)
    await undo(billing, NEW)
    assert await charges(billing) == []


async def test_undoing_a_modification_gives_back_the_price(billing: Reference) -> None:
    await do(billing, NEW)
    await do(billing, CHANGE)
    await undo(billing, CHANGE)
    assert await charges(billing) == [("active", 29.9)]


async def test_a_modification_moves_the_charge_to_another_account_and_its_undo_moves_it_back(
    billing: Reference,
) -> None:
    charge_id = await do(billing, NEW)
    moved = bill(
        Action.MODIFY,
        prices=price(29.9),
        previous_prices=price(29.9),
        billing_account="b-2",
        record={"billingAccount": {"id": "b-1"}},
    )
    await do(billing, moved)
    assert (await billing.get(f"{CHARGE}/{charge_id}"))["billingAccount"] == {"id": "b-2"}
    await undo(billing, moved)
    assert (await billing.get(f"{CHARGE}/{charge_id}"))["billingAccount"] == {"id": "b-1"}


async def test_undoing_the_first_account_of_a_charge_leaves_it_without_one(billing: Reference) -> None:
    charge_id = await do(billing, bill(prices=price(29.9)))
    first = bill(Action.MODIFY, prices=price(29.9), previous_prices=price(29.9), billing_account="b-1")
    await do(billing, first)
    assert (await billing.get(f"{CHARGE}/{charge_id}"))["billingAccount"] == {"id": "b-1"}
    await undo(billing, first)
    assert "billingAccount" not in await billing.get(f"{CHARGE}/{charge_id}")


async def test_undoing_a_modification_that_began_to_cost_leaves_no_charge(billing: Reference) -> None:
    request = bill(Action.MODIFY, prices=price(5.0))
    await do(billing, request)
    await undo(billing, request)
    assert await charges(billing) == []


async def test_undoing_a_deletion_charges_again_under_the_same_charge(billing: Reference) -> None:
    charge_id = await do(billing, NEW)
    await do(billing, END)
    await undo(billing, END)
    charge = await billing.get(f"{CHARGE}/{charge_id}")
    assert charge["state"] == "active"
    assert "endDate" not in charge


async def test_undoing_a_deletion_restarts_the_charge_that_ended_last(billing: Reference) -> None:
    first = await do(billing, NEW)
    await do(billing, bill(Action.DELETE, "first end", "2026-06-01T00:00:00.000Z"))
    await do(billing, bill(key="second", prices=price(9.9)))
    await do(billing, bill(Action.DELETE, "second end", "2026-05-01T00:00:00.000Z"))
    await undo(billing, END)
    assert (await billing.get(f"{CHARGE}/{first}"))["state"] == "active"


async def test_undoing_a_stop_that_never_was_leaves_the_charge_and_what_ended_before(billing: Reference) -> None:
    await do(billing, bill(key="old", prices=price(9.9)))
    await do(billing, bill(Action.DELETE, "old end"))
    await do(billing, NEW)
    await billing.fault("permanent", operation="stopCharge")
    with pytest.raises(DownstreamError, match="422"):
        await do(billing, END)
    await undo(billing, END)
    assert await charges(billing) == [("ended", 9.9), ("active", 29.9)]


async def test_undoing_what_never_came_to_billing_is_nothing(billing: Reference) -> None:
    for request in (NEW, CHANGE, END):
        await undo(billing, request)
    assert await billing.effects() == []


@pytest.mark.parametrize(
    ("kind", "said", "retryable"),
    [
        ("permanent", "billing answered 422 to POST /billing/v1/charge: account closed", False),
        ("transient", "billing answered 503 to POST /billing/v1/charge: account closed", True),
        ("rubbish", "billing answered 200 to POST /billing/v1/charge with something that is not JSON", False),
    ],
)
async def test_a_fault_of_billing_says_so_and_whether_another_try_may_help(
    billing: Reference, kind: str, said: str, retryable: bool
) -> None:
    await billing.fault(kind, operation="startCharge", message="account closed")
    with pytest.raises(DownstreamError, match=said) as caught:
        await do(billing, NEW)
    assert caught.value.retryable is retryable
    assert await charges(billing) == []
