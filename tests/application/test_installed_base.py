"""The installed base: what inventory says that a customer has, as far as an order touches it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from application.http import DownstreamError
from application.installed_base import read_installed_base
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder
from orders.model.product_orders import ProductOrder
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder
from tests.application.conftest import Reference, scripted

pytestmark = pytest.mark.anyio

PRODUCT = "/tmf-api/productInventory/v4/product"
SERVICE = "/tmf-api/serviceInventory/v4/service"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
CUSTOMER = [{"id": "c-1", "role": "customer"}]


def order(*products: dict[str, Any], **attributes: Any) -> ProductOrder:
    items = [{"id": str(number), "action": "modify", "product": product} for number, product in enumerate(products)]
    return ProductOrder.model_validate(
        {"productOrderItem": items or [{"id": "1", "action": "add"}], "relatedParty": CUSTOMER, **attributes}
    )


async def stock(inventory: Reference, path: str, **document: Any) -> None:
    response = await inventory.client.post(path, json=document, headers={"Idempotency-Key": f"{path}{document['id']}"})
    assert response.status_code == 201, response.text


async def product(inventory: Reference, product_id: str, **attributes: Any) -> None:
    await stock(inventory, PRODUCT, **{"id": product_id, "status": "active", "relatedParty": CUSTOMER, **attributes})


async def service(inventory: Reference, service_id: str, **attributes: Any) -> None:
    document = {"id": service_id, "state": "active", "serviceSpecification": {"id": "cfs"}, **attributes}
    await stock(inventory, SERVICE, **document)


async def read(inventory: Reference, wanted: PostedOrder) -> InstalledBase:
    return await read_installed_base(inventory.system, wanted)


async def fibre(inventory: Reference) -> None:
    """An access with a port under an internet service under a product in a bundle that relies on a line."""
    await product(
        inventory,
        "bundle",
        name="Fibre bundle",
        productRelationship=[{"relationshipType": "bundles", "product": {"id": "internet"}}],
    )
    await product(
        inventory,
        "internet",
        name="Fibre 500",
        productOffering={"id": "fibre-500"},
        productSpecification={"id": "fibre"},
        place=[{"role": "billing"}, {"id": "BER-1", "role": "installation"}],
        billingAccount={"id": "b-1"},
        productCharacteristic=[{"name": "downloadSpeed", "value": 500}, {"name": "note", "value": None}],
        productPrice=[{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 29.9}}}],
        realizingService=[{"id": "s-internet", "name": "internet"}],
        productRelationship=[
            {"relationshipType": "reliesOn", "product": {"id": "line"}},
            {"relationshipType": "migratedFrom", "product": {"id": "dsl"}},
        ],
    )
    await product(inventory, "line", realizingService=[{"id": "s-line"}])
    await product(inventory, "dsl", realizingService=[{"id": "s-dsl", "name": "dsl"}], status="terminated")
    await service(
        inventory,
        "s-internet",
        serviceSpecification={"id": "cfs-internet"},
        serviceCharacteristic=[{"name": "downloadSpeed", "value": 500}],
        supportingService=[{"id": "s-access", "name": "access"}],
    )
    await service(
        inventory,
        "s-access",
        serviceSpecification={"id": "rfs-access"},
        supportingResource=[{"id": "gpon-port-ber-1-1", "name": "port"}, {"id": "no-more", "name": "vlan"}],
    )
    await service(inventory, "s-line")


async def test_a_named_product_comes_with_services_and_resources_under_their_keys(inventory: Reference) -> None:
    await fibre(inventory)
    found = (await read(inventory, order({"id": "internet"}))).products["internet"]
    assert (found.name, found.status, found.offering_id, found.specification_id) == (
        "Fibre 500",
        "active",
        "fibre-500",
        "fibre",
    )
    assert (found.customer_id, found.place, found.billing_account) == ("c-1", "BER-1", "b-1")
    assert found.characteristics == {"downloadSpeed": 500, "note": None}
    assert [each.model_dump(mode="json", exclude_unset=True) for each in found.prices] == [
        {"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 29.9}}}
    ]
    (internet,) = found.services
    assert (internet.id, internet.key, internet.specification_id) == ("s-internet", "internet", "cfs-internet")
    assert (internet.state, internet.characteristics) == ("active", {"downloadSpeed": 500})
    (access,) = internet.services
    assert (access.id, access.key, access.specification_id) == ("s-access", "access", "rfs-access")
    (port,) = access.resources
    assert (port.id, port.key, port.specification_id, port.value, port.pool) == (
        "gpon-port-ber-1-1",
        "port",
        "gpon-port",
        "olt-ber1/1/1/1",
        "gpon-port-ber-1",
    )


async def test_what_a_named_bundle_has_and_relies_on_comes_in_full_too(inventory: Reference) -> None:
    await fibre(inventory)
    base = await read(inventory, order({"id": "bundle"}))
    assert base.products["bundle"].components == ["internet"]
    assert base.products["internet"].relies_on == ["line"]
    assert [service.id for service in base.products["internet"].services] == ["s-internet"]
    assert [(service.id, service.key) for service in base.products["line"].services] == [("s-line", "s-line")]


async def test_what_the_order_does_not_touch_comes_without_services_and_what_has_ended_not_at_all(
    inventory: Reference,
) -> None:
    await fibre(inventory)
    base = await read(inventory, order({"id": "line"}))
    assert set(base.products) == {"bundle", "internet", "line"}
    assert base.products["internet"].services == []


async def test_a_product_of_somebody_else_comes_with_who_it_belongs_to(inventory: Reference) -> None:
    seller = [{"id": "s-1", "role": "seller"}, {"id": "c-2", "role": "Customer"}]
    await product(inventory, "theirs", relatedParty=seller)
    await product(inventory, "nobodys", relatedParty=[])
    base = await read(inventory, order({"id": "theirs"}, {"id": "nobodys"}))
    assert (base.products["theirs"].customer_id, base.products["nobodys"].customer_id) == ("c-2", None)
    assert base.of_customer("c-1") == []


async def test_who_only_sells_a_product_or_is_only_billed_at_a_place_does_not_have_it_there(
    inventory: Reference,
) -> None:
    places = [{"id": "X-1", "role": "billing"}, {"id": "BER-1", "role": "installation"}]
    await product(inventory, "sold", relatedParty=[{"id": "s-1", "role": "seller"}], place=places)
    sold = (await read(inventory, order({"id": "sold"}))).products["sold"]
    assert (sold.customer_id, sold.place) == (None, "BER-1")


async def test_a_product_without_anything_is_read_as_what_it_is(inventory: Reference) -> None:
    await product(inventory, "bare", relatedParty=[])
    found = (await read(inventory, order({"id": "bare"}))).products["bare"]
    assert (found.name, found.services, found.prices, found.place) == ("bare", [], [], None)
    assert (found.offering_id, found.components, found.characteristics) == (None, [], {})


async def test_what_an_order_may_change_is_kept_as_it_is(inventory: Reference) -> None:
    await fibre(inventory)
    record = (await read(inventory, order({"id": "internet"}))).products["internet"].record
    assert record["productCharacteristic"] == [{"name": "downloadSpeed", "value": 500}, {"name": "note", "value": None}]
    assert record["place"][0] == {"role": "billing"}
    assert (record["status"], record["productOffering"]) == ("active", {"id": "fibre-500"})
    line = (await read(inventory, order({"id": "line"}))).products["line"]
    assert line.record["billingAccount"] is None
    assert line.services[0].record == {
        "state": "active",
        "serviceCharacteristic": None,
        "supportingService": None,
        "supportingResource": None,
        "place": None,
    }


async def test_who_holds_a_resource_is_read_with_it(inventory: Reference) -> None:
    await fibre(inventory)
    reservation = {"resourceSpecification": {"id": "gpon-port"}, "pool": "gpon-port-ber-1", "requestedBy": "po:before"}
    await inventory.client.post(
        "/tmf-api/resourcePoolManagement/v4/reservation", json=reservation, headers={"Idempotency-Key": "r"}
    )
    (internet,) = (await read(inventory, order({"id": "internet"}))).products["internet"].services
    assert [resource.reserved_by for resource in internet.services[0].resources] == ["po:before"]


@pytest.mark.parametrize("product_id", ["unknown", "a/b?c#d", "..", ".", "a\nb", "😀", "x" * 400])
async def test_an_unknown_product_is_just_not_there(inventory: Reference, product_id: str) -> None:
    assert (await read(inventory, order({"id": product_id}))).products == {}


async def test_an_order_without_a_customer_reads_what_it_names_and_no_more(inventory: Reference) -> None:
    await fibre(inventory)
    assert set((await read(inventory, order({"id": "line"}, relatedParty=[]))).products) == {"line"}
    assert (await read(inventory, order(relatedParty=[]))).products == {}


async def test_a_new_product_brings_those_it_relates_to(inventory: Reference) -> None:
    await fibre(inventory)
    relations = [{"relationshipType": "reliesOn", "product": {"id": "line"}}]
    base = await read(inventory, order({"productRelationship": relations}))
    assert [service.id for service in base.products["line"].services] == ["s-line"]


@pytest.mark.parametrize(
    "relations",
    [
        "reliesOn",
        {"relationshipType": "reliesOn"},
        [None, 1, "x", [], {}],
        [{"relationshipType": "reliesOn"}],
        [{"relationshipType": "reliesOn", "product": None}],
        [{"relationshipType": "reliesOn", "product": "line"}],
        [{"relationshipType": "reliesOn", "product": {"id": 7}}, {"relationshipType": ["x"], "product": {"id": "p"}}],
        [{"relationshipType": "reliesOn", "product": {"id": ""}}],
    ],
)
async def test_relations_that_a_client_wrote_otherwise_lead_nowhere(inventory: Reference, relations: Any) -> None:
    assert (await read(inventory, order({"productRelationship": relations}))).products == {}


async def test_services_that_support_each_other_are_read_once(inventory: Reference) -> None:
    await product(inventory, "p", realizingService=[{"id": "s-1", "name": "one"}])
    await service(inventory, "s-1", supportingService=[{"id": "s-2", "name": "two"}])
    await service(inventory, "s-2", supportingService=[{"id": "s-1", "name": "one"}, {"id": "s-2", "name": "two"}])
    (one,) = (await read(inventory, order({"id": "p"}))).products["p"].services
    assert [(two.key, two.services) for two in one.services] == [("two", [])]


async def test_products_that_bundle_each_other_are_read_once(inventory: Reference) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        await product(inventory, one, productRelationship=[{"relationshipType": "bundles", "product": {"id": other}}])
    assert set((await read(inventory, order({"id": "a"}, relatedParty=[]))).products) == {"a", "b"}


async def test_all_products_of_a_large_customer_are_read_page_by_page() -> None:
    pages = [[{"id": f"p-{page}-{number}"} for number in range(3)] for page in range(2)]
    system, script = scripted(*(httpx2.Response(206, json=page) for page in [*pages, []]))
    base = await read_installed_base(system, order(relatedParty=CUSTOMER))
    assert len(base.products) == 6
    assert dict(script.asked[0].url.params) == {"relatedParty.id": "c-1", "status": "active", "limit": "1000"}
    assert [request.url.params.get("offset") for request in script.asked] == [None, "3", "6"]


@pytest.mark.parametrize(
    "body",
    [
        {"id": "p"},
        [{"name": "without an id"}],
        [{"id": "p", "productCharacteristic": [{"value": 1}]}],
        [{"id": "p", "productPrice": [{"price": {"dutyFreeAmount": {"value": "much"}}}]}],
        [{"id": "p", "productRelationship": [{"relationshipType": "bundles"}]}],
        [{"id": "p", "productOffering": "fibre"}],
        ["p"],
        None,
    ],
)
async def test_an_inventory_that_makes_no_sense_is_final_and_quoted(body: Any) -> None:
    system, _ = scripted(httpx2.Response(200, json=body))
    with pytest.raises(DownstreamError, match=r"inventory answered 200 to GET .*product with something") as caught:
        await read_installed_base(system, order())
    assert not caught.value.retryable


async def test_null_in_place_of_a_list_is_an_empty_one() -> None:
    names = (
        "place",
        "productCharacteristic",
        "productPrice",
        "productRelationship",
        "realizingService",
        "relatedParty",
    )
    system, _ = scripted(httpx2.Response(200, json=[{"id": "p", **dict.fromkeys(names)}]))
    found = (await read_installed_base(system, order())).products["p"]
    assert (found.prices, found.components, found.place, found.customer_id) == ([], [], None, None)


async def test_an_inventory_that_is_away_is_worth_another_try() -> None:
    system, _ = scripted(httpx2.Response(503, headers={"Retry-After": "3"}))
    with pytest.raises(DownstreamError) as caught:
        await read_installed_base(system, order())
    assert caught.value.retryable


def services(*service_ids: str) -> ServiceOrder:
    items = [{"id": each, "action": "modify", "service": {"id": each}} for each in service_ids]
    return ServiceOrder.model_validate({"serviceOrderItem": items})


def resources(*resource_ids: str) -> ResourceOrder:
    items = [{"id": each, "action": "modify", "resource": {"id": each}} for each in resource_ids]
    return ResourceOrder.model_validate({"orderItem": items})


async def test_a_named_service_comes_with_what_supports_it_and_the_products_that_need_it(inventory: Reference) -> None:
    await fibre(inventory)
    found = await read(inventory, services("s-internet", "nobody"))
    assert found.products == {}
    assert [each.specification_id for each in found.services()] == ["cfs-internet", "rfs-access"]
    assert found.single_services["s-internet"].services[0].resources[0].id == "gpon-port-ber-1-1"
    assert found.owners == {"s-internet": ["product:internet"]}


async def test_what_a_part_supports_is_found_all_the_way_up(inventory: Reference) -> None:
    await fibre(inventory)
    found = await read(inventory, services("s-access"))
    assert found.owners == {"s-access": ["service:s-internet", "product:internet"]}


async def test_a_product_that_has_ended_needs_no_service_any_more(inventory: Reference) -> None:
    await fibre(inventory)
    await service(inventory, "s-dsl")
    assert (await read(inventory, services("s-dsl"))).owners == {"s-dsl": []}


async def test_a_service_has_its_place_and_its_customer(inventory: Reference) -> None:
    await service(inventory, "s-1", place=[{"id": "BER-1"}], relatedParty=CUSTOMER)
    there = (await read(inventory, services("s-1"))).single_services["s-1"]
    assert (there.place, there.customer_id) == ("BER-1", "c-1")


async def test_a_named_resource_comes_with_the_services_and_products_that_need_it(inventory: Reference) -> None:
    await fibre(inventory)
    found = await read(inventory, resources("gpon-port-ber-1-1", "gpon-port-ber-1-2", "nobody"))
    port = found.single_resources["gpon-port-ber-1-1"]
    assert (port.specification_id, port.in_use) == ("gpon-port", False)
    assert found.owners == {
        "gpon-port-ber-1-1": ["service:s-access", "service:s-internet", "product:internet"],
        "gpon-port-ber-1-2": [],
    }
