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
    ("characteristics", "code", "message"),
    [
        ({"tear": "gold"}, "unknownCharacteristic", "Line has no characteristic 'tear'; did you mean 'tier'?"),
        ({"tier": 7}, "characteristicType", "'tier' is of type string; 7 is not"),
        ({"gain": "0.5"}, "characteristicType", "'gain' is of type number; \"0.5\" is not"),
        ({"gain": True}, "characteristicType", "'gain' is of type number; true is not"),
        ({"enabled": 1}, "characteristicType", "'enabled' is of type boolean; 1 is not"),
        ({"tier": "bronze"}, "characteristicNotAllowed", '\'tier\' does not take "bronze"; it takes "silver", "gold"'),
        ({"gain": 1.0}, "characteristicOutOfRange", "'gain' does not take 1.0; it takes from 0 to 1 (closedBottom)"),
        ({"gain": -1}, "characteristicOutOfRange", "'gain' does not take -1.0; it takes from 0 to 1 (closedBottom)"),
        ({"label": "Ab"}, "characteristicPattern", "'label' does not take \"Ab\": it must match [a-z]+"),
        ({"owner": "me"}, "characteristicNotConfigurable", "'owner' cannot be chosen; it is \"lab\""),
        ({"codecs": ["a", "b", "c"]}, "characteristicCardinality", "'codecs' takes 0 to 2 values, not 3"),
        ({"codecs": ["a", "x"]}, "characteristicNotAllowed", '\'codecs\' does not take "x"; it takes "a", "b", "c"'),
    ],
)
def test_a_characteristic_that_breaks_its_rule_is_named_with_the_rule(
    lab: CatalogSet, characteristics: dict[str, Any], code: str, message: str
) -> None:
    [(found, path, words)] = violations(lab, order(add("1", "line", **characteristics)), owned(LEASE))[:1]
    assert (found, words) == (code, message)
    end = "name" if code == "unknownCharacteristic" else "value"
    assert path == f"{HERE}.product.productCharacteristic[0].{end}"


@pytest.mark.parametrize(
    "characteristics",
    [
        {"gain": 0},
        {"gain": 0.999},
        {"enabled": False},
        {"codecs": ["a", "c"]},
        {"codecs": "b"},
        {"owner": "lab"},
        {"label": None},
    ],
)
def test_a_characteristic_that_keeps_its_rule_is_taken(lab: CatalogSet, characteristics: dict[str, Any]) -> None:
    assert violations(lab, order(add("1", "line", **characteristics)), owned(LEASE)) == []


def test_a_whole_number_written_as_a_decimal_is_taken_for_an_integer(shipped: CatalogSet) -> None:
    assert violations(shipped, order(add("1", "fibre-internet", downloadSpeed=250.0))) == []


def test_an_offering_narrows_the_characteristics_of_its_specification(lab: CatalogSet) -> None:
    assert violations(lab, order(add("1", "fixed-line", tier="silver"))) == [
        (
            "characteristicNotAllowed",
            f"{HERE}.product.productCharacteristic[0].value",
            '\'tier\' does not take "silver"; it takes "gold"',
        )
    ]


def test_a_mandatory_characteristic_without_a_default_must_be_given(shipped: CatalogSet) -> None:
    site = add("site", "vpn-spoke-site", place="SITE-1")
    placed = order(add("vpn", "business-vpn", add("core", "vpn-core"), add("hub", "vpn-hub-site", siteName="H"), site))
    assert violations(shipped, placed) == [
        (
            "characteristicMissing",
            f"{HERE}.productOrderItem[2].product.productCharacteristic",
            "VPN Spoke Site needs the characteristic 'siteName'",
        )
    ]


def test_a_characteristic_given_twice_is_a_violation(lab: CatalogSet) -> None:
    characteristics = [{"name": "tier", "value": "gold"}, {"name": "tier", "value": "silver"}]
    placed = order(item("1", "add", offering="modem-sale"), add("2", "line"))
    document = placed.model_dump(mode="json")
    document["productOrderItem"][1]["product"] = {"productCharacteristic": characteristics}
    [found] = violations(lab, ProductOrder.model_validate(document), owned(LEASE))[:1]
    assert found[0] == "characteristicRepeated"
    assert found[1] == "productOrderItem[1].product.productCharacteristic[1].name"


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


def test_a_requirement_is_met_by_the_order_or_by_what_the_customer_has(lab: CatalogSet) -> None:
    assert violations(lab, order(add("1", "line"), add("2", "modem-lease"))) == []
    assert violations(lab, order(add("1", "line")), owned(LEASE)) == []
    somebody_elses = LEASE.model_copy(update={"customer_id": "somebody"})
    assert [code for code, _, _ in violations(lab, order(add("1", "line")), owned(somebody_elses))] == [
        "requirementMissing"
    ]


def test_a_requirement_that_the_same_order_deletes_is_not_met(lab: CatalogSet) -> None:
    found = violations(lab, order(add("1", "line"), delete("2", "lease")), owned(LEASE))
    assert [code for code, _, _ in found] == ["requirementMissing"]


def test_what_excludes_may_be_added_in_the_order_that_deletes_the_other(lab: CatalogSet) -> None:
    assert violations(lab, order(delete("1", "lease"), add("2", "modem-sale")), owned(LEASE)) == []


def test_two_items_that_exclude_each_other_are_both_told(lab: CatalogSet) -> None:
    found = violations(lab, order(add("1", "modem-lease"), add("2", "modem-sale")))
    assert [(code, path) for code, path, _ in found] == [
        ("offeringExcluded", "productOrderItem[0].productOffering.id"),
        ("offeringExcluded", "productOrderItem[1].productOffering.id"),
    ]


def test_an_order_without_a_customer_changes_nobodys_products(lab: CatalogSet) -> None:
    [(code, path, _)] = violations(lab, order(keep("1", "lease"), customer=None), owned(LEASE))
    assert (code, path) == ("customerMissing", "relatedParty")


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


def test_a_product_belongs_to_one_item(lab: CatalogSet) -> None:
    found = violations(lab, order(modify("1", "lease"), delete("2", "lease")), owned(LEASE))
    assert ("productNamedTwice", "productOrderItem[1].product.id", "product lease is item 1's already") in found


def test_items_that_rely_on_each_other_in_a_circle_are_named(shipped: CatalogSet) -> None:
    items = [
        item("a", "add", offering="mobile-plan", relies_on=["b"]),
        item("b", "add", offering="mobile-plan", relies_on=["c"]),
        item("c", "add", offering="mobile-plan", relies_on=["a"]),
    ]
    [(code, _, message)] = violations(shipped, order(*items))
    assert code == "circularReliance"
    assert message in {
        f"items rely on each other in a circle: {circle}"
        for circle in ("a → b → c → a", "b → c → a → b", "c → a → b → c")
    }


def test_a_circle_that_only_the_catalog_closes_is_named_too(shipped: CatalogSet) -> None:
    internet = item("internet", "add", offering="fibre-internet", relies_on=["voice"])
    bundle = add("home", "fibre-home-bundle", internet, add("router", "home-router"), voice())
    [(code, _, message)] = violations(shipped, order(bundle))
    assert code == "circularReliance"
    assert "internet:internet" in message
    assert "voice:voice" in message


def test_items_that_bundle_each_other_are_named(lab: CatalogSet) -> None:
    relations = [{"id": "2", "relationshipType": "bundles"}], [{"id": "1", "relationshipType": "bundles"}]
    items = [
        item(str(index), "add", offering="pair", productOrderItemRelationship=relation)
        for index, relation in enumerate(relations, start=1)
    ]
    found = violations(lab, order(*items))
    assert "circularBundle" in {code for code, _, _ in found}


def test_a_bundle_may_name_its_parts_by_relations(lab: CatalogSet) -> None:
    bundle = item(
        "1", "add", offering="pair", productOrderItemRelationship=[{"id": "2", "relationshipType": "bundles"}]
    )
    assert violations(lab, order(bundle, add("2", "part-only"))) == []


def test_a_relation_to_no_item_is_told(lab: CatalogSet) -> None:
    found = violations(lab, order(item("1", "add", offering="modem-sale", relies_on=["2"])))
    assert found == [("unknownItem", f"{HERE}.productOrderItemRelationship[0].id", "the order has no item '2'")]


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


def test_a_new_service_that_reads_one_which_is_nowhere_is_told(shipped: CatalogSet) -> None:
    base = owned(
        product("home", "fibre-home-bundle", "fibre-home-bundle", components=["internet", "router"]),
        product("internet", "fibre-internet", "fibre-internet", characteristics={"downloadSpeed": 250}),
        product("router", "home-router", "home-router"),
    )
    assert violations(shipped, order(keep("1", "home", add("2", "static-ip"))), base) == [
        (
            "relianceMissing",
            f"{HERE}.productOrderItem[0].product",
            "Static IP address needs the service 'internet' of a product 'fibre-internet', and there is none",
        )
    ]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            0,
            "the catalog cannot work out 'product.parts == null ? 100 : 100 / product.parts': "
            "division by zero in CEL expression",
        ),
        (
            7,
            "the catalog cannot price it: "
            "\"item.action == 'modify' || (product.parts != null && 100 / (product.parts - 7) > 100)\": "
            "division by zero in CEL expression",
        ),
    ],
)
def test_a_value_that_an_expression_of_the_catalog_cannot_take_is_told(
    lab: CatalogSet, parts: int, message: str
) -> None:
    found = violations(lab, order(add("1", "line", parts=parts)), owned(LEASE))
    assert found == [("catalogExpression", f"{HERE}.product", message)]


@pytest.mark.parametrize(
    ("volume", "told"),
    [
        (8e12, "1.07e+12 EUR for 3.20e+12 units"),
        (1e30, "1.33e+29 EUR for 4.00e+29 units"),
        (1.7e308, "2.26e+307 EUR for 6.80e+307 units"),
    ],
)
def test_a_value_that_comes_to_more_than_can_be_charged_is_told(lab: CatalogSet, volume: float, told: str) -> None:
    found = violations(lab, order(add("1", "meter", volume=volume)))
    message = f"price 'volume-setup' comes to {told}; at most 1,000,000,000,000 of either can be charged"
    assert found == [("amountTooLarge", f"{HERE}.product.productCharacteristic", message)]


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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a" * 32, None),
        ("é" * 16, None),
        ("😀" * 8, None),
        ("😀" * 9, "it has 36 octets in UTF-8; at most 32"),
        ("é" * 17, "it has 34 octets in UTF-8; at most 32"),
    ],
)
def test_a_text_is_bounded_in_the_octets_that_a_device_counts(shipped: CatalogSet, name: str, said: str | None) -> None:
    router = add("r", "home-router", wifiName=name)
    placed = order(add("h", "fibre-home-bundle", add("i", "fibre-internet"), router, place="BER-1"))
    found = [
        ("characteristicTooLong", "productOrderItem[0].productOrderItem[1].product.productCharacteristic[0].value")
        for _ in (said,)
        if said
    ]
    assert [(code, path) for code, path, _ in violations(shipped, placed)] == found
    assert all(message == f"'wifiName' does not take \"{name}\": {said}" for *_, message in violations(shipped, placed))


@pytest.mark.parametrize(
    ("note", "code", "said"),
    [
        ("ab", "characteristicTooShort", "it has 2 characters; at least 3"),
        ("😀😀😀", None, None),
        ("abcdefghi", "characteristicTooLong", "it has 9 characters; at most 8"),
    ],
)
def test_a_text_is_bounded_in_characters(lab: CatalogSet, note: str, code: str | None, said: str | None) -> None:
    found = violations(lab, order(add("1", "meter", code=note)))
    assert [(each, words) for each, _, words in found] == (
        [(code, f"'code' does not take \"{note}\": {said}")] if code else []
    )
