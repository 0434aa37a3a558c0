"""Service orders that are posted (TMF641): they complete, cancel and fall out like any other."""

from __future__ import annotations

import pytest

from tests.stage import Stage, customer_of, example

pytestmark = pytest.mark.anyio

MOBILE = "service-order-mobile"


async def test_a_posted_service_order_realises_its_service(stage: Stage) -> None:
    document = example(MOBILE)
    customer = customer_of(document)
    order = await stage.done(document)
    assert order["state"] == "completed", order
    print(order)
