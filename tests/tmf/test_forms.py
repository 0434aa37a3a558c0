"""In which form what was sent is kept: dates in UTC with milliseconds, whole numbers as integers, all else as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter, ValidationError

from api.schemas.kinds import CREATES
from orders.intake import check_order
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tests.thorough import examples
from tests.tmf.spellings import spellings
from tests.tmf.test_instants import NO_INSTANTS
from tmf.bodies import InvalidBodyError
from tmf.forms import WholeNumber, in_kept_form
from tmf.instants import read_instant, timestamp
from tmf.query.matching import admits
from tmf.query.query import parse_list_query

SENT, KEPT = "2026-12-24t10:00:00.1239+0100", "2026-12-24T09:00:00.123Z"

SUBJECTS = {OrderKind.PRODUCT: "product", OrderKind.SERVICE: "service", OrderKind.RESOURCE: "resource"}

DATES: list[tuple[OrderKind, str]] = [
    (OrderKind.PRODUCT, "requestedStartDate"),
    (OrderKind.PRODUCT, "requestedCompletionDate"),
    (OrderKind.PRODUCT, "note[0].date"),
    (OrderKind.PRODUCT, "productOrderItem[0].product.startDate"),
    (OrderKind.PRODUCT, "productOrderItem[0].product.productTerm[0].validFor.endDateTime"),
    (OrderKind.PRODUCT, "productOrderItem[0].product.product[0].product[0].terminationDate"),
    (OrderKind.PRODUCT, "productOrderItem[0].productOrderItem[0].product.orderDate"),
    (OrderKind.SERVICE, "requestedStartDate"),
    (OrderKind.SERVICE, "serviceOrderItem[0].service.startDate"),
    (OrderKind.SERVICE, "serviceOrderItem[0].service.note[0].date"),
    (OrderKind.SERVICE, "serviceOrderItem[0].serviceOrderItem[0].service.endDate"),
    (OrderKind.SERVICE, "serviceOrderItem[0].service.supportingService[0].startDate"),
    (OrderKind.RESOURCE, "requestedCompletionDate"),
    (OrderKind.RESOURCE, "orderItem[0].resource.endOperatingDate"),
    (OrderKind.RESOURCE, "orderItem[0].resource.attachment[0].validFor.startDateTime"),
]


def order_with(kind: OrderKind, path: str, value: Any) -> dict[str, Any]:
    """Return the least order that has a value at a path."""
    name, subject = ITEM_LISTS[kind], SUBJECTS[kind]
    body: dict[str, Any] = {name: [{"id": "1", "action": "add", subject: {}}]}
    node: Any = body
    *steps, last = path.split(".")
    for step in steps:
        attribute, is_list, _ = step.partition("[")
        fresh = {"text": "x"} if attribute == "note" else {"id": "2", "action": "add", subject: {}}
        least = fresh if attribute in (name, "note") else {}
        node = node.setdefault(attribute, [least] if is_list else least)
        node = node[0] if is_list else node
    node[last] = value
    return body


def value_at(document: Any, path: str) -> Any:
    for step in path.replace("[0]", "").split("."):
        document = document[step][0] if isinstance(document[step], list) else document[step]
    return document


@pytest.mark.parametrize(("kind", "path"), DATES)
def test_every_date_of_the_standards_is_kept_in_one_form(kind: OrderKind, path: str) -> None:
    assert value_at(check_order(kind, order_with(kind, path, SENT), CREATES[kind]), path) == KEPT


@pytest.mark.parametrize("sent", ["20261224", "-1", "2026-12-24", 20261224, 1766566800.5, True, "soon"])
@pytest.mark.parametrize(("kind", "path"), DATES)
def test_nothing_else_is_taken_for_a_date_anywhere(kind: OrderKind, path: str, sent: Any) -> None:
    with pytest.raises(InvalidBodyError) as refused:
        check_order(kind, order_with(kind, path, sent), CREATES[kind])
    [fault] = refused.value.faults
    assert fault.path == path
    assert "RFC 3339" in fault.message


def test_what_only_looks_like_a_date_stays_as_it_is() -> None:
    body = {
        "description": SENT,
        "x": {"requestedStartDate": SENT},
        "productOrderItem": [
            {"id": "1", "action": "add", "product": {"productCharacteristic": [{"name": "date", "value": SENT}]}}
        ],
    }
    assert check_order(OrderKind.PRODUCT, body, CREATES[OrderKind.PRODUCT]) == body


@settings(max_examples=examples(100, 5_000))
@given(spelt=spellings(), again=spellings())
def test_filters_find_a_date_however_it_is_spelt(spelt: tuple[str, Any], again: tuple[str, Any]) -> None:
    (text, moment), (other, later) = sorted((spelt, again), key=lambda each: each[1])
    body = order_with(OrderKind.PRODUCT, "requestedStartDate", text)
    kept = check_order(OrderKind.PRODUCT, body, CREATES[OrderKind.PRODUCT])
    assert kept["requestedStartDate"] == timestamp(moment)
    for name, wanted, found in [
        ("requestedStartDate", timestamp(moment), True),
        ("requestedStartDate.gte", timestamp(moment), True),
        ("requestedStartDate.lt", timestamp(moment), False),
        ("requestedStartDate.lte", timestamp(read_instant(other)), True),
        ("requestedStartDate.gt", timestamp(read_instant(other)), False),
        ("requestedStartDate", timestamp(later), moment == later),
    ]:
        assert admits(parse_list_query([(name, wanted)]).filters, kept) == found


@pytest.mark.parametrize("text", NO_INSTANTS)
def test_a_document_that_was_kept_before_stays_readable(text: str) -> None:
    kept = order_with(OrderKind.PRODUCT, "requestedStartDate", text)
    assert in_kept_form(CREATES[OrderKind.PRODUCT], kept) == kept


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (OrderKind.PRODUCT, "productOrderItem[0].quantity"),
        (OrderKind.SERVICE, "serviceOrderItem[0].serviceOrderItem[0].quantity"),
        (OrderKind.RESOURCE, "orderItem[0].quantity"),
        (OrderKind.RESOURCE, "priority"),
    ],
)
def test_a_whole_number_is_one_with_or_without_a_fraction_of_zero(kind: OrderKind, path: str) -> None:
    kept = value_at(check_order(kind, order_with(kind, path, 2.0), CREATES[kind]), path)
    assert (kept, type(kept)) == (2, int)
    for wrong in (1.5, True, "1", -1):
        with pytest.raises(InvalidBodyError) as refused:
            check_order(kind, order_with(kind, path, wrong), CREATES[kind])
        assert [fault.path for fault in refused.value.faults] == [path]


def test_a_fraction_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match=r"must be a whole number, not 1\.5"):
        TypeAdapter[int](WholeNumber).validate_python(1.5)


@pytest.mark.parametrize("kind", [OrderKind.SERVICE, OrderKind.RESOURCE])
@pytest.mark.parametrize(
    "reference", [{"name": "PO 4711", "externalReferenceType": "purchaseOrder"}, {"id": "4711", "owner": "shop"}]
)
def test_an_external_reference_has_the_shape_of_either_published_file(kind: OrderKind, reference: Any) -> None:
    body = {**order_with(kind, "requestedStartDate", SENT), "externalReference": [reference]}
    assert check_order(kind, body, CREATES[kind])["externalReference"] == [reference]


@pytest.mark.parametrize("kind", [OrderKind.SERVICE, OrderKind.RESOURCE])
def test_an_external_reference_that_names_nothing_is_told_what_it_lacks(kind: OrderKind) -> None:
    body = {**order_with(kind, "requestedStartDate", SENT), "externalReference": [{"owner": "shop"}]}
    with pytest.raises(InvalidBodyError, match=r"externalReference\[0\]: must have a name .* or an id"):
        check_order(kind, body, CREATES[kind])
