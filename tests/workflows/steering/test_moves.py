"""Orders that move: products, services and resources are at the new place, or exactly where they were."""

from __future__ import annotations

import pytest

from tests.stage import Stage, customer_of, example, stalled
from tests.thorough import chosen
from tests.workflows.saga.test_exact_undo import NETWORK, RESOURCE, records
from tmf.bodies import Document
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


def at(place: str) -> list[Document]:
    return [{"id": place, "role": "installation", "@referredType": "GeographicSite"}]


def order_of(customer: str, *items: Document) -> Document:
    document: Document = {"productOrderItem": list(items)}
    customer_of(document, customer)
    return document


def moved(product: str, place: str, item_id: str = "1") -> Document:
    return {"id": item_id, "action": "modify", "product": {"id": product, "place": at(place)}}


async def fibre(stage: Stage, *offerings: str) -> tuple[str, dict[str, str]]:
    """Install a fibre bundle at BER-1; return the customer and each offering's product."""
    document = example("fibre-bundle")
    customer = customer_of(document)
    bundle = document["productOrderItem"][0]
    kept = ("fibre-internet", "home-router", *offerings)
    bundle["productOrderItem"] = [each for each in bundle["productOrderItem"] if each["productOffering"]["id"] in kept]
    for each in bundle["productOrderItem"]:
        if each["productOffering"]["id"] == "fibre-internet":
            each["product"]["productCharacteristic"] = [{"name": "downloadSpeed", "value": 250}]
    assert (await stage.done(document))["state"] == "completed"
    return customer, {each["productOffering"]["id"]: each["id"] for each in await stage.products(customer)}


def places(documents: list[Document]) -> set[str]:
    return {each["id"] for document in documents for each in document.get("place") or []}


def bound(found: Document) -> dict[str, str]:
    """Each resource of a customer that is bound to a place, with it."""
    return {each["id"]: each["place"]["id"] for each in found["resources"] if "place" in each}


def monthly(found: Document) -> list[tuple[str, list[Document]]]:
    """What is charged for each product, but for what was charged once."""
    prices = {
        charge["product"]["id"]: [each for each in charge["price"] if each["priceType"] == "recurring"]
        for charge in found["charges"]
    }
    return sorted(prices.items())


def in_use(found: Document) -> Document:
    """What systems have of a customer without what has ended."""
    services = [each for each in found["services"] if each["state"] == "active"]
    held = {each["id"] for service in services for each in service.get("supportingResource", [])}
    return {
        "products": [each for each in found["products"] if each["status"] == "active"],
        "services": services,
        "resources": [each for each in found["resources"] if each["id"] in held],
        "network": [each for each in found["network"] if each.get("id") in {*held, *(each["id"] for each in services)}],
    }


STEPS: list[tuple[str, Document]] = [
    ("inventory", {"operation": "reserve", "specification": "internet-vlan"}),
    ("inventory", {"operation": "release", "specification": "gpon-port"}),
    ("activation", {"operation": "modify", "specification": "rfs-internet-session"}),
    ("activation", {"operation": "test"}),
    ("inventory", {"operation": "updateService", "specification": "cfs-home-network"}),
    ("inventory", {"operation": "updateProduct"}),
]
"""Where a move can fail for good."""


async def test_a_bundle_moves_as_a_whole_or_stays_exactly_where_it_is(stage: Stage) -> None:
    customer, products = await fibre(stage)
    before = await records(stage, customer)
    move = order_of(customer, moved(products["fibre-home-bundle"], "HAM-1"))
    for system, match in chosen(STEPS, 3):
        await stage.fault(getattr(stage, system), match=match, kind="permanent", times=1)
        failed = await stage.done(move)
        assert (failed["state"], failed.get("residue")) == ("failed", None), match
        assert await records(stage, customer) == before, match
        await stage.heal()

    order = await stage.done(move)

    assert order["state"] == "completed"
    after = await records(stage, customer)
    assert {each["id"] for each in after["products"]} == {each["id"] for each in before["products"]}
    assert {each["id"] for each in after["services"]} == {each["id"] for each in before["services"]}
    assert places(after["products"]) == places(after["services"]) == {"HAM-1"}
    assert {each["state"] for each in after["services"]} == {"active"}
    assert set(bound(after).values()) == {"HAM-1"}
    assert len(bound(after)) == len(bound(before)) == 2
    services = {each["id"] for each in after["services"]}
    assert places([each for each in after["network"] if each.get("id") in services]) == {"HAM-1"}
    assert monthly(after) == monthly(before)
    for resource in bound(before):
        given_back = (await stage.inventory.get(f"{RESOURCE}/{resource}")).json()
        assert (given_back["resourceStatus"], given_back["usageState"]) == ("available", "idle")
    path = f"/tmf-api/serviceOrdering/v4/serviceOrder?orderRelationship.id={order['id']}"
    children: list[Document] = (await stage.gateway.get(path)).json()
    shown = [item["service"] for child in children for item in child["serviceOrderItem"]]
    assert shown
    assert places(shown) == {"HAM-1"}


async def test_what_cannot_be_had_at_the_new_place_stays_where_it_is(stage: Stage) -> None:
    customer, products = await fibre(stage, "home-tv")
    before = await records(stage, customer)
    order = await stage.done(order_of(customer, moved(products["fibre-home-bundle"], "HAM-1")))
    assert order["state"] == "rejected"
    (said,) = order["productOrderErrorMessage"]
    assert "productOrderItem[0].product.place" in said["reason"]
    assert "TV over IP is not possible at HAM-1: cfs-iptv is not available at HAM-1" in said["reason"]
    assert await records(stage, customer) == before


async def vpn(stage: Stage) -> tuple[str, str]:
    """Install a VPN of a hub and one site at SITE-1; return the customer and the site's product."""
    document = example("vpn-8-sites")
    customer = customer_of(document)
    parts = document["productOrderItem"][0]["productOrderItem"]
    document["productOrderItem"][0]["productOrderItem"] = parts[:3]
    assert (await stage.done(document))["state"] == "completed"
    products = await stage.products(customer)
    return customer, next(each["id"] for each in products if each["productOffering"]["id"] == "vpn-spoke-site")


async def test_a_site_works_on_at_the_old_place_until_it_works_at_the_new_one_also_when_that_is_amended(
    stage: Stage,
) -> None:
    customer, site = await vpn(stage)
    before = in_use(await records(stage, customer))
    refused = {"kind": "permanent", "times": 1}
    await stage.fault(stage.inventory, match={"operation": "release", "specification": "access-vlan"}, **refused)
    failed = await given_up(stage, order_of(customer, moved(site, "SITE-9")))
    assert (failed["state"], failed.get("residue")) == ("failed", None)
    assert in_use(await records(stage, customer)) == before
    await stage.heal()

    (old,) = (
        each["id"] for each in before["services"] if each["category"] == "CFS" and _is(each, "cfs-site-access", 1)
    )
    with stalled(stage.activation, "so:1:overlay/"):
        order_id = await stage.submit(order_of(customer, moved(site, "SITE-9")))
        await stage.reached(order_id, {"1:access": "done", "1:overlay": "running"})
        assert (await stage.activation.get(f"{NETWORK['service']}/{old}")).json()["state"] == "active"
        assert len([each for each in await stage.services(customer) if _is(each, "cfs-site-access", 1)]) == 1
        amended = await stage.amend(order_id, productOrderItem=[moved(site, "SITE-12")])
        assert amended.status_code == 200, amended.text

    order = await stage.ended(order_id)

    assert order["state"] == "completed"
    after = in_use(await records(stage, customer))
    assert [
        each for each in after["services"] if _is(each, "cfs-site-access", 1) or _is(each, "cfs-site-access", 9)
    ] == []
    assert "SITE-12" in places(after["services"])
    assert {"SITE-1", "SITE-9"} & places(after["services"] + after["products"]) == set()
    assert sorted(bound(after).values()) == sorted(
        "SITE-12" if place == "SITE-1" else place for place in bound(before).values()
    )
    assert len(after["services"]) == len(before["services"])
    taken = [each["specification"] for each in await stage.taken_resources(order_id)]
    assert sorted(taken) == ["access-port", "access-vlan", "vpn-cpe", "wan-prefix"]
    assert (await stage.activation.get(f"{NETWORK['service']}/{old}")).status_code == 404


async def given_up(stage: Stage, document: Document) -> Document:
    """Post an order of which a person lets fail what falls out; return it once it has ended."""
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="fail")
    return await stage.ended(order_id)


def _is(service: Document, specification: str, site: int) -> bool:
    return bool(
        service["serviceSpecification"]["id"] == specification
        and service["state"] == "active"
        and places([service]) == {f"SITE-{site}"}
    )


async def test_a_move_is_amended_to_a_third_place_and_back_to_the_first_while_it_runs(stage: Stage) -> None:
    customer, products = await fibre(stage)
    internet = products["fibre-internet"]
    before = await records(stage, customer)
    other = example("mobile")["productOrderItem"][0] | {"id": "2"}
    with stalled(stage.activation, ":so:2:mobile"):
        order_id = await stage.submit(order_of(customer, moved(internet, "HAM-1"), other))
        await stage.reached(order_id, {"1:internet": "done", "2:mobile": "running"})

        preview = await stage.preview(order_id, productOrderItem=[moved(internet, "MUC-1"), other])
        assert {each["key"]: each["action"] for each in preview["changes"] if each["action"] != "leave"} == {
            "1:internet": "modify",
            "1": "replace",
        }
        assert (await stage.amend(order_id, productOrderItem=[moved(internet, "MUC-1"), other])).status_code == 200
        await stage.until(lambda order: order["productOrderItem"][0]["state"] == "completed", order_id)
        third = await records(stage, customer)
        assert set(bound(third).values()) == {"MUC-1"}
        assert "HAM-1" not in places([*third["services"], *third["products"]])

        assert (await stage.amend(order_id, productOrderItem=[moved(internet, "BER-1"), other])).status_code == 200
        await stage.until(lambda order: order["productOrderItem"][0]["state"] == "completed", order_id)
        back = await records(stage, customer)
        for kind in ("products", "services", "resources", "network"):
            known = {each["id"]: each for each in before[kind] if "id" in each}
            assert {each["id"]: each for each in back[kind] if each.get("id") in known} == known, kind
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_services_and_resources_that_are_ordered_by_themselves_move(stage: Stage) -> None:
    access = {"serviceSpecification": {"id": "cfs-site-access"}, "place": at("SITE-4")}
    given = {"siteName": "Depot", "bandwidth": 100, "redundancy": "none"}
    access["serviceCharacteristic"] = [{"name": name, "value": value} for name, value in given.items()]
    added: Document = {"serviceOrderItem": [{"id": "1", "action": "add", "service": access}]}
    customer = customer_of(added)
    service = (await stage.done(added))["serviceOrderItem"][0]["service"]["id"]
    change: Document = {"serviceOrderItem": [{"id": "1", "action": "modify", "service": {"id": service}}]}
    change["serviceOrderItem"][0]["service"]["place"] = at("SITE-5")
    customer_of(change, customer)

    assert (await stage.done(change))["state"] == "completed"

    there = await records(stage, customer)
    assert places(there["services"]) == {"SITE-5"}
    assert set(bound(there).values()) == {"SITE-5"}
    assert service in {each["id"] for each in there["services"]}

    port = {"resourceSpecification": {"id": "access-port"}, "place": at("BER-1")[0]}
    made = await stage.done({"orderItem": [{"id": "1", "action": "add", "resource": port}]})
    old = made["orderItem"][0]["resource"]["id"]
    item = {"id": "1", "action": "modify", "resource": {"id": old, "place": at("HAM-1")[0]}}
    there = (await stage.inventory.get(f"{RESOURCE}/{old}")).json()
    await stage.fault(
        stage.inventory, match={"operation": "release", "specification": "access-port"}, kind="permanent", times=1
    )
    assert (await given_up(stage, {"orderItem": [item]}))["state"] == "failed"
    assert (await stage.inventory.get(f"{RESOURCE}/{old}")).json() == there
    order = await stage.done({"orderItem": [item]})
    new = order["orderItem"][0]["resource"]["id"]
    documents = [(await stage.inventory.get(f"{RESOURCE}/{each}")).json() for each in (old, new)]
    assert [(each["place"]["id"], each["resourceStatus"], each["usageState"]) for each in documents] == [
        ("BER-1", "available", "idle"),
        ("HAM-1", "reserved", "active"),
    ]
    # A resource that no service uses is leaked to the audit of the tests after this one.
    await stage.done({"orderItem": [{"id": "1", "action": "delete", "resource": {"id": new}}]})
    assert new not in {each["id"] for each in (await stage.audit())["leaked"]}
