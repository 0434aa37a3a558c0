"""What is large goes by way of the order store: Temporal takes 2 MB at once, a request may have four."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.stage import Stage, customer_of, example, path_of
from tmf.instants import timestamp
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

LARGE = [{"id": str(number), "text": "x" * 10_000} for number in range(300)]


async def test_an_amendment_may_be_as_large_as_an_order(stage: Stage) -> None:
    document = example("mobile") | {"requestedStartDate": timestamp(datetime.now(UTC) + timedelta(days=30))}
    customer_of(document)
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["state"] == "pending", order_id)

    for change in ({"note": LARGE}, {"theirOwn": LARGE}, {"description": "x" * 10_000}, {"category": "x" * 10_000}):
        answer = await stage.amend(order_id, **change, productOrderItem=document["productOrderItem"])
        assert answer.status_code == 200, answer.text[:500]
        name, value = next(iter(change.items()))
        assert (await stage.order(order_id))[name] == value
    await stage.tell(ids.root_workflow(order_id), "cancel")
    assert (await stage.ended(order_id))["state"] == "cancelled"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("hold", {"reason": "x" * 300_000}),
        ("resume", {"reason": "x" * 300_000}),
        ("preview", {"description": "x" * 5_000_000}),
    ],
)
async def test_a_message_that_is_too_large_is_refused_with_its_limit(
    stage: Stage, kind: str, body: dict[str, Any]
) -> None:
    answer = await stage.gateway.post(f"{path_of('abcdefghij')}/{kind}", json=body)
    assert answer.status_code == 413
    assert "bytes" in answer.json()["message"]


async def test_an_order_that_is_wrong_at_length_is_rejected_with_what_can_be_told(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    values = document["productOrderItem"][0]["product"]["productCharacteristic"]
    values += [{"name": "x" * 10_000, "value": 1}, *({"name": f"unknown{n}", "value": 1} for n in range(600))]

    order = await stage.done(document)

    assert order["state"] == "rejected"
    assert order["productOrderErrorMessage"][0]["reason"].endswith("…")
    assert order["productOrderErrorMessage"][-1]["reason"].endswith("more reasons")
