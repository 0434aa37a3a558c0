"""How list queries are read, and what their filters match."""

from __future__ import annotations

import pytest

from api.schemas.kinds import ANSWERS
from orders.lifecycle.states import OrderKind
from orders.model.product_orders import ProductOrder
from tmf.query.matching import admits, page_of
from tmf.query.query import Either, Filter, ListQuery, Operator, QueryError, Sort, parse_list_query


def filter_of(name: str, value: str) -> Filter:
    (kept,) = parse_list_query([(name, value)]).filters
    assert isinstance(kept, Filter)
    return kept


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
        ([(f"a{each}.regex", "x") for each in range(6)], "a5.regex"),
    ],
)
def test_nonsense_is_refused_naming_the_parameter(params: list[tuple[str, str]], parameter: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_list_query(params)
    assert refused.value.parameter == parameter
    assert refused.value.message


@pytest.mark.parametrize(
    "text", [" " * 50_000 + '"', ";b=1" * 1000 + ';c="' + r"\"" * 20_000], ids=["blanks", "quotes"]
)
def test_a_long_value_is_read_in_one_go(text: str) -> None:
    # Where each blank or quote began another attempt, these kept the gateway from its other work for hours.
    with pytest.raises(QueryError):
        parse_list_query([("a", text)])


def test_projection_keeps_id_and_href() -> None:
    document = {"id": "1", "href": "/1", "state": "held", "note": []}
    assert parse_list_query([("fields", "state,unknown")]).project(document) == {
        "id": "1",
        "href": "/1",
        "state": "held",
    }
    assert parse_list_query([]).project(document) == document


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
        ("externalId=~^CRM", "", Filter(("externalId",), ("^CRM",), Operator.REGEX)),
        ("externalId", "~^CRM", Filter(("externalId",), ("^CRM",), Operator.REGEX)),
        ("externalId", '"~^CRM"', Filter(("externalId",), ("~^CRM",))),
        ("orderDate>=2026-03-01", "", Filter(("orderDate",), ("2026-03-01",), Operator.GTE)),
        ("orderDate<=2026-03-01", "", Filter(("orderDate",), ("2026-03-01",), Operator.LTE)),
        ("state=held", "", Filter(("state",), ("held",))),
        ("a.gt.eq", "5", Filter(("a", "gt"), ("5",))),
        ("gt", "5", Filter(("gt",), ("5",))),
    ],
)
def test_operators_are_suffixes_or_signs(name: str, value: str, kept: Filter) -> None:
    assert parse_list_query([(name, value)]).filters == (kept,)


STATE, DATE = ("state",), ("orderDate",)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("state", "completed;state=failed", Filter(STATE, ("completed", "failed"))),
        ("state", "completed,held;state=failed", Filter(STATE, ("completed", "held", "failed"))),
        ("state", "held;state.eq=held", Filter(STATE, ("held",))),
        (
            "state!",
            "completed;state!=failed",
            Either((Filter(STATE, ("completed",), Operator.NE), Filter(STATE, ("failed",), Operator.NE))),
        ),
        (
            "state",
            "held;orderDate>2026-03-01",
            Either((Filter(STATE, ("held",)), Filter(DATE, ("2026-03-01",), Operator.GT))),
        ),
        (
            "orderDate<2026-03-01;orderDate>2026-04-01",
            "",
            Either((Filter(DATE, ("2026-03-01",), Operator.LT), Filter(DATE, ("2026-04-01",), Operator.GT))),
        ),
        (
            "orderDate>2026-03-01;state",
            "held",
            Either((Filter(DATE, ("2026-03-01",), Operator.GT), Filter(STATE, ("held",)))),
        ),
        ("a", "x;y", Filter(("a",), ("x;y",))),
        ("a", '"x;state=held"', Filter(("a",), ("x;state=held",))),
        ("a", '"x;b=1",y;a=z', Filter(("a",), ("x;b=1", "y", "z"))),
        ("a.regex", 'x";[y]', Filter(("a",), ('x";[y]',), Operator.REGEX)),
        ("a.regex", "x;a.regex=y", Filter(("a",), ("x", "y"), Operator.REGEX)),
    ],
)
def test_filters_joined_by_semicolons_are_alternatives(name: str, value: str, read: Filter | Either) -> None:
    assert parse_list_query([(name, value)]).filters == (read,)


def test_an_alternative_needs_one_of_its_filters_to_hold_and_all_parameters_hold() -> None:
    documents = [{"id": f"{a}{b}", "a": a, "b": b} for a in (1, 2, 3) for b in (1, 2)]

    def ids(*params: tuple[str, str]) -> list[str]:
        return [each["id"] for each in page_of(parse_list_query(params), documents).documents]

    assert ids(("a", "1;a=3")) == ["11", "12", "31", "32"]
    assert ids(("a!", "1;a!=3")) == ["11", "12", "21", "22", "31", "32"]
    assert ids(("a!", "1,3")) == ["21", "22"]
    assert ids(("a", "1;b=2")) == ["11", "12", "22", "32"]
    assert ids(("a", "1;b=2"), ("a!", "3")) == ["11", "12", "22"]
    assert ids(("a", "1;a=2"), ("b", "2;a=2")) == ["12", "21", "22"]


@pytest.mark.parametrize(
    ("params", "parameter", "message"),
    [
        ([("state", "completed;state=bogus")], "state", '"bogus" is not one of acknowledged, rejected'),
        ([("state", "bogus")], "state", "assessingCancellation, pendingCancellation, cancelled"),
        ([("state", "completed;failed")], "state", '"completed;failed" is not one of'),
        ([("state!", "bogus")], "state", '"bogus" is not one of'),
        ([("state", "")], "state", '"" is not one of'),
        ([("state", "held,")], "state", '"" is not one of'),
        ([("state.gte", "h")], "state.gte", '"h" is not one of'),
        ([("state", "held;colour=red")], "colour", "no attribute colour"),
        ([("state", "held;limit=5")], "limit", "behind &"),
        ([("orderDate", "yesterday")], "orderDate", '"yesterday" is no date, such as 2026-11-23'),
        ([("orderDate.gte", "20261123")], "orderDate.gte", '"20261123" is no date'),
        ([("orderDate.lt", "2026-02-30")], "orderDate.lt", '"2026-02-30" is no date'),
        ([("orderDate>yesterday", "")], "orderDate", '"yesterday" is no date'),
        ([("requestedStartDate!", "")], "requestedStartDate", '"" is no date'),
        ([("productOrderItem.quantity", "two")], "productOrderItem.quantity", '"two" is no number'),
        ([("productOrderItem.quantity.regex", "2")], "productOrderItem.quantity.regex", "a pattern is for text"),
        ([("productOrderItem.state", "done")], "productOrderItem.state", '"done" is not one of'),
        ([("productOrderItem.action", "Add")], "productOrderItem.action", "add, modify, delete, noChange"),
        ([("productOrderItem.product.isBundle", "True")], "productOrderItem.product.isBundle", "neither true nor"),
        ([("productOrderItem.product.isBundle.gt", "true")], "productOrderItem.product.isBundle.gt", ".eq and .ne"),
        ([("relatedParty", "alice")], "relatedParty", "name one of its attributes, such as relatedParty."),
        ([("state.like", "h")], "state.like", "operators are eq, ne, gt, gte, lt, lte, regex"),
        ([("externalId", "=CRM")], "externalId", "== is no operator"),
        ([("state", "held"), ("state", "failed")], "state", "for either write state=held,failed"),
    ],
)
def test_what_the_attribute_cannot_be_is_refused_with_what_it_can(
    params: list[tuple[str, str]], parameter: str, message: str
) -> None:
    with pytest.raises(QueryError) as refused:
        parse_list_query(params, model=ANSWERS[OrderKind.PRODUCT])
    assert refused.value.parameter == parameter
    assert message in refused.value.message


@pytest.mark.parametrize(
    "params",
    [
        [("state.regex", "^(held|fail)")],
        [("orderDate.regex", "^2026-03")],
        [("orderDate", "2026-03-01t10:00:00z")],
        [("orderDate", "2026-03-01 10:00:00Z")],
        [("orderDate", "2026-03-01T11:00:00 01:00")],
        [("orderDate.gte", "2026-03-01"), ("orderDate.lt", "2026-03-02")],
        [("externalId", "")],
        [("state", "held,failed"), ("state", "held")],
        [("relatedParty.id", "alice"), ("relatedParty.id", "bob")],
        [("@type", "Rush")],
        [("productOrderItem.product.productCharacteristic.value", "anything")],
        [("productOrderItem.quantity.gte", "1.5")],
        [("productOrderItem.product.isBundle", "true")],
        [("productOrderItem.realizedProduct.id", "p1")],
    ],
)
def test_what_may_match_something_is_taken(params: list[tuple[str, str]]) -> None:
    assert parse_list_query(params, model=ANSWERS[OrderKind.PRODUCT]).filters


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T10:00:00Z",
        "2026-03-01T10:00:00",
        "2026-03-01t10:00:00.000z",
        "2026-03-01 10:00:00Z",
        "2026-03-01T11:00:00+01:00",
        "2026-03-01T11:00:00 01:00",
        "2026-03-01T08:00:00-02:00",
        "2026-03-01T10:00:00.0004Z",
    ],
)
def test_a_date_is_found_however_the_filter_spells_it(written: str) -> None:
    document = {"date": "2026-03-01T10:00:00.000Z"}
    assert admits([filter_of("date", written)], document)
    assert not admits([filter_of("date!", written)], document)
    assert admits([filter_of("date.gte", written), filter_of("date.lte", written)], document)
    assert not admits([filter_of("date.gt", written)], document)


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
