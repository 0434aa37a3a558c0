"""The search attributes by which operators find orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client

from activities.amendments import PlannedAmendment
from orders.model.product_orders import ProductOrder
from workflows.contracts import search_attributes

ITEMS = [{"id": "1", "action": "add"}]


def found_by(**attributes: Any) -> dict[str, Any]:
    order = ProductOrder.model_validate({"productOrderItem": ITEMS, **attributes})
    return {pair.key.name: pair.value for pair in search_attributes.of_order(order)}


def test_an_order_is_found_by_everything_that_operators_ask_for() -> None:
    assert found_by(
        externalId="crm-17",
        category="B2B",
        priority="0",
        orderDate="2026-03-01T10:00:00Z",
        requestedStartDate="2026-03-02T00:00:00+02:00",
        requestedCompletionDate="2026-03-09T00:00:00Z",
        relatedParty=[{"id": "s-1", "role": "seller"}, {"id": "c-1", "role": "Customer"}],
    ) == {
        "OrderState": "acknowledged",
        "OrderCustomer": "c-1",
        "OrderCategory": "B2B",
        "OrderExternalId": "crm-17",
        "OrderPriority": 0,
        "OrderDate": datetime(2026, 3, 1, 10, tzinfo=UTC),
        "OrderRequestedStart": datetime(2026, 3, 1, 22, tzinfo=UTC),
        "OrderRequestedCompletion": datetime(2026, 3, 9, tzinfo=UTC),
    }


def test_an_order_that_says_nothing_of_itself_has_a_state_and_the_lowest_priority() -> None:
    assert found_by(externalId="", category=None) == {"OrderState": "acknowledged", "OrderPriority": 4}


def test_an_amendment_changes_what_an_order_is_found_by_where_it_sets_it_anew() -> None:
    def changed(*names: str, **version: Any) -> dict[str, Any]:
        planned = PlannedAmendment(
            planned_at=datetime(2026, 3, 1, tzinfo=UTC), attributes=dict.fromkeys(names), **version
        )
        return {each.key.name: each.value for each in search_attributes.of_amendment(planned)}

    assert changed("note", customer="c-1") == {}
    assert changed("relatedParty", "category", customer="c-2", category="b2b", external_id="x") == {
        "OrderCustomer": "c-2",
        "OrderCategory": "b2b",
    }
    due = datetime(2026, 3, 9, tzinfo=UTC)
    assert changed("externalId", "requestedStartDate", "requestedCompletionDate", requested_completion_date=due) == {
        "OrderExternalId": None,
        "OrderRequestedStart": None,
        "OrderRequestedCompletion": due,
    }


def test_a_text_that_the_engine_would_refuse_is_cut() -> None:
    assert found_by(externalId="e" * 5000)["OrderExternalId"] == "e" * 255


@pytest.mark.parametrize(
    ("priority", "number"), [("0", 0), ("4", 4), (None, 4), ("5", 4), ("-1", 4), ("high", 4), ("٣", 4), ("", 4)]
)
def test_a_priority_is_a_number_from_0_to_4(priority: str | None, number: int) -> None:
    assert search_attributes.priority_number(priority) == number


def test_the_attributes_leave_room_for_others_in_a_namespace() -> None:
    """SQL visibility has ten Keyword attributes in a namespace, and three of each other type."""
    kinds = list(search_attributes.TYPES.values())
    assert set(kinds) == {"Keyword", "Int", "Datetime"}
    assert kinds.count("Keyword") < 10
    assert kinds.count("Int") < 3
    assert kinds.count("Datetime") <= 3


@pytest.mark.anyio
async def test_registering_again_finds_them_all_there(engine: Client) -> None:
    await search_attributes.register(engine)
    assert await search_attributes.register(engine) == []
