"""What the Web UI shows of an order from its start."""

from __future__ import annotations

from typing import Any

from temporalio.common import Priority

from orders.model.product_orders import ProductOrder
from workflows.connection import describe, precedence


def described(*items: dict[str, Any], **attributes: Any) -> tuple[str, list[str]]:
    order = ProductOrder.model_validate({"id": "7f3k2a9d01", "productOrderItem": list(items), **attributes})
    summary, details = describe(order)
    return summary, details.splitlines()


def item(number: int, name: str = "Fibre 500", **more: Any) -> dict[str, Any]:
    return {"id": str(number), "action": "add", "productOffering": {"id": "fibre-500", "name": name}, **more}


def test_the_summary_names_the_first_item_and_counts_the_rest_nested_ones_too() -> None:
    assert described(item(1))[0] == "add Fibre 500"
    assert described(item(1, productOrderItem=[item(2)]), item(3))[0] == "add Fibre 500 and 2 more"


def test_the_summary_is_a_short_line_whatever_the_offering_is_called() -> None:
    for name in ("n" * 5000, "光" * 5000, "\ud800" * 5000):
        summary = described(item(1, name))[0]
        assert summary.endswith("…")
        assert 196 < len(summary.encode()) <= 200


def test_the_details_are_short_however_much_an_order_says() -> None:
    longest = "光" * 1_000_000
    items = [item(number, longest) for number in range(60)]
    order = ProductOrder.model_validate(
        {
            "id": "7f3k2a9d01",
            "productOrderItem": items,
            "description": longest,
            "externalId": longest,
            "relatedParty": [{"id": longest, "role": "customer"}],
        }
    )
    _, details = describe(order)
    assert len(details.encode()) <= 8000
    assert "- External id: 光" in details
    assert "- Description: 光" in details
    assert "`0` add 光" in details


def test_the_details_have_the_facts_that_there_are_and_the_items() -> None:
    _, lines = described(
        item(1),
        {"id": "2", "action": "delete", "product": {"id": "p-1"}},
        externalId="crm-17",
        priority="1",
        relatedParty=[{"id": "c-1", "role": "customer"}],
    )
    assert lines == [
        "**Product order 7f3k2a9d01**",
        "",
        "- External id: crm-17",
        "- Customer: c-1",
        "- Priority: 1",
        "",
        "- `1` add Fibre 500",
        "- `2` delete p-1",
    ]


def test_of_a_large_order_the_details_show_the_first_fifty_items() -> None:
    summary, lines = described(*(item(number) for number in range(5000)))
    assert summary == "add Fibre 500 and 4999 more"
    assert lines[-1] == "- `49` add Fibre 500"


def test_priorities_begin_with_one_and_customers_have_shares_where_they_are_to() -> None:
    order = ProductOrder.model_validate(
        {"productOrderItem": [item(1)], "priority": "2", "relatedParty": [{"id": "c-1", "role": "customer"}]}
    )
    assert precedence(order, fair=False) == Priority(priority_key=3)
    key = precedence(order, fair=True).fairness_key
    assert key
    assert "c-1" not in key
