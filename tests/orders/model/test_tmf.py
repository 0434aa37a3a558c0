"""TMF622 orders as the domain reads them: what it knows is typed, everything else is kept."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.model.product_orders import ProductOrder, RelatedPlace, place_among, places_among
from orders.model.violation import Violation
from orders.plan.outcome import AssignedResource
from tmf.instants import timestamp

FULL: dict[str, Any] = {
    "id": "7f3k2a9d01",
    "@type": "ProductOrder",
    "@baseType": "Order",
    "@schemaLocation": "https://example.com/order.json",
    "externalId": "crm-17",
    "priority": "1",
    "orderDate": "2026-03-01T10:00:00.000Z",
    "requestedStartDate": "2026-03-02T00:00:00.000Z",
    "state": "acknowledged",
    "note": [{"text": "ring twice", "author": "CRM"}],
    "ourOwn": {"deep": [1, {"er": None}]},
    "relatedParty": [{"id": "c-1", "role": "Customer", "@referredType": "Individual", "href": "/c/1"}],
    "productOrderItem": [
        {
            "id": "1",
            "action": "add",
            "quantity": 2,
            "state": "acknowledged",
            "requestedSomething": True,
            "itemPrice": [
                {
                    "priceType": "recurring",
                    "recurringChargePeriod": "month",
                    "price": {"taxRate": 19.0, "dutyFreeAmount": {"unit": "EUR", "value": 29.9}, "extra": 1},
                    "priceAlteration": [
                        {"priceType": "recurring", "priority": 0, "price": {"percentage": 50.0}, "why": "spring"}
                    ],
                }
            ],
            "productOffering": {"id": "fibre-500", "name": "Fibre 500", "version": "2.0"},
            "productOrderItemRelationship": [{"id": "2", "relationshipType": "swapsWith", "note": "kept"}],
            "product": {
                "id": "p-1",
                "isBundle": False,
                "place": [{"id": "BER-1", "role": "installation", "floor": 3}],
                "productCharacteristic": [
                    {"name": "downloadSpeed", "value": 500, "valueType": "integer", "@type": "C"}
                ],
                "productRelationship": [{"relationshipType": "reliesOn", "product": {"id": "p-0"}}],
            },
            "productOrderItem": [{"id": "1.1", "action": "noChange", "anything": "goes"}],
        },
        {"id": "2", "action": "delete"},
    ],
}


def order(*items: dict[str, Any], **attributes: Any) -> ProductOrder:
    return ProductOrder.model_validate(
        {"productOrderItem": list(items) or [{"id": "1", "action": "add"}], **attributes}
    )


def holds(whole: Any, part: Any) -> bool:
    """Whether all of `part` is in `whole`, at the same places."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and holds(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


def test_everything_that_was_sent_is_given_back() -> None:
    given_back = json.loads(ProductOrder.model_validate(FULL).model_dump_json())
    assert holds(given_back, FULL)


def test_what_is_read_again_is_the_same() -> None:
    read = ProductOrder.model_validate(FULL)
    assert ProductOrder.model_validate_json(read.model_dump_json()) == read


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8).map(lambda name: f"x{name}"), JSON, max_size=4))
def test_unknown_attributes_are_kept_at_every_level(unknown: dict[str, Any]) -> None:
    item = {"id": "1", "action": "add", "product": {**unknown, "place": [{"id": "BER-1", **unknown}]}, **unknown}
    sent = {**unknown, "productOrderItem": [item]}
    assert holds(json.loads(ProductOrder.model_validate(sent).model_dump_json()), sent)


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T12:30:00+02:30", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123Z"),
        ("2025-12-31T23:59:59.999-01:00", "2026-01-01T00:59:59.999Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds_and_z(sent: str, written: str) -> None:
    read = order(requestedStartDate=sent)
    assert json.loads(read.model_dump_json())["requestedStartDate"] == written
    assert read.requested_start_date is not None
    assert read.requested_start_date.utcoffset() == timedelta()


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(timezone(timedelta(hours=5)))))
def test_a_written_time_is_the_same_moment_and_sorts_as_text(moment: datetime) -> None:
    written = timestamp(moment)
    assert abs(datetime.fromisoformat(written) - moment) < timedelta(milliseconds=1)
    assert written < timestamp(moment + timedelta(seconds=1))
    assert len(written) == 24
    assert written.endswith("Z")


@pytest.mark.parametrize(
    ("parties", "customer"),
    [
        ([], None),
        ([{"id": "c-1"}], "c-1"),
        ([{"id": "s-1", "role": "seller"}, {"id": "c-1", "role": "Customer"}], "c-1"),
        (
            [{"id": "s-1", "role": "seller"}, {"id": "c-1", "role": "CUSTOMER"}, {"id": "c-1", "role": "customer"}],
            "c-1",
        ),
        ([{"id": "c-1", "role": "customer"}, {"id": "c-2", "role": "customer"}], None),
        ([{"id": "s-1", "role": "seller"}, {"id": "b-1", "role": "buyer"}], None),
        ([{"id": "r-1", "role": "Requester"}], None),
        ([{"id": "c-1", "role": ""}], "c-1"),
        ([{"id": "c-1"}, {"id": "c-2"}], None),
        ([{"id": " ", "role": "customer"}], None),
        ([{"id": ""}], None),
    ],
)
def test_the_customer_is_the_one_party_of_that_role_or_the_only_one_where_it_has_none(
    parties: list[Any], customer: str | None
) -> None:
    assert order(relatedParty=parties).customer_id() == customer


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([], []),
        (["X-1"], ["X-1"]),
        (["X-1:billing", "BER-1:installation"], ["BER-1"]),
        (["BER-1:Installation Address", "X-1"], ["BER-1"]),
        (["BER-1:INSTALL_LOCATION", "X-1:branch"], ["BER-1"]),
        (["BER-1:service-address", "X-1:branch"], ["BER-1"]),
        (["X-1:billing", "BER-1"], ["BER-1"]),
        (["X-1:billingAddress", "Y-1:Shipping", "BER-1:branch"], ["BER-1"]),
        (["X-1:billing"], []),
        (["BER-1", "HAM-1"], ["BER-1", "HAM-1"]),
        (["BER-1:installation", "HAM-1:site"], ["BER-1", "HAM-1"]),
        (["BER-1:installation", "BER-1:site"], ["BER-1"]),
    ],
)
def test_the_place_is_the_one_for_installation_or_the_one_that_is_for_nothing_else(
    places: list[str], found: list[str]
) -> None:
    split = [place.partition(":") for place in places]
    related = [RelatedPlace(id=place, role=role or None) for place, _, role in split]
    assert [place.id for place in places_among(related)] == found
    the_one = place_among(related)
    assert (the_one.id if the_one else None) == (found[0] if len(found) == 1 else None)


def test_items_are_found_at_every_level_with_their_parent_and_path_parents_first() -> None:
    deep = {"id": "1", "action": "add", "productOrderItem": [{"id": "2", "action": "add", "productOrderItem": []}]}
    deep["productOrderItem"].append({"id": "3", "action": "add"})  # type: ignore[attr-defined]
    found = [
        (item.id, parent and parent.id, path)
        for item, parent, path in order(deep, {"id": "4", "action": "add"}).items()
    ]
    assert found == [
        ("1", None, "productOrderItem[0]"),
        ("2", "1", "productOrderItem[0].productOrderItem[0]"),
        ("3", "1", "productOrderItem[0].productOrderItem[1]"),
        ("4", None, "productOrderItem[1]"),
    ]


@pytest.mark.parametrize(
    ("item", "subject"),
    [
        ({"productOffering": {"id": "fibre-500", "name": "Fibre 500"}, "product": {"id": "p-1"}}, "Fibre 500"),
        ({"productOffering": {"id": "fibre-500"}}, "fibre-500"),
        ({"product": {"id": "p-1", "name": "My line"}}, "My line"),
        ({"product": {"id": "p-1"}}, "p-1"),
        ({}, ""),
    ],
)
def test_an_item_is_about_its_offering_or_else_its_product(item: dict[str, Any], subject: str) -> None:
    assert order({"id": "1", "action": "add", **item}).product_order_item[0].subject() == subject


def test_an_order_has_items_and_an_item_an_id_and_an_action() -> None:
    for items in ([], None, [{"id": "1"}]):
        with pytest.raises(ValidationError):
            ProductOrder.model_validate({"productOrderItem": items})
    for item in ({"id": "", "action": "add"}, {"id": "1" * 101, "action": "add"}, {"id": "1", "action": "explode"}):
        with pytest.raises(ValidationError):
            order(item)


def test_what_we_make_ourselves_speaks_camel_case_and_ignores_what_a_later_release_adds() -> None:
    change = OrderChange(kind=OrderKind.PRODUCT, order_id="o", version=1, state=OrderState.HELD)
    assert change.model_dump(mode="json") == {
        "kind": "productOrder",
        "orderId": "o",
        "version": 1,
        "state": "held",
        "attributes": {},
        "items": {},
        "appended": {},
        "revision": None,
        "passed": [],
        "again": False,
    }
    assert OrderChange.model_validate({**change.model_dump(), "surprise": 1}) == change


def test_a_violation_reads_as_a_sentence_with_its_place() -> None:
    assert str(Violation(code="x", path="productOrderItem[0].action", message="is missing")) == (
        "productOrderItem[0].action: is missing"
    )


def test_an_expression_sees_a_resource_as_its_characteristics_with_id_and_value() -> None:
    resource = AssignedResource(id="r-1", value="2043", characteristics={"node": "olt-1", "id": "not this one"})
    assert resource.as_value() == {"node": "olt-1", "id": "r-1", "value": "2043"}


def test_the_installed_base_is_found_by_key_and_by_customer() -> None:
    port = InstalledResource(id="r-1", key="port", specification_id="port")
    access = InstalledService(id="s-1", key="access", specification_id="rfs", state="active", resources=[port])
    whole = InstalledService(id="s-0", key="internet", specification_id="cfs", state="active", services=[access])
    mine = InstalledProduct(id="p-1", name="Fibre", status="active", customer_id="c-1", services=[whole])
    other = InstalledProduct(id="p-2", name="Fibre", status="active", customer_id="c-2")
    base = InstalledBase(products={"p-1": mine, "p-2": other})
    assert base.of_customer("c-1") == [mine]
    found = mine.service("internet")
    assert found is whole
    assert found.service("access") is access
    assert access.resource("port") is port
    assert (mine.service("tv"), whole.service("x"), access.resource("vlan")) == (None, None, None)
