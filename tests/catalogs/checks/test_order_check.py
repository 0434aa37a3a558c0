"""Every rule that an order can break, and the orders that break none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catalogs.checks.product_orders import check_order
from catalogs.decomposition.product_orders import decompose
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase, InstalledProduct
from orders.model.product_orders import ProductOrder
from tests.catalogs.installation import install
from tests.catalogs.sample_orders import (
    TODAY,
    add,
    delete,
    fibre_bundle,
    item,
    keep,
    mobile,
    modify,
    order,
    spoke,
    tv,
    voice,
    vpn,
)
from tmf.bodies import Document

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def violations(
    catalogs: CatalogSet, placed: ProductOrder, base: InstalledBase | None = None
) -> list[tuple[str, str, str]]:
    found = check_order(placed, catalogs, base or InstalledBase(), TODAY)
    of_items = (each for each in found if each.path != "relatedParty")
    assert all(each.item_id in {one.id for one, _, _ in placed.items()} for each in of_items)
    return [(each.code, each.path, each.message) for each in found]


def owned(*products: InstalledProduct) -> InstalledBase:
    return InstalledBase(products={product.id: product for product in products})


def product(product_id: str, offering: str, specification: str, **attributes: Any) -> InstalledProduct:
    return InstalledProduct(
        **{
            "id": product_id,
            "name": offering,
            "status": "active",
            "offering_id": offering,
            "specification_id": specification,
            "customer_id": "customer-1",
            **attributes,
        }
    )


LEASE = product("lease", "modem-lease", "modem")
LINE = product("line", "line", "line", characteristics={"tier": "silver", "owner": "lab"})
PAIR = product("pair", "pair", "", specification_id=None, components=["part"])
PART = product("part", "part-only", "modem")

HERE = "productOrderItem[0]"


@pytest.mark.parametrize(
    "items",
    [
        [fibre_bundle()],
        [
            fibre_bundle(
                voice(3), tv(boxes=0), add("ip", "static-ip"), item("mesh", "add", offering="wifi-mesh", quantity=3)
            )
        ],
        [mobile()],
        [mobile(simType="esim", msisdn="+4915020100123", roaming="world")],
        [vpn(0)],
        [vpn(50)],
        [add("1", "fibre-internet", place="HAM-1", downloadSpeed=100)],
        [item("1", "add", offering="mobile-plan", quantity=5)],
    ],
)
def test_an_order_that_breaks_no_rule_has_no_violation(shipped: CatalogSet, items: list[Document]) -> None:
    assert violations(shipped, order(*items)) == []


@pytest.mark.parametrize("name", ["fibre-bundle", "fibre-technician", "mobile", "mobile-esim", "vpn-8-sites"])
def test_the_example_orders_break_no_rule(shipped: CatalogSet, name: str) -> None:
    placed = ProductOrder.model_validate_json((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert violations(shipped, placed) == []


@pytest.mark.parametrize(
    ("first", "second", "product_id"),
    [
        ("fibre-bundle", "modify-fibre", "product-1.1"),
        ("fibre-bundle", "move-fibre", "product-1.1"),
        ("mobile", "delete-mobile", "product-1"),
    ],
)
def test_the_example_changes_break_no_rule_once_the_first_example_is_installed(
    shipped: CatalogSet, first: str, second: str, product_id: str
) -> None:
    placed = ProductOrder.model_validate_json((EXAMPLES / f"{first}.json").read_text(encoding="utf-8"))
    base = install(decompose(placed, shipped, InstalledBase()))
    text = (EXAMPLES / f"{second}.json").read_text(encoding="utf-8").replace("$PRODUCT", product_id)
    change = ProductOrder.model_validate(json.loads(text))
    assert violations(shipped, change, base) == []


@pytest.mark.parametrize(
    ("placed", "code", "path", "message"),
    [
        (
            item("1", "add"),
            "offeringMissing",
            "productOffering",
            "an item to add names no product offering, nor does its product",
        ),
        (
            add("1", "modem-sell"),
            "unknownOffering",
            "productOffering.id",
            "there is no product offering 'modem-sell'; did you mean 'modem-sale'?",
        ),
        (
            item("1", "add", offering={"id": "modem-sale", "version": "9"}),
            "unknownOffering",
            "productOffering.id",
            "there is no product offering 'modem-sale' in version 9",
        ),
        (
            add("1", "in-design"),
            "offeringNotOnSale",
            "productOffering.id",
            "In design (in-design, version 1.0) is not on sale: it is In Design",
        ),
        (
            add("1", "future"),
            "offeringNotYetValid",
            "productOffering.id",
            "Future (future, version 1.0) is on sale only from 2030-01-01T00:00:00.000Z",
        ),
        (
            item("1", "add", offering={"id": "modem-lease", "version": "1.10"}),
            "offeringNotYetValid",
            "productOffering.id",
            "Modem lease, next (modem-lease, version 1.10) is on sale only from 2027-01-01T00:00:00.000Z",
        ),
        (
            add("1", "past"),
            "offeringNoLongerValid",
            "productOffering.id",
            "Past (past, version 1.0) was on sale until 2020-01-01T00:00:00.000Z",
        ),
        (
            add("1", "part-only"),
            "offeringNotSellable",
            "productOffering.id",
            "Part only (part-only) is sold only as a part of a bundle",
        ),
        (
            add("1", "line"),
            "requirementMissing",
            "productOffering.id",
            "line requires modem-lease, which the customer neither has nor orders",
        ),
        (
            add("1", "pair"),
            "bundleHasTooFew",
            "productOrderItem",
            "Pair needs at least 1 part-only; with this order it has 0",
        ),
        (
            add("1", "pair", item("2", "add", offering="part-only", quantity=3)),
            "bundleHasTooMany",
            "productOrderItem",
            "Pair takes at most 2 part-only; with this order it has 3",
        ),
        (
            add("1", "pair", add("2", "part-only"), add("3", "fixed-line")),
            "notInBundle",
            "productOrderItem[1].productOffering.id",
            "Fixed line (fixed-line) is no part of Pair",
        ),
        (
            add("1", "modem-sale", add("2", "part-only")),
            "notABundle",
            "productOffering.id",
            "Modem sale (modem-sale) is no bundle; it has no parts",
        ),
        (
            item("1", "add", add("2", "part-only"), offering="pair", quantity=2),
            "quantityNotAllowed",
            "quantity",
            "a bundle is ordered one at a time, not 2 in one item",
        ),
        (
            item("1", "add", offering="modem-sale", quantity=1001),
            "quantityTooLarge",
            "quantity",
            "1001 of one product; at most 1000 in one item",
        ),
        (
            item("1", "modify"),
            "productMissing",
            "product.id",
            "an item to modify names no product by its id",
        ),
        (
            delete("1", "gone"),
            "productNotFound",
            "product.id",
            "product gone is not in inventory",
        ),
    ],
)
def test_an_item_that_breaks_a_rule_is_told_with_its_path(
    lab: CatalogSet, placed: Document, code: str, path: str, message: str
) -> None:
    assert violations(lab, order(placed)) == [(code, f"{HERE}.{path}", message)]


@pytest.mark.parametrize(
    ("base", "placed", "code", "path", "message"),
    [
        (
            owned(LEASE.model_copy(update={"customer_id": "somebody"})),
            keep("1", "lease"),
            "productNotOfCustomer",
            "product.id",
            "product lease is not a product of customer customer-1",
        ),
        (
            owned(LEASE.model_copy(update={"status": "terminated"})),
            delete("1", "lease"),
            "productNotActive",
            "product.id",
            "product lease is terminated; only one in use can be ordered to delete",
        ),
        (
            owned(LEASE),
            item("1", "delete", product="lease", quantity=2),
            "quantityNotAllowed",
            "quantity",
            "an item to delete is about one product; its quantity is 2",
        ),
        (
            owned(LEASE),
            item("1", "add", offering="future-proof", product="lease"),
            "productExists",
            "product.id",
            "product lease is in inventory already; an item to add makes a new one",
        ),
        (
            owned(LEASE),
            add("1", "modem-sale"),
            "offeringExcluded",
            "productOffering.id",
            "modem-sale and modem-lease exclude each other; modem-lease is product lease",
        ),
        (
            owned(LEASE, LINE),
            delete("1", "lease"),
            "stillRequired",
            "product.id",
            "product line (line) still requires modem-lease",
        ),
        (
            owned(LEASE),
            item("1", "modify", product="lease", offering="fixed-line"),
            "offeringOfOtherProduct",
            "productOffering.id",
            "fixed-line is another product than modem-lease: delete the one and add the other",
        ),
        (
            owned(product("old", "telex", "telex")),
            modify("1", "old"),
            "unknownSpecification",
            "product.id",
            "product old is of the specification 'telex', which no catalog has",
        ),
        (
            owned(PAIR, PART),
            delete("1", "part"),
            "bundleHasTooFew",
            "product.id",
            "pair (pair) needs at least 1 part-only; delete the whole bundle",
        ),
        (
            owned(PAIR, PART),
            keep("1", "pair", delete("2", "part")),
            "bundleHasTooFew",
            "productOrderItem",
            "Pair needs at least 1 part-only; with this order it has 0",
        ),
        (
            owned(PAIR, PART),
            keep("1", "pair", item("2", "add", offering="part-only", quantity=2)),
            "bundleHasTooMany",
            "productOrderItem",
            "Pair takes at most 2 part-only; with this order it has 3",
        ),
        (
            owned(PAIR, PART),
            delete("1", "pair", keep("2", "part")),
            "actionsDoNotFit",
            "productOrderItem[0].action",
            "item 2 cannot noChange a part of what item 1 is to delete",
        ),
        (
            owned(PAIR, LEASE),
            keep("1", "pair", modify("2", "lease")),
            "notInBundle",
            "productOrderItem[0].product.id",
            "product lease is no part of product pair",
        ),
    ],
)
def test_an_item_that_does_not_fit_what_is_installed_is_told_with_its_path(
    lab: CatalogSet, base: InstalledBase, placed: Document, code: str, path: str, message: str
) -> None:
    assert (code, f"{HERE}.{path}", message) in violations(lab, order(placed), base)


def test_an_item_of_too_many_hides_nothing_of_the_others(shipped: CatalogSet) -> None:
    many = item("1", "add", offering="mobile-plan", quantity=10**9)
    found = violations(shipped, order(many, item("2", "add", offering="no-such-offering")))
    assert [(code, path) for code, path, _ in found] == [
        ("quantityTooLarge", f"{HERE}.quantity"),
        ("unknownOffering", "productOrderItem[1].productOffering.id"),
    ]


def test_an_offering_may_be_named_by_the_product_alone(shipped: CatalogSet) -> None:
    def ordering(**offerings: Any) -> ProductOrder:
        return order({"id": "1", "action": "add", "product": {"productOffering": {"id": "mobile-plan"}}, **offerings})

    assert violations(shipped, ordering()) == []
    assert violations(shipped, ordering(productOffering={"id": "mobile-plan"})) == []
    found = violations(shipped, ordering(productOffering={"id": "mobile-plan-flex"}))
    assert (
        "offeringDiffers",
        f"{HERE}.product.productOffering.id",
        "the product is of the offering mobile-plan, its item orders mobile-plan-flex; name one, in either place",
    ) in found
    unknown = order({"id": "1", "action": "add", "product": {"productOffering": {"id": "mobil-plan"}}})
    assert [code for code, _, _ in violations(shipped, unknown)] == ["unknownOffering"]


def test_a_retired_product_can_still_be_changed_and_ended(shipped: CatalogSet) -> None:
    old = product("old", "adsl-internet", "fibre-internet", characteristics={"downloadSpeed": 100})
    assert violations(shipped, order(item("1", "modify", product="old", offering="adsl-internet")), owned(old)) == []
    assert violations(shipped, order(delete("1", "old")), owned(old)) == []
    assert [code for code, _, _ in violations(shipped, order(add("1", "adsl-internet")))] == [
        "offeringNotOnSale",
        "offeringNoLongerValid",
    ]


def test_an_extra_is_added_to_a_bundle_that_is_there(shipped: CatalogSet) -> None:
    base = install(decompose(order(fibre_bundle()), shipped, InstalledBase()))
    assert violations(shipped, order(keep("1", "product-home", tv())), base) == []
    assert violations(shipped, order(keep("1", "product-home", spoke(1))), base)[0][0] == "notInBundle"


def test_a_part_of_an_installed_bundle_is_changed_alone(shipped: CatalogSet) -> None:
    base = install(decompose(order(fibre_bundle()), shipped, InstalledBase()))
    assert violations(shipped, order(modify("1", "product-internet", downloadSpeed=500)), base) == []


def test_every_reason_is_told_at_once(lab: CatalogSet) -> None:
    placed = order(
        item("1", "add", offering="future", quantity=2, characteristics={"serial": 5}),
        add("2", "nothing"),
        delete("3", "gone"),
        item("4", "modify"),
    )
    assert [(code, path) for code, path, _ in violations(lab, placed)] == [
        ("productNotFound", "productOrderItem[2].product.id"),
        ("productMissing", "productOrderItem[3].product.id"),
        ("offeringNotYetValid", "productOrderItem[0].productOffering.id"),
        ("unknownOffering", "productOrderItem[1].productOffering.id"),
        ("characteristicType", "productOrderItem[0].product.productCharacteristic[0].value"),
    ]
