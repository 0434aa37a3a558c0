"""Rules between items of an order, and between them and what a customer has."""

from __future__ import annotations

from catalogs.model.catalog_set import CatalogSet
from tests.catalogs.checks.test_order_check import HERE, LEASE, owned, product, violations
from tests.catalogs.sample_orders import (
    add,
    delete,
    item,
    keep,
    modify,
    order,
    voice,
)


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
