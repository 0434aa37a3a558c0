"""An order of TMF622 v5 goes its way as any other, and who listens by v5 is told of it in v5's words."""

from __future__ import annotations

from typing import Any

import pytest

from orders.model.v5 import to_v5
from tests.listener import listening
from tests.stage import Stage, customer_of, example
from tmf.paths import TMF622_V5

pytestmark = pytest.mark.anyio

CLOSED = "completed"


async def test_an_order_of_version_5_completes_and_its_listener_is_told_so(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    document["productOrderItem"].append({"id": "2", "action": "add", "quantity": 2} | _without_number(document))
    async with listening() as listener:
        registered = await stage.gateway.post(f"{TMF622_V5}/hub", json={"callback": listener.callback})
        assert registered.status_code == 201, registered.text
        answer = await stage.gateway.post(f"{TMF622_V5}/productOrder", json=to_v5(document))
        assert answer.status_code == 201, answer.text
        order_id = answer.json()["id"]
        assert (await stage.ended(order_id))["state"] == CLOSED
        shown = (await stage.gateway.get(f"{TMF622_V5}/productOrder/{order_id}")).json()

        def completed(event: dict[str, object]) -> bool:
            return event["correlationId"] == order_id and str(event["title"]).endswith(CLOSED)

        events = await listener.got(lambda all_of_them: any(map(completed, all_of_them)))

    last = next(each for each in events if completed(each))
    told = last["event"]["productOrder"]
    assert (last["@type"], last["timeOccurred"]) == ("ProductOrderStateChangeEvent", last["eventTime"])
    assert {each["@type"] for each in events} >= {"ProductOrderCreateEvent", "ProductOrderStateChangeEvent"}
    assert (told["state"], told["href"]) == (CLOSED, shown["href"])
    assert told["creationDate"] == shown["creationDate"]
    assert told["relatedParty"] == shown["relatedParty"]
    products = {each["id"] for each in await stage.products(customer)}
    for order in (shown, told):
        one, two = order["productOrderItem"]
        several = [each["id"] for each in two["realizedProduct"]]
        assert (len(several), {one["product"]["id"], *several}) == (2, products)
        assert "id" not in two["product"]
    assert told["relatedParty"][0]["partyOrPartyRole"]["@type"] == "PartyRef"


def _without_number(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the first item of an order orders, but for a number of choice, which can be had once."""
    first = document["productOrderItem"][0]
    values = [each for each in first["product"]["productCharacteristic"] if "umber" not in each["name"]]
    return {
        "productOffering": first["productOffering"],
        "product": {**first["product"], "productCharacteristic": values},
    }
