"""Whom an order is for, and where what it is about is to be: what is open is refused, not guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from catalogs.model.catalog_set import CatalogSet
from catalogs.planning import plan_posted
from orders.lifecycle.states import OrderKind
from orders.model.installed import InstalledBase
from orders.model.posted import posted_order
from orders.qualification.offerings import PossibleOrder
from tmf.bodies import Document

ON = datetime(2026, 6, 1, tzinfo=UTC)
CUSTOMER = {"id": "c-1", "role": "Customer"}
BILLING, BERLIN = {"id": "X-1", "role": "billing"}, {"id": "BER-1", "role": "installation"}


def product_order(thing: Document, **more: Any) -> Document:
    item = {"id": "1", "action": "add", "productOffering": {"id": "fibre-internet"}, "product": thing}
    return {"productOrderItem": [item], **more}


def service_order(thing: Document, **more: Any) -> Document:
    given = [{"name": "speed", "value": 250}]
    service = {"serviceSpecification": {"id": "cfs-vpn-core"}, "serviceCharacteristic": given, **thing}
    return {"serviceOrderItem": [{"id": "1", "action": "add", "service": service}], **more}


def resource_order(thing: Document, **more: Any) -> Document:
    resource = {"resourceSpecification": {"id": "gpon-port"}, **thing}
    return {"orderItem": [{"id": "1", "action": "add", "resource": resource}], **more}


WRITTEN: dict[OrderKind, Callable[..., Document]] = {
    OrderKind.PRODUCT: product_order,
    OrderKind.SERVICE: service_order,
    OrderKind.RESOURCE: resource_order,
}
ABOUT = {
    OrderKind.PRODUCT: "productOrderItem[0].product",
    OrderKind.SERVICE: "serviceOrderItem[0].service",
    OrderKind.RESOURCE: "orderItem[0].resource",
}


def reasons(catalogs: CatalogSet, kind: OrderKind, thing: Document, **more: Any) -> dict[str, tuple[str, str]]:
    """Return what is said of parties and places: code → path, message."""
    order = posted_order(kind, {"id": "o", **WRITTEN[kind](thing, **more)})
    found = plan_posted(order, catalogs, InstalledBase(), 1, ON).violations
    return {each.code: (each.path, each.message) for each in found if each.code.startswith(("customer", "place"))}


@pytest.mark.parametrize(
    ("parties", "said"),
    [
        ([], "names no party"),
        ([{"id": "s-1", "role": "Seller"}, {"id": "b-1", "role": "Buyer"}], "s-1 (Seller) and b-1 (Buyer)"),
        ([{"id": "r-1", "role": "Requester"}], "r-1 (Requester)"),
        ([{"id": "a-1"}, {"id": "b-1"}], "a-1 (no role) and b-1 (no role)"),
        ([{"id": "", "role": "customer"}], "the id of the customer is empty"),
    ],
)
def test_an_order_of_products_needs_its_customer(shipped: CatalogSet, parties: list[Document], said: str) -> None:
    found = reasons(shipped, OrderKind.PRODUCT, {"place": [BERLIN]}, relatedParty=parties)
    path, message = found["customerMissing"]
    assert path == "relatedParty"
    assert said in message


@pytest.mark.parametrize("kind", OrderKind)
def test_no_order_is_for_two_customers(shipped: CatalogSet, kind: OrderKind) -> None:
    two = [CUSTOMER, {"id": "c-2", "role": "CUSTOMER"}]
    path, message = reasons(shipped, kind, {}, relatedParty=two)["customerAmbiguous"]
    assert path == "relatedParty"
    assert message.startswith("c-1 and c-2 are customers")
    assert "customerAmbiguous" not in reasons(shipped, kind, {}, relatedParty=[CUSTOMER, CUSTOMER])


@pytest.mark.parametrize("kind", [OrderKind.SERVICE, OrderKind.RESOURCE])
@pytest.mark.parametrize("parties", [[], [{"id": "r-1", "role": "Requester"}]])
def test_services_and_resources_are_ordered_for_nobody_too(
    shipped: CatalogSet, kind: OrderKind, parties: list[Document]
) -> None:
    assert reasons(shipped, kind, {"place": [BERLIN]}, relatedParty=parties) == {}


@pytest.mark.parametrize("kind", OrderKind)
def test_no_item_is_for_somebody_else(shipped: CatalogSet, kind: OrderKind) -> None:
    thing = {"relatedParty": [{"id": "c-2", "role": "customer"}]}
    path, message = reasons(shipped, kind, thing, relatedParty=[CUSTOMER])["customerDiffers"]
    assert path == f"{ABOUT[kind]}.relatedParty"
    assert message.startswith("c-2 is the customer here, c-1 that of the order")
    thing = {"relatedParty": [CUSTOMER, {"id": "u-1", "role": "user"}]}
    assert "customerDiffers" not in reasons(shipped, kind, thing, relatedParty=[CUSTOMER])


def test_what_can_be_had_may_be_asked_for_nobody_in_particular_but_not_for_two(shipped: CatalogSet) -> None:
    def found(parties: list[Document]) -> list[str]:
        asked = PossibleOrder.model_validate(product_order({"place": [BERLIN]}, id="o", relatedParty=parties))
        return [each.code for each in plan_posted(asked, shipped, InstalledBase(), 1, ON).violations]

    assert found([]) == []
    assert found([CUSTOMER, {"id": "c-2", "role": "customer"}]) == ["customerAmbiguous"]


@pytest.mark.parametrize("kind", OrderKind)
def test_an_item_at_several_places_is_asked_which_it_is(shipped: CatalogSet, kind: OrderKind) -> None:
    two = [{"id": "BER-1"}, {"id": "HAM-1", "role": "branch"}]
    path, message = reasons(shipped, kind, {"place": two}, relatedParty=[CUSTOMER])["placeAmbiguous"]
    assert path == f"{ABOUT[kind]}.place"
    assert "BER-1 (no role) and HAM-1 (branch)" in message


@pytest.mark.parametrize("places", [[BILLING, BERLIN], [BERLIN, BILLING], [BILLING, {"id": "BER-1"}]])
def test_what_is_installed_is_so_at_the_place_for_it(shipped: CatalogSet, places: list[Document]) -> None:
    thing = {"place": places}
    product = posted_order(OrderKind.PRODUCT, {"id": "o", **product_order(thing, relatedParty=[CUSTOMER])})
    plan = plan_posted(product, shipped, InstalledBase(), 1, ON).plan
    assert plan
    assert {each.place for each in plan.service_orders} == {each.place for each in plan.products} == {"BER-1"}
    resource = posted_order(OrderKind.RESOURCE, {"id": "o", **resource_order(thing)})
    plan = plan_posted(resource, shipped, InstalledBase(), 1, ON).plan
    assert plan
    assert plan.resource_orders[0].resource.demand.place == "BER-1"


@pytest.mark.parametrize("blank", ["", "  "])
@pytest.mark.parametrize("kind", OrderKind)
def test_a_place_without_an_id_to_its_name_is_a_reason(shipped: CatalogSet, kind: OrderKind, blank: str) -> None:
    found = reasons(shipped, kind, {"place": [{"id": blank, "role": "installation"}]}, relatedParty=[CUSTOMER])
    assert found == {
        "placeMissing": (f"{ABOUT[kind]}.place", "the id of a place is empty; name the place, or leave it out")
    }


def test_a_service_that_could_be_at_several_places_is_not_said_to_name_none(shipped: CatalogSet) -> None:
    given = [{"name": "downloadSpeed", "value": 250}, {"name": "uploadSpeed", "value": 50}]
    thing = {"serviceSpecification": {"id": "cfs-internet"}, "serviceCharacteristic": given}
    assert list(reasons(shipped, OrderKind.SERVICE, thing)) == ["placeMissing"]
    two = thing | {"place": [{"id": "BER-1"}, {"id": "BER-2"}]}
    assert list(reasons(shipped, OrderKind.SERVICE, two)) == ["placeAmbiguous"]


def test_a_billing_account_with_an_empty_id_is_a_reason_wherever_it_is_named(shipped: CatalogSet) -> None:
    document = product_order({"place": [BERLIN]}, relatedParty=[CUSTOMER], billingAccount={"id": ""}, id="o")
    document["productOrderItem"][0]["billingAccount"] = {"id": " "}
    order = posted_order(OrderKind.PRODUCT, document)
    found = plan_posted(order, shipped, InstalledBase(), 1, ON).violations
    assert [(each.code, each.path, each.item_id) for each in found] == [
        ("billingAccountMissing", "billingAccount.id", None),
        ("billingAccountMissing", "productOrderItem[0].billingAccount.id", "1"),
    ]


@pytest.mark.parametrize("kind", OrderKind)
def test_what_is_changed_is_not_named_by_an_empty_id(shipped: CatalogSet, kind: OrderKind) -> None:
    document = WRITTEN[kind]({"id": ""}, relatedParty=[CUSTOMER], id="o")
    (item,) = next(value for value in document.values() if isinstance(value, list) and value[0].get("action"))
    item["action"] = "modify"
    found = plan_posted(posted_order(kind, document), shipped, InstalledBase(), 1, ON).violations
    missing = f"{kind.value.removesuffix('Order')}Missing"
    assert [each.path for each in found if each.code == missing] == [f"{ABOUT[kind]}.id"]
    assert not any(each.code.endswith("NotFound") for each in found)
