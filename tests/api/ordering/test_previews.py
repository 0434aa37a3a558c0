"""POST productOrder/preview: what an order would come down to, with nothing stored or started."""

from __future__ import annotations

from typing import Any

import pytest

from application.http import DownstreamError
from orders.model.violation import Violation
from tests.api.conftest import MINIMAL, PRODUCT_ORDERS, Bench

pytestmark = pytest.mark.anyio

PREVIEW = f"{PRODUCT_ORDERS}/preview"


async def test_a_preview_gives_order_and_plan_and_leaves_nothing(bench: Bench) -> None:
    answer = await bench.client.post(PREVIEW, json={**MINIMAL, "externalId": "CRM-1", "x": {"y": 1}})
    preview = answer.json()
    assert answer.status_code == 200
    assert preview["violations"] == []
    assert preview["plan"]["catalog"] == {"digest": "d1", "label": "test"}
    assert preview["order"]["x"] == {"y": 1}
    assert not preview["order"].keys() & {"id", "href"}
    assert await bench.stored() == 0
    assert bench.engine.attempts == []


async def test_a_preview_lists_every_rule_that_the_order_breaks(bench: Bench) -> None:
    bench.planner.violations = [
        Violation(code="unknownOffering", path="productOrderItem[0].productOffering.id", message="no", item_id="1")
    ]
    answer = await bench.client.post(PREVIEW, json=MINIMAL)
    assert answer.status_code == 200
    assert answer.json()["plan"] is None
    assert answer.json()["violations"] == [
        {
            "code": "unknownOffering",
            "path": "productOrderItem[0].productOffering.id",
            "message": "no",
            "itemId": "1",
        }
    ]


@pytest.mark.parametrize("body", [{}, {"productOrderItem": [{"id": "1"}]}, []])
async def test_a_preview_of_no_order_is_refused_like_the_order(bench: Bench, body: Any) -> None:
    preview, order = await bench.client.post(PREVIEW, json=body), await bench.post(body)
    assert preview.status_code == order.status_code == 400
    assert preview.json() == order.json()


async def test_a_preview_is_unavailable_while_inventory_is(bench: Bench) -> None:
    bench.planner.error = DownstreamError("inventory", "inventory gave no answer to GET /x", retryable=True)
    answer = await bench.client.post(PREVIEW, json=MINIMAL)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["message"] == "inventory gave no answer to GET /x"
