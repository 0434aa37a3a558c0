"""What could be had instead: candidates in the order of their closeness, before anyone checks them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from catalogs.alternatives import (
    MAX_CANDIDATES,
    alternatives,
    assembled,
    categories_of,
    distance,
    new_item,
    offered,
    takes,
)
from catalogs.model.catalog_set import CatalogSet
from catalogs.nodes.services import ServiceNode, service_nodes
from catalogs.sold_services import sold_configurations
from orders.model.installed import InstalledBase
from orders.model.product_orders import Characteristic, Product, ProductOrderItem
from orders.model.service_orders import ServiceOrder
from tests.catalogs.sample_orders import TODAY, add, delete, fibre_bundle, order, tv
from tmf.bodies import Document


def only(document: Document) -> ProductOrderItem:
    return order(document).product_order_item[0]


def offering(item: ProductOrderItem) -> str:
    assert item.product_offering
    return item.product_offering.id


def outline(item: ProductOrderItem) -> tuple[str, dict[str, Any]]:
    return offering(item), item.product.characteristics() if item.product else {}


def parts(item: ProductOrderItem) -> list[str]:
    return [offering(part) for part in item.product_order_item or []]


def test_other_values_come_first_then_other_offerings_of_the_product(shipped: CatalogSet) -> None:
    item = only(add("1", "fibre-internet", downloadSpeed=500))
    found = alternatives(item, {"1"}, shipped, TODAY)
    assert [outline(each.item) for each in found] == [
        ("fibre-internet", {"downloadSpeed": 250}),
        ("fibre-internet", {"downloadSpeed": 1000}),
        ("fibre-internet", {"downloadSpeed": 100}),
        ("internet-250", {}),
        ("internet-1000", {}),
        ("fibre-home-bundle", {}),
    ]
    assert parts(found[-1].item) == ["home-router", "fibre-internet"]
    distances = [each.distance for each in found]
    assert distances == sorted(distances)


def test_only_what_is_to_blame_is_varied(shipped: CatalogSet) -> None:
    bundle = only(fibre_bundle(tv()))
    found = alternatives(bundle, {"tv"}, shipped, TODAY)
    varied = {
        offering(part): part.product.characteristics()
        for each in found
        for part in each.item.product_order_item or []
        if part.product and offering(part) == "fibre-internet"
    }
    assert varied == {"fibre-internet": {"downloadSpeed": 250}}
    assert parts(found[-1].item) == ["fibre-internet", "home-router"]


def test_a_part_that_the_bundle_needs_stays(shipped: CatalogSet) -> None:
    found = alternatives(only(fibre_bundle(tv())), {"internet", "tv"}, shipped, TODAY)
    reduced = [each for each in found if "home-tv" not in parts(each.item)]
    assert reduced
    assert all(parts(each.item) == ["fibre-internet", "home-router"] for each in reduced)
    speeds = [
        part.product.characteristics()
        for each in reduced
        for part in each.item.product_order_item or []
        if part.product and offering(part) == "fibre-internet"
    ]
    assert {each["downloadSpeed"] for each in speeds} == {100, 250, 500, 1000}


def test_what_is_unknown_or_goes_has_no_alternative(shipped: CatalogSet) -> None:
    assert alternatives(only(add("1", "unknown")), {"1"}, shipped, TODAY) == []
    assert alternatives(only(delete("1", "p")), {"1"}, shipped, TODAY) == []


def test_there_are_never_too_many(shipped: CatalogSet) -> None:
    hub = only(add("1", "vpn-spoke-site", siteName="x"))
    assert 0 < len(alternatives(hub, {"1"}, shipped, TODAY)) <= MAX_CANDIDATES


def test_a_bundle_without_parts_gets_those_that_it_needs(shipped: CatalogSet) -> None:
    assert parts(assembled(only(add("1", "fibre-home-bundle")), shipped, TODAY)) == ["fibre-internet", "home-router"]
    chosen = add("1", "fibre-home-bundle", tv())
    assert parts(assembled(only(chosen), shipped, TODAY)) == ["home-tv"]
    related = add("1", "fibre-home-bundle")
    related["productOrderItemRelationship"] = [{"id": "2", "relationshipType": "bundles"}]
    assert parts(assembled(only(related), shipped, TODAY)) == []


def test_only_what_is_sold_by_itself_is_offered(shipped: CatalogSet) -> None:
    every = {each.id for each in offered(shipped, TODAY)}
    assert {"fibre-home-bundle", "fibre-internet", "mobile-plan", "business-vpn"} <= every
    assert not every & {"home-tv", "adsl-internet"}
    assert [each.id for each in offered(shipped, TODAY, specification="mobile-plan")] == ["mobile-plan"]
    assert [each.id for each in offered(shipped, datetime(2020, 1, 1, tzinfo=UTC)) if each.id == "mobile-plan"] == []


def test_an_offering_takes_the_values_that_it_allows(shipped: CatalogSet) -> None:
    slow, other = Characteristic(name="downloadSpeed", value=250), Characteristic(name="color", value="red")
    fixed = shipped.offerings.get("internet-1000")
    free = shipped.offerings.get("fibre-internet")
    assert fixed
    assert free
    assert takes(free, [slow], shipped)
    assert not takes(fixed, [slow], shipped)
    assert not takes(free, [slow, other], shipped)
    made = new_item("1", free, Product(product_characteristic=[slow, other]), shipped, TODAY)
    assert outline(made) == ("fibre-internet", {"downloadSpeed": 250})
    assert categories_of(free) == {"internet"}


@pytest.mark.parametrize(
    ("nearer", "farther"),
    [
        ({"speed": 250}, {"speed": 100}),
        ({"speed": 400}, {"speed": 600}),
        ({"speed": 500, "kind": "a"}, {"speed": 500, "kind": "b"}),
        ({"speed": 500}, {}),
    ],
)
def test_less_of_a_number_is_nearer_than_more_and_the_same_is_nearest(
    nearer: dict[str, Any], farther: dict[str, Any]
) -> None:
    asked = {"speed": 500, "kind": "a", "unset": None}
    assert distance(asked, asked) == 0
    assert distance(asked, {"kind": "a", **nearer}) < distance(asked, {"kind": "a", **farther})


def wish(specification: str, shipped: CatalogSet, **chosen: Any) -> ServiceNode:
    characteristics = [{"name": name, "value": value} for name, value in chosen.items()]
    service = {"serviceSpecification": {"id": specification}, "serviceCharacteristic": characteristics}
    item = {"id": "1", "action": "add", "service": service}
    order = ServiceOrder.model_validate({"serviceOrderItem": [item]})
    return service_nodes(order, shipped, InstalledBase(), TODAY)[0]


def test_what_is_sold_of_a_service_is_what_products_make_of_it(shipped: CatalogSet) -> None:
    internet = wish("cfs-internet", shipped, downloadSpeed=300, uploadSpeed=60)
    assert sold_configurations(internet, shipped, TODAY) == [
        {"downloadSpeed": 250, "uploadSpeed": 50},
        {"downloadSpeed": 500, "uploadSpeed": 100},
        {"downloadSpeed": 100, "uploadSpeed": 40},
        {"downloadSpeed": 1000, "uploadSpeed": 200},
    ]
    assert sold_configurations(wish("rfs-gpon-access", shipped), shipped, TODAY) == []
