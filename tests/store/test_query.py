"""How list queries are read, and what their filters match."""

from __future__ import annotations

from typing import Any

import pytest

from orders.tmf import ProductOrder
from store.documents import write_json
from store.errors import QueryError
from store.functions import document_admits, written_filter
from store.query import Filter, ListQuery, Operator, Sort, admits, page_of, parse_list_query


def test_without_parameters_the_first_hundred_are_asked_for() -> None:
    assert parse_list_query([]) == ListQuery(filters=(), fields=None, offset=0, limit=100, sort=())


def test_paging_fields_and_sort_are_told_from_filters() -> None:
    query = parse_list_query(
        [
            ("state", "held"),
            ("fields", "state, orderDate"),
            ("offset", "20"),
            ("limit", "10"),
            ("productOrderItem.product.@type", "Line"),
            ("sort", "-orderDate,+state"),
        ]
    )
    assert query == ListQuery(
        filters=(Filter(("state",), ("held",)), Filter(("productOrderItem", "product", "@type"), ("Line",))),
        fields=("state", "orderDate"),
        offset=20,
        limit=10,
        sort=(Sort("orderDate", descending=True), Sort("state")),
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("held", ("held",)),
        ("held,failed", ("held", "failed")),
        ("held , held,failed", ("held", "failed")),
        ('"2026-03-01T10:00:00.000Z"', ("2026-03-01T10:00:00.000Z",)),
        ('"a, b",c', ("a, b", "c")),
        (r'"say \"hi\" \\ all"', (r'say "hi" \ all',)),
        ("", ("",)),
        ("a,", ("a", "")),
        ("two\nlines", ("two\nlines",)),
    ],
)
def test_values_are_split_at_commas_outside_quotes(text: str, values: tuple[str, ...]) -> None:
    assert parse_list_query([("externalId", text)]).filters == (Filter(("externalId",), values),)


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ([("limit", "0")], "limit"),
        ([("limit", "1001")], "limit"),
        ([("limit", "ten")], "limit"),
        ([("limit", "١")], "limit"),
        ([("offset", "-1")], "offset"),
        ([("offset", "99999999999")], "offset"),
        ([("limit", "5"), ("limit", "6")], "limit"),
        ([("sort", "note..text")], "sort"),
        ([("externalId", '"open')], "externalId"),
        ([("externalId", '"a"b')], "externalId"),
        ([("externalId", "a\0b")], "externalId"),
        ([("a..b", "x")], "a..b"),
        ([("", "x")], ""),
        ([('state" OR 1=1 --', "x")], 'state" OR 1=1 --'),
        ([("state')", "x")], "state')"),
        ([("productOrderItem[*]", "x")], "productOrderItem[*]"),
        ([("state", "x")] * 51, "state"),
    ],
)
def test_nonsense_is_refused_naming_the_parameter(params: list[tuple[str, str]], parameter: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_list_query(params)
    assert refused.value.parameter == parameter
    assert refused.value.message


def test_projection_keeps_id_and_href() -> None:
    document = {"id": "1", "href": "/1", "state": "held", "note": []}
    assert parse_list_query([("fields", "state,unknown")]).project(document) == {
        "id": "1",
        "href": "/1",
        "state": "held",
    }
    assert parse_list_query([]).project(document) == document


@pytest.mark.parametrize(
    ("path", "value", "matches"),
    [
        ("item.product.id", "p1", True),
        ("item.product.id", "p2", True),
        ("item.product.id", "p3,p1", True),
        ("item.product.id", "p", False),
        ("item.product.id", "p%", False),
        ("item.product.id", "p_", False),
        ("item.product", "p1", False),
        ("item.quantity", "2", True),
        ("item.quantity", "2.0", True),
        ("item.quantity", "02", False),
        ("item.text", "2", True),
        ("item.text", "2.0", False),
        ("item.urgent", "true", True),
        ("item.urgent", "True", False),
        ("item.urgent", "1", False),
        ("item.tags", "b", True),
        ("item.none", "null", False),
        ("item.none", "", False),
        ("item.unknown.deeper", "x", False),
        ("item.date", "2026-03-01T12:00:00+02:00", True),
        ("item.date", "2026-03-01T12:00:00Z", False),
    ],
)
def test_filter_searches_through_arrays_and_compares_scalars_by_what_they_write(
    path: str, value: str, matches: bool
) -> None:
    document: dict[str, Any] = {
        "item": [
            {"product": {"id": "p1"}, "quantity": 2, "text": "2", "urgent": True},
            {"product": [{"id": "p2"}], "tags": ["a", "b"], "none": None, "date": "2026-03-01T10:00:00Z"},
        ]
    }
    (kept,) = parse_list_query([(path, value)]).filters
    assert document_admits(write_json(document), written_filter(kept)) is matches
    assert admits([kept], document) is matches


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("orderDate.gte", "2026-03-01", Filter(("orderDate",), ("2026-03-01",), Operator.GTE)),
        ("orderDate>", "2026-03-01", Filter(("orderDate",), ("2026-03-01",), Operator.GTE)),
        ("orderDate<", "2026-03-01", Filter(("orderDate",), ("2026-03-01",), Operator.LTE)),
        ("orderDate>2026-03-01", "", Filter(("orderDate",), ("2026-03-01",), Operator.GT)),
        ("orderDate<2026-03-01", "", Filter(("orderDate",), ("2026-03-01",), Operator.LT)),
        ("state!", "held,failed", Filter(("state",), ("held", "failed"), Operator.NE)),
        ("externalId*", "^CRM-[0-9]{2,3}$", Filter(("externalId",), ("^CRM-[0-9]{2,3}$",), Operator.REGEX)),
        ("state.eq", "held", Filter(("state",), ("held",))),
        ("a.value.lt", "5", Filter(("a", "value"), ("5",), Operator.LT)),
        ("a.gt.eq", "5", Filter(("a", "gt"), ("5",))),
        ("gt", "5", Filter(("gt",), ("5",))),
    ],
)
def test_operators_are_suffixes_or_signs(name: str, value: str, kept: Filter) -> None:
    assert parse_list_query([(name, value)]).filters == (kept,)


@pytest.mark.parametrize(
    ("params", "parameter", "message"),
    [
        ([("externalId.regex", "(a")], "externalId.regex", "a group is not closed"),
        ([("colour", "red")], "colour", "ProductOrder has no attribute colour"),
        ([("stat.gte", "held")], "stat.gte", "did you mean state"),
        ([("productOrderItem.produkt.id", "1")], "productOrderItem.produkt.id", "productOrderItem.product"),
        ([("sort", "-colour")], "sort", "ProductOrder has no attribute colour"),
    ],
)
def test_what_the_listed_resource_does_not_have_is_refused(
    params: list[tuple[str, str]], parameter: str, message: str
) -> None:
    with pytest.raises(QueryError) as refused:
        parse_list_query(params, model=ProductOrder)
    assert refused.value.parameter == parameter
    assert message in refused.value.message


def test_fields_may_name_what_the_listed_resource_does_not_have() -> None:
    assert parse_list_query([("fields", "colour")], model=ProductOrder).fields == ("colour",)


@pytest.mark.parametrize(
    ("name", "value", "matches"),
    [
        ("number.gt", "9", True),
        ("number.gt", "10", False),
        ("number.gte", "10.0", True),
        ("number.lt", "9", False),
        ("text.gt", "9", False),
        ("text.lt", "9", True),
        ("text.gt", "1", True),
        ("date.gte", "2026-03-01T09:00:00Z", True),
        ("date.gt", "2026-03-01T09:00:00Z", False),
        ("date.lt", "2026-03-02", True),
        ("date.gt", "2026-03-01", True),
        ("date.lt", "2026-03-01T12:00:00 02:00", True),
        ("text.lt", "2026-03-01", False),
        ("flag.gt", "false", False),
        ("none.lt", "x", False),
        ("number.lt", "x", False),
        ("text.regex", "^1", True),
        ("number.regex", "1", False),
        ("list.gt", "2", True),
        ("list.ne", "2", False),
        ("list.ne", "4", True),
        ("none.ne", "x", True),
        ("missing.ne", "x", True),
        ("missing.gte", "x", False),
        ("text.gt", "5,1", True),
    ],
)
def test_values_are_compared_with_values_of_their_own_type(name: str, value: str, matches: bool) -> None:
    document: dict[str, Any] = {
        "number": 10,
        "text": "10",
        "date": "2026-03-01T10:00:00+01:00",
        "flag": True,
        "none": None,
        "list": [1, 2, 3],
    }
    (kept,) = parse_list_query([(name, value)]).filters
    assert admits([kept], document) is matches
    assert document_admits(write_json(document), written_filter(kept)) is matches


def test_documents_at_hand_are_filtered_sorted_and_cut_as_a_list() -> None:
    documents: list[dict[str, Any]] = [
        {"id": "a", "size": 2, "name": "x"},
        {"id": "b", "size": "2", "name": "x"},
        {"id": "c", "size": True, "name": "x"},
        {"id": "d", "name": "x"},
        {"id": "e", "size": [None, 1, 5], "name": "x"},
        {"id": "f", "size": 1, "name": "y"},
    ]

    def ids(*params: tuple[str, str]) -> list[str]:
        return [each["id"] for each in page_of(parse_list_query(params), documents).documents]

    assert ids(("name", "x"), ("sort", "size")) == ["e", "a", "b", "c", "d"]
    assert ids(("name", "x"), ("sort", "-size")) == ["c", "b", "a", "e", "d"]
    assert ids(("sort", "name,-id")) == ["e", "d", "c", "b", "a", "f"]
    assert ids(("offset", "4")) == ["e", "f"]
    page = page_of(parse_list_query([("limit", "1"), ("fields", "name"), ("size.gte", "2")]), documents)
    assert (page.total, page.documents) == (3, [{"id": "a", "name": "x"}])
