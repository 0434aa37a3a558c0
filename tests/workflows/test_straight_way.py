"""Orders that go the straight way: what they leave in the systems, and what they do not touch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.replay.scenarios import internet_of
from tests.stage import PRODUCT_ORDER, Stage, customer_of, example, histories_of
from tmf.instants import timestamp
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


async def test_a_fibre_bundle_becomes_products_services_resources_and_charges(stage: Stage) -> None:
    document = example("fibre-bundle")
    customer = customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "completed"
    assert order["completionDate"].endswith("Z")
    assert states_of_items(order) == {"completed"}
    products = await stage.products(customer)
    bundle = next(each for each in products if each["productOffering"]["id"] == "fibre-home-bundle")
    assert {"fibre-internet", "home-router", "home-voice", "home-tv"} <= {
        product["productOffering"]["id"] for product in products
    }
    assert {product["status"] for product in products} == {"active"}
    ordered = order["productOrderItem"][0]
    made = [
        (each["productOffering"]["id"], product["id"])
        for each in (ordered, *ordered["productOrderItem"])
        for product in each.get("realizedProduct", [each["product"]])
    ]
    assert sorted(made) == sorted((each["productOffering"]["id"], each["id"]) for each in products)
    (as_it_came,) = await stage.revisions(order["id"])
    (sent,) = as_it_came["document"]["productOrderItem"]
    for each in (sent, *sent["productOrderItem"]):
        assert "id" not in each["product"]
        assert "realizedProduct" not in each
    bundled = {relation["product"]["id"] for relation in bundle["productRelationship"]}
    assert bundled == {product["id"] for product in products} - {bundle["id"]}
    services = await stage.services(customer)
    assert {service["state"] for service in services} == {"active"}
    held = {reference["id"] for service in services for reference in service.get("supportingResource", [])}
    assert held == {resource["id"] for resource in await stage.taken_resources(order["id"])}
    charged = (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer})).json()
    assert {charge["product"]["id"] for charge in charged} == {
        product["id"] for product in products if product["productPrice"]
    }


async def test_an_order_shows_what_its_products_are_charged(stage: Stage) -> None:
    document = example("fibre-bundle")
    customer = customer_of(document)
    added = await stage.done(document)
    assert added["productOrderItem"][0]["itemPrice"]
    products = {each["id"]: each["productOffering"]["id"] for each in await stage.products(customer)}
    assert recurring(added["orderTotalPrice"]) == await charged(stage, [*products])

    internet, tv = (each for name in ("fibre-internet", "home-tv") for each in products if products[each] == name)
    more = [{"name": "setTopBoxes", "value": 3}]
    same: dict[str, Any] = {"id": internet}
    for product in (same, {"id": tv, "productCharacteristic": more}):
        item = {"id": "1", "action": "modify", "product": product}
        changed = await stage.done({**document, "externalId": None, "productOrderItem": [item]})
        assert changed["state"] == "completed"
        assert recurring(changed["orderTotalPrice"]) == recurring(changed["productOrderItem"][0]["itemTotalPrice"])
        assert recurring(changed["orderTotalPrice"]) == await charged(stage, [product["id"]])
    assert recurring(changed["orderTotalPrice"]) == 2599  # the premium package, and two boxes beyond the first


def recurring(prices: list[dict[str, Any]]) -> int:
    """Return what prices come to each month without tax, discounts taken off, in cents."""
    parts: list[float] = [
        part["price"]["dutyFreeAmount"]["value"]
        for price in prices
        if price["priceType"] == "recurring"
        for part in (price, *price.get("priceAlteration", []))
    ]
    return round(sum(parts) * 100)


async def charged(stage: Stage, products: list[str]) -> int:
    """Return what billing charges for products each month, in cents."""
    charges = [
        charge
        for product in products
        for charge in (await stage.billing.get("/billing/v1/charge", params={"product.id": product})).json()
    ]
    return sum(recurring(charge["price"]) for charge in charges)


async def test_the_three_kinds_of_orders_refer_to_each_other(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)

    order = await stage.done(document)

    child = next(each for each in order["orderRelationship"] if each["@referredType"] == "ServiceOrder")
    service_order = (await stage.gateway.get(child["href"])).json()
    assert service_order["state"] == "completed"
    assert {item["state"] for item in service_order["serviceOrderItem"]} == {"completed"}
    parents = [each for each in service_order["orderRelationship"] if each["relationshipType"] == "parent"]
    assert parents[0]["href"] == order["href"]
    grandchild = next(each for each in service_order["orderRelationship"] if each["@referredType"] == "ResourceOrder")
    resource_order = (await stage.gateway.get(grandchild["href"])).json()
    assert resource_order["state"] == "completed"
    assert all(item["resource"]["value"] for item in resource_order["orderItem"])


async def test_sites_that_do_not_depend_on_each_other_start_together(stage: Stage) -> None:
    document = example("vpn-8-sites")
    customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "completed"
    history = (await histories_of(stage, order["id"]))[0]
    before_the_first_end: set[str] = set()
    for event in history.events:
        if event.HasField("child_workflow_execution_completed_event_attributes"):
            break
        if event.HasField("start_child_workflow_execution_initiated_event_attributes"):
            before_the_first_end.add(event.start_child_workflow_execution_initiated_event_attributes.workflow_id)
    assert len([each for each in before_the_first_end if each.endswith(":access")]) == 8


async def test_a_modify_calls_only_for_what_differs_from_the_installed_base(stage: Stage) -> None:
    document = example("fibre-bundle")
    customer = customer_of(document)
    await stage.done(document)
    change = example("modify-fibre", PRODUCT=await internet_of(stage, customer))
    customer_of(change, customer)

    order = await stage.done(change)

    assert order["state"] == "completed"
    changed = {entry["target"] for entry in await stage.log(stage.activation, order["id"])}
    services = await stage.services(customer)
    speeds = {
        service["id"]: characteristic["value"]
        for service in services
        for characteristic in service["serviceCharacteristic"]
        if characteristic["name"] == "downloadSpeed"
    }
    assert set(speeds.values()) == {1000}
    untouched = {
        service["id"] for service in services if service["serviceSpecification"]["id"] in ("cfs-voice", "cfs-iptv")
    }
    assert untouched
    assert not changed & untouched
    assert not [entry for entry in await stage.log(stage.inventory, order["id"]) if entry["operation"] == "reserve"]


async def test_a_delete_tears_down_in_reverse_and_releases_every_resource(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    added = await stage.done(document)
    deletion = example("delete-mobile", PRODUCT=(await stage.products(customer))[0]["id"])
    customer_of(deletion, customer)

    order = await stage.done(deletion)

    assert order["state"] == "completed"
    assert {product["status"] for product in await stage.products(customer)} == {"terminated"}
    assert {service["state"] for service in await stage.services(customer)} == {"terminated"}
    assert await stage.taken_resources(added["id"]) == []
    charges = (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer})).json()
    assert {charge["state"] for charge in charges} == {"ended"}
    torn_down = [
        entry["target"]
        for entry in await stage.log(stage.activation, order["id"])
        if entry["operation"].startswith("deactivate") and "/service/" in entry["key"]
    ]
    customer_facing = [s["id"] for s in await stage.services(customer) if s["category"] == "CFS"]
    assert torn_down[0] in customer_facing


async def test_an_item_that_changes_nothing_calls_no_system(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    await stage.done(document)
    product = (await stage.products(customer))[0]["id"]
    unchanged = {"productOrderItem": [{"id": "1", "action": "noChange", "product": {"id": product}}]}
    customer_of(unchanged, customer)

    order = await stage.done(unchanged)

    assert order["state"] == "completed"
    for system in (stage.inventory, stage.activation, stage.billing):
        assert await stage.log(system, order["id"]) == []


async def test_an_order_waits_for_its_start_date_as_pending(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    document["requestedStartDate"] = timestamp(datetime.now(UTC) + timedelta(seconds=3))

    order_id = await stage.submit(document)

    await stage.until(lambda order: order["state"] == "pending", order_id)
    assert await stage.taken_resources(order_id) == []
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_answer_that_is_lost_is_asked_for_again_and_has_one_effect(stage: Stage) -> None:
    await stage.fault(
        stage.inventory, match={"operation": "reserve", "specification": "imsi"}, kind="lostAnswer", times=1
    )
    document = example("mobile")
    customer_of(document)

    order = await stage.done(document)

    assert order["state"] == "completed"
    reserved = [
        entry["outcome"]
        for entry in await stage.log(stage.inventory, order["id"])
        if entry["operation"] == "reserve" and "/imsi/" in entry["key"]
    ]
    assert reserved == ["done"]


async def test_operators_find_an_order_by_its_search_attributes(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    document |= {"externalId": f"CRM-{customer}", "category": "consumer", "priority": "1"}

    order = await stage.done(document)

    for clause in (
        f"OrderCustomer = '{customer}'",
        f"OrderExternalId = 'CRM-{customer}'",
        f"OrderCategory = 'consumer' AND OrderCustomer = '{customer}'",
        f"OrderPriority = 1 AND OrderCustomer = '{customer}'",
        f"OrderState = 'completed' AND OrderCustomer = '{customer}'",
        f"OrderDate >= '{order['orderDate']}' AND OrderCustomer = '{customer}'",
    ):
        await stage.found(clause, ids.root_workflow(order["id"]))


async def test_queries_tell_the_order_its_plan_and_its_timeline(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    order = await stage.done(document)
    handle = stage.client.get_workflow_handle(ids.root_workflow(order["id"]))

    view: dict[str, Any] = await handle.query("order")
    plan: list[dict[str, Any]] = await handle.query("plan")
    timeline: list[dict[str, Any]] = await handle.query("timeline")

    assert view["state"] == "completed"
    assert set(view["items"].values()) == {"completed"}
    assert {node["state"] for node in plan} == {"done"}
    assert [entry["what"] for entry in timeline if entry["what"].startswith("order ")] == [
        "order inProgress",
        "order completed",
    ]


async def test_the_stored_plan_is_what_the_preview_showed(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)

    preview = (await stage.gateway.post(f"{PRODUCT_ORDER}/preview", json=document)).json()
    order = await stage.done(document)
    plan = (await stage.gateway.get(f"{PRODUCT_ORDER}/{order['id']}/plan")).json()

    assert preview["violations"] == []
    assert plan["serviceOrders"] == preview["plan"]["serviceOrders"]


def states_of_items(order: dict[str, Any]) -> set[str]:
    """Return the states of an order's items, nested ones too."""

    def walk(items: list[dict[str, Any]]) -> set[str]:
        return {item["state"] for item in items} | {
            state for item in items for state in walk(item.get("productOrderItem", []))
        }

    return walk(order["productOrderItem"])
