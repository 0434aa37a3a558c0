"""Items with `noChange` that say something else than inventory has: refused, each difference named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catalogs.model.catalog_set import CatalogSet
from catalogs.planning import plan_posted
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.model.posted import posted_order
from tmf.bodies import Document

ON = datetime(2026, 6, 1, tzinfo=UTC)
CUSTOMER = {"id": "c-1", "role": "customer"}
VALUES = {"downloadSpeed": 250, "tags": ["a", "b"], "on": True}
BASE = InstalledBase(
    products={
        "p-1": InstalledProduct(
            id="p-1",
            name="Internet",
            status="active",
            offering_id="fibre-internet",
            specification_id="internet",
            customer_id="c-1",
            place="BER-1",
            billing_account="acct-1",
            characteristics=VALUES,
        )
    },
    single_services={
        "s-1": InstalledService(
            id="s-1", key="s-1", specification_id="cfs-mobile", state="active", place="BER-1", characteristics=VALUES
        )
    },
    single_resources={
        "r-1": InstalledResource(
            id="r-1",
            key="r-1",
            specification_id="vpn-cpe",
            value="SN-1",
            pool="cpe",
            place="BER-1",
            characteristics=VALUES,
        )
    },
)


def chosen(values: Document, name: str) -> Document:
    return {name: [{"name": each, "value": value} for each, value in values.items()]}


def reasons(catalogs: CatalogSet, kind: OrderKind, item: Document) -> dict[str, str]:
    """Return what an item that changes nothing is refused for: path → message."""
    document = {"id": "o", "relatedParty": [CUSTOMER], ITEM_LISTS[kind]: [{"id": "1", "action": "noChange", **item}]}
    found = plan_posted(posted_order(kind, document), catalogs, BASE, 1, ON).violations
    return {each.path.partition(".")[2]: each.message for each in found if each.code == "noChangeDiffers"}


@pytest.mark.parametrize(
    ("item", "path", "said"),
    [
        ({"product": chosen({"downloadSpeed": 1000}, "productCharacteristic")},
         "product.productCharacteristic[0].value",
         "downloadSpeed: the item says 1000, inventory has 250; "),
        ({"product": chosen({"colour": "red"}, "productCharacteristic")}, "product.productCharacteristic[0].value",
         'colour: the item says "red", inventory has none; '),
        ({"product": chosen({"on": 1}, "productCharacteristic")}, "product.productCharacteristic[0].value",
         "on: the item says 1, inventory has true; "),
        ({"product": {"place": [{"id": "X-1", "role": "billing"}, {"id": "HAM-1"}]}}, "product.place",
         'place: the item says "HAM-1", inventory has "BER-1"; '),
        ({"productOffering": {"id": "mobile-plan"}}, "productOffering.id",
         'productOffering: the item says "mobile-plan", inventory has "fibre-internet"; '),
        ({"product": {"productOffering": {"id": "mobile-plan"}}}, "product.productOffering.id",
         'productOffering: the item says "mobile-plan", inventory has "fibre-internet"; '),
        ({"product": {"productSpecification": {"id": "mobile"}}}, "product.productSpecification.id",
         'productSpecification: the item says "mobile", inventory has "internet"; '),
        ({"product": {"name": "My line"}}, "product.name",
         'name: the item says "My line", inventory has "Internet"; '),
        ({"billingAccount": {"id": "acct-2"}}, "billingAccount.id",
         'billingAccount: the item says "acct-2", inventory has "acct-1"; '),
    ],
)  # fmt: skip
def test_a_product_that_stays_is_said_to_be_what_it_is(
    shipped: CatalogSet, item: Document, path: str, said: str
) -> None:
    item = {**item, "product": {"id": "p-1", **item.get("product", {})}}
    found = reasons(shipped, OrderKind.PRODUCT, item)
    assert list(found) == [path]
    assert found[path] == f"{said}noChange changes nothing: say modify, or what is there"


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (OrderKind.SERVICE, {"service": {"id": "s-1", "place": [{"id": "HAM-1"}],
                                         **chosen({"downloadSpeed": 1}, "serviceCharacteristic")}}),
        (OrderKind.RESOURCE, {"resource": {"id": "r-1", "value": "SN-2", "category": "pool-2", "place": {"id": "HAM-1"},
                                           **chosen({"downloadSpeed": 1}, "resourceCharacteristic")}}),
    ],
)  # fmt: skip
def test_a_service_or_resource_that_stays_is_said_to_be_what_it_is(
    shipped: CatalogSet, kind: OrderKind, item: Document
) -> None:
    expected = {
        OrderKind.SERVICE: {"service.place", "service.serviceCharacteristic[0].value"},
        OrderKind.RESOURCE: {
            "resource.value",
            "resource.category",
            "resource.place",
            "resource.resourceCharacteristic[0].value",
        },
    }
    assert reasons(shipped, kind, item).keys() == expected[kind]


@pytest.mark.parametrize(
    "values", [{"downloadSpeed": 250.0}, {"tags": ["b", "a"]}, {"on": True}, {"tags": None}, VALUES]
)
def test_what_means_the_same_does_not_differ(shipped: CatalogSet, values: Document) -> None:
    product = {"id": "p-1", "place": [{"id": "BER-1"}], **chosen(values, "productCharacteristic")}
    item = {"product": product, "productOffering": {"id": "fibre-internet"}, "billingAccount": {"id": "acct-1"}}
    assert reasons(shipped, OrderKind.PRODUCT, item) == {}
    service = {"id": "s-1", **chosen(values, "serviceCharacteristic")}
    assert reasons(shipped, OrderKind.SERVICE, {"service": service}) == {}
    resource = {"id": "r-1", "value": "SN-1", **chosen(values, "resourceCharacteristic")}
    assert reasons(shipped, OrderKind.RESOURCE, {"resource": resource}) == {}


@pytest.mark.parametrize("service", [{}, chosen({"speed": 1}, "serviceCharacteristic")])
def test_an_item_without_a_service_has_nothing_but_others_in_it(shipped: CatalogSet, service: Document) -> None:
    items = [{"id": "1", "action": "noChange", "service": service}]
    order = posted_order(OrderKind.SERVICE, {"id": "o", "serviceOrderItem": items})
    [found] = plan_posted(order, shipped, BASE, 1, ON).violations
    assert (found.code, found.path) == ("serviceMissing", "serviceOrderItem[0].service.id")
