"""A change or a deletion that fails for good leaves every record of every system as it was, to the attribute."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.stage import Stage, customer_of, example
from tests.thorough import chosen

pytestmark = pytest.mark.anyio

RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
NETWORK = {
    "service": "/tmf-api/ServiceActivationAndConfiguration/v4/service",
    "resource": "/tmf-api/ResourceActivationAndConfiguration/v4/resource",
}
SET_UP = {"serviceDate", "startDate", "startOperatingDate"}


async def records(stage: Stage, customer: str) -> dict[str, Any]:
    """Everything that the systems have of a customer; who holds a resource is another reservation after an undo."""
    services = await stage.services(customer)
    held = [reference["id"] for service in services for reference in service.get("supportingResource", [])]
    resources = [(await stage.inventory.get(f"{RESOURCE}/{each}")).json() for each in held]
    network = [
        (await stage.activation.get(f"{NETWORK[kind]}/{each}")).json()
        for kind, ids in (("service", [service["id"] for service in services]), ("resource", held))
        for each in ids
    ]
    # What was torn down and is set up again is as old as that.
    network = [{name: each[name] for name in each.keys() - SET_UP} for each in network]
    return {
        "products": await stage.products(customer),
        "services": services,
        "resources": [{**resource, "reservation": None} for resource in resources],
        "network": network,
        "charges": (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer})).json(),
    }


async def installed(stage: Stage) -> tuple[str, dict[str, str]]:
    """Install internet and TV; return the customer and each offering's product."""
    document = example("fibre-bundle")
    customer = customer_of(document)
    bundle = document["productOrderItem"][0]
    kept = ("fibre-internet", "home-router", "home-tv")
    bundle["productOrderItem"] = [each for each in bundle["productOrderItem"] if each["productOffering"]["id"] in kept]
    assert (await stage.done(document))["state"] == "completed"
    return customer, {each["productOffering"]["id"]: each["id"] for each in await stage.products(customer)}


@pytest.mark.parametrize(
    ("offering", "values", "system", "operation"),
    chosen(
        [
            ("fibre-internet", {"downloadSpeed": 1000}, "billing", "changeCharge"),
            ("fibre-internet", {"downloadSpeed": 1000}, "activation", "test"),
            ("home-tv", {"setTopBoxes": 0, "package": "premium"}, "inventory", "updateProduct"),
            ("home-tv", {"setTopBoxes": 0, "package": "premium"}, "inventory", "release"),
        ],
        2,
    ),
)
async def test_a_failed_change_leaves_every_record_as_it_was(
    stage: Stage, offering: str, values: dict[str, Any], system: str, operation: str
) -> None:
    customer, products = await installed(stage)
    before = await records(stage, customer)
    change = example("modify-fibre", PRODUCT=products[offering])
    customer_of(change, customer)
    change["productOrderItem"][0]["product"]["productCharacteristic"] = [
        {"name": name, "value": value} for name, value in values.items()
    ]
    await stage.fault(getattr(stage, system), match={"operation": operation}, kind="permanent", times=1)

    order = await stage.done(change)

    assert (order["state"], order.get("residue")) == ("failed", None)
    assert await records(stage, customer) == before


@pytest.mark.parametrize(
    ("system", "operation"),
    chosen(
        [("activation", "deactivate"), ("inventory", "release"), ("inventory", "uninstall"), ("billing", "stopCharge")],
        2,
    ),
)
async def test_a_failed_deletion_leaves_every_record_as_it_was(stage: Stage, system: str, operation: str) -> None:
    document = example("mobile-esim")
    customer = customer_of(document)
    await stage.done(document)
    before = await records(stage, customer)
    deletion = example("delete-mobile", PRODUCT=(await stage.products(customer))[0]["id"])
    customer_of(deletion, customer)
    await stage.fault(getattr(stage, system), match={"operation": operation}, kind="permanent", times=1)

    order = await stage.done(deletion)

    assert (order["state"], order.get("residue")) == ("failed", None)
    assert await records(stage, customer) == before


async def test_an_order_that_cannot_even_be_planned_fails_and_says_why(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    system = stage.inventory._transport

    async def broken(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET" and request.url.path == "/tmf-api/productInventory/v4/product":
            product = {"id": customer, "status": "active", "relatedParty": [{"id": customer}], "productPrice": "much"}
            return httpx2.Response(200, json=[product])
        return await system.handle_async_request(request)

    stage.inventory._transport = httpx2.MockTransport(broken)
    try:
        order = await stage.done(document)
    finally:
        stage.inventory._transport = system

    assert order["state"] == "failed"
    assert {item["state"] for item in order["productOrderItem"]} == {"failed"}
    reason = order["productOrderErrorMessage"][0]["reason"]
    assert "inventory answered 200 to GET" in reason
    assert "productPrice" in reason
