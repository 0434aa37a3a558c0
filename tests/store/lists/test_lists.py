"""Lists of orders: both databases give the same."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql

from orders.lifecycle.states import OrderKind, OrderState
from store.lists import counts
from store.lists.listing import condition
from store.orders import OrderStore
from store.sql.database import open_database
from tests.store.samples import accepted, change
from tmf.query.matching import admits, sorted_documents
from tmf.query.query import Filter, ListQuery, Page, QueryError, parse_list_query

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shelf(store: OrderStore) -> OrderStore:
    """Three orders: a and b on the first of the month, c on the second."""
    await store.accept(
        accepted(
            "a",
            externalId="CRM-1",
            category="fibre",
            priority="1",
            relatedParty=[{"id": "alice", "role": "Customer"}, {"id": "shop-7", "role": "Seller"}],
            productOrderItem=[
                {"id": "1", "quantity": 2, "product": {"id": "p-1", "isBundle": True}},
                {"id": "2", "product": {"id": "p-2", "place": [{"id": "berlin"}, {"id": "bonn"}]}},
            ],
        )
    )
    await store.accept(
        accepted("b", externalId="CRM_1", relatedParty=[{"id": "bob"}], **{"@type": "Rush", "we-ird": "x"})
    )
    await store.accept(
        accepted(
            "c",
            externalId='say "hi", all',
            category="fibre",
            orderDate="2026-03-02T10:00:00.000Z",
            requestedStartDate="2026-04-01T00:00:00.000Z",
            relatedParty=[{"id": "alice"}],
            note=[{"text": "100%", "date": "2026-03-02T10:00:00.000Z"}],
        )
    )
    await store.open(OrderKind.SERVICE, "s", {"id": "s", "state": "held", "category": "fibre"}, "a", "a", 1)
    return store


async def ids(store: OrderStore, *params: tuple[str, str]) -> list[str]:
    page = await store.find(OrderKind.PRODUCT, parse_list_query(params))
    found = [document["id"] for document in page.documents]
    assert page.total >= len(found)
    return found


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ([], ["c", "b", "a"]),
        ([("id", "a")], ["a"]),
        ([("id", "c,a,z")], ["c", "a"]),
        ([("state", "acknowledged")], ["c", "b", "a"]),
        ([("state", "held")], []),
        ([("category", "fibre"), ("orderDate", "2026-03-01T10:00:00.000Z")], ["a"]),
        ([("orderDate", '"2026-03-01T10:00:00Z"')], ["b", "a"]),
        ([("orderDate", "2026-03-02T12:00:00+02:00")], ["c"]),
        ([("orderDate", "yesterday")], []),
        ([("requestedStartDate", "2026-04-01T00:00:00Z")], ["c"]),
        ([("externalId", "CRM_1")], ["b"]),
        ([("externalId", "CRM%")], []),
        ([("externalId", r'"say \"hi\", all"')], ["c"]),
        ([("priority", "1")], ["a"]),
        ([("relatedParty.id", "alice")], ["c", "a"]),
        ([("relatedParty.id", "bob,shop-7")], ["b", "a"]),
        ([("relatedParty.id", "alice"), ("relatedParty.role", "Seller")], ["a"]),
        ([("productOrderItem.product.id", "p-2")], ["a"]),
        ([("productOrderItem.product.place.id", "bonn")], ["a"]),
        ([("productOrderItem.quantity", "2")], ["a"]),
        ([("productOrderItem.product.isBundle", "true")], ["a"]),
        ([("productOrderItem.product.isBundle", "false")], []),
        ([("productOrderItem.productOrderItem.id", "1.1")], ["c", "b"]),
        ([("@type", "Rush")], ["b"]),
        ([("we-ird", "x")], ["b"]),
        ([("note.text", "100%")], ["c"]),
        ([("note.text", "1%")], []),
        ([("note.date", "2026-03-02T11:00:00+01:00")], ["c"]),
        ([("document", "x")], []),
        ([("digest", "digest")], []),
        ([("productOrderItem", "p-1")], []),
        ([("externalId", "CRM-1;externalId=CRM_1")], ["b", "a"]),
        ([("externalId!", "CRM-1;externalId!=CRM_1")], ["c", "b", "a"]),
        ([("relatedParty.id", "bob;priority=1")], ["b", "a"]),
        ([("relatedParty.id", "bob;productOrderItem.product.id=p-2")], ["b", "a"]),
        ([("relatedParty.id", "alice"), ("relatedParty.id", "bob;productOrderItem.product.id=p-2")], ["a"]),
        ([("relatedParty.id!", "alice;note.text=100%")], ["c", "b"]),
        ([("category", "fibre"), ("orderDate>2026-03-02;relatedParty.role", "Seller")], ["c", "a"]),
        ([("note.text", "100%;we-ird=x"), ("state", "held;state=acknowledged")], ["c", "b"]),
    ],
)
async def test_filters_find_what_they_say(shelf: OrderStore, params: list[tuple[str, str]], found: list[str]) -> None:
    assert await ids(shelf, *params) == found


def test_alternatives_among_references_are_one_set_of_orders() -> None:
    (asked,) = parse_list_query([("relatedParty.id", "bob;productOrderItem.product.id=p-2")]).filters
    written = str(condition(asked, "postgresql").compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    # PostgreSQL looks up the orders of one set by their key; those of two, with OR, it seeks among all orders.
    assert written.count("(orders.kind, orders.id) IN") == 1
    assert " OR " not in written


@pytest.mark.parametrize(
    "value",
    ["' OR '1'='1", "x') OR 1=1 --", '"}]} || true', "$wanted", "${jndi}", ":id", "%s", "\\", "?", "$.*", "true || @"],
)
@pytest.mark.parametrize("name", ["id", "state", "note.text", "relatedParty.id"])
async def test_hostile_values_are_only_values(shelf: OrderStore, name: str, value: str) -> None:
    kept = Filter(tuple(name.split(".")), (value,))
    assert (await shelf.find(OrderKind.PRODUCT, ListQuery(filters=(kept,)))).total == 0


@pytest.mark.parametrize("segment", ['a" ? (1 == 1) || "b', '$"', "*", "**", "a.b", "a'b", "a\\", 'id") or true'])
async def test_hostile_paths_that_get_past_the_reader_still_match_nothing(shelf: OrderStore, segment: str) -> None:
    kept = Filter((segment, "id"), ("a", "1", "p-1"))
    assert (await shelf.find(OrderKind.PRODUCT, ListQuery(filters=(kept,)))).total == 0


async def test_pages_cut_the_list_without_gap_or_overlap_and_count_all(store: OrderStore) -> None:
    for number in range(7):
        await store.accept(accepted(f"o{number}"))
    pages = [
        await store.find(OrderKind.PRODUCT, parse_list_query([("limit", "3"), ("offset", str(offset))]))
        for offset in (0, 3, 6, 9)
    ]
    assert [[document["id"] for document in page.documents] for page in pages] == [
        ["o6", "o5", "o4"],
        ["o3", "o2", "o1"],
        ["o0"],
        [],
    ]
    assert {page.total for page in pages} == {7}


async def test_fields_are_cut_out_of_each_document(shelf: OrderStore) -> None:
    page = await shelf.find(OrderKind.PRODUCT, parse_list_query([("fields", "category"), ("id", "a")]))
    href = "/tmf-api/productOrderingManagement/v4/productOrder/a"
    assert page.documents == [{"id": "a", "href": href, "category": "fibre"}]


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("orderDate", ["a", "b", "c"]),
        ("-orderDate", ["c", "a", "b"]),
        ("-externalId", ["c", "b", "a"]),
        ("category,-id", ["c", "a", "b"]),
        ("requestedStartDate", ["c", "a", "b"]),
        ("-requestedStartDate", ["c", "a", "b"]),
    ],
)
async def test_lists_are_sorted_by_code_point_and_the_missing_last(
    shelf: OrderStore, sort: str, found: list[str]
) -> None:
    assert await ids(shelf, ("sort", sort)) == found


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ([("orderDate.gte", "2026-03-02")], ["c"]),
        ([("orderDate.gt", "2026-03-01T12:00:00+02:00")], ["c"]),
        ([("orderDate.lte", "2026-03-01T10:00:00Z")], ["b", "a"]),
        ([("orderDate.lt", "2026-03-01T10:00:00Z")], []),
        ([("orderDate.gte", "2026-03-01"), ("orderDate.lt", "2026-03-03"), ("state", "acknowledged")], ["c", "b", "a"]),
        ([("orderDate.regex", "^2026-03-01")], ["b", "a"]),
        ([("state.ne", "acknowledged")], []),
        ([("category.ne", "fibre")], ["b"]),
        ([("category.regex", "^fib")], ["c", "a"]),
        ([("externalId.gt", "CRM-1")], ["c", "b"]),
        ([("externalId.gt", "2026-03-01")], []),
        ([("requestedStartDate.ne", "2026-04-01")], ["b", "a"]),
        ([("relatedParty.id.ne", "alice")], ["b"]),
        ([("relatedParty.id.gt", "b")], ["b", "a"]),
        ([("relatedParty.id.regex", "^shop-[0-9]$")], ["a"]),
        ([("productOrderItem.quantity.gte", "2")], ["a"]),
        ([("productOrderItem.quantity.ne", "2")], ["c", "b"]),
        ([("note.date.gte", "2026-03-02T11:00:00+01:00")], ["c"]),
        ([("note.date.gt", "2026-03-02T11:00:00+01:00")], []),
    ],
)
async def test_comparisons_find_what_they_say(
    shelf: OrderStore, params: list[tuple[str, str]], found: list[str]
) -> None:
    assert await ids(shelf, *params) == found


async def test_what_an_index_cannot_hold_is_found_all_the_same(store: OrderStore) -> None:
    long = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(100))
    await store.accept(accepted("a", category=long, relatedParty=[{"id": long}]))
    for name in ("category", "relatedParty.id"):
        assert await ids(store, (name, long)) == ["a"]
        assert await ids(store, (name, long[:-1])) == []


async def test_references_follow_the_document(store: OrderStore) -> None:
    await store.accept(accepted("a", productOrderItem=[{"id": "1", "product": {"id": "p"}}]))
    await store.record([change("a", 1, items={"1": {"product": {"id": "q"}}})])
    assert await ids(store, ("productOrderItem.product.id", "p")) == []
    assert await ids(store, ("productOrderItem.product.id", "q")) == ["a"]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"state": "held"},
        {"state.ne": "held"},
        {"orderDate.gte": "2026-03-02T12:00:00Z"},
        {"orderDate.gt": "2026-03-02T12:00:00Z", "orderDate.lte": "2026-03-04T12:00:00Z", "state": "held,acknowledged"},
        {"orderDate.gte": "2026-03-02", "orderDate.lt": "2026-03-02"},
        {"orderDate.gte": "2026-03"},
        {"category": "fibre"},
        {"relatedParty.id": "customer-1"},
        {"relatedParty.id": "customer-1,alice"},
        {"productOrderItem.action": "add"},
    ],
)
async def test_totals_are_exact_while_orders_change_their_state(store: OrderStore, params: dict[str, str]) -> None:
    for day in range(1, 6):
        for number in range(3):
            date = f"2026-03-0{day}T{number * 6 + 6:02}:00:00.000Z"
            parties = [{"id": "customer-1"}, {"id": "alice"}]
            await store.accept(accepted(f"{day}{number}", orderDate=date, category="fibre", relatedParty=parties))
    for order_id, state in (("10", OrderState.HELD), ("22", OrderState.HELD), ("30", OrderState.COMPLETED)):
        await store.record([change(order_id, 1, state)])
    await store.record([change("22", 2, OrderState.COMPLETED)])
    whole = await store.find(OrderKind.PRODUCT, parse_list_query(list(params.items())))
    part = await store.find(OrderKind.PRODUCT, parse_list_query([*params.items(), ("limit", "1")]))
    beyond = await store.find(OrderKind.PRODUCT, parse_list_query([*params.items(), ("offset", "50")]))
    assert part.total == beyond.total == whole.total == len(whole.documents)
    assert part.documents == whole.documents[:1]


@pytest.mark.parametrize("params", [[], [("sort", "orderDate")], [("sort", "-orderDate")], [("state.ne", "held")]])
async def test_a_far_page_is_the_same_as_one_counted_off(
    store: OrderStore, params: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "_FAR", 1)
    for number in range(12):
        await store.accept(accepted(f"o{number:02}", orderDate=f"2026-03-{number // 4 + 1:02}T10:00:00.000Z"))
    await store.record([change("o05", 1, OrderState.HELD)])
    whole = await ids(store, *params)
    for offset in range(1, 14):
        assert await ids(store, *params, ("offset", str(offset)), ("limit", "3")) == whole[offset : offset + 3]


@pytest.mark.parametrize("sort", ["-requestedStartDate", "-requestedStartDate,orderDate", "-category,id", "-priority"])
@pytest.mark.parametrize("params", [[], [("relatedParty.id", "alice")], [("relatedParty.role", "Customer")]])
async def test_pages_of_a_descending_list_go_on_with_what_has_nothing_to_sort_by(
    store: OrderStore, sort: str, params: list[tuple[str, str]]
) -> None:
    for number in range(8):
        found = {"requestedStartDate": f"2026-04-0{number % 3 + 1}T00:00:00.000Z", "category": f"c{number % 2}"}
        parties = [{"id": "alice" if number % 3 else "bob", "role": "Customer"}]
        await store.accept(accepted(f"o{number}", relatedParty=parties, **(found if number % 4 else {})))
    query = parse_list_query([*params, ("sort", sort)])
    everyone = await store.find(OrderKind.PRODUCT, parse_list_query([("sort", "id")]))
    whole = sorted_documents(query, (each for each in everyone.documents if admits(query.filters, each)))
    for offset in range(len(whole) + 1):
        part = parse_list_query([*params, ("sort", sort), ("offset", str(offset)), ("limit", "3")])
        assert await store.find(OrderKind.PRODUCT, part) == Page(len(whole), whole[offset : offset + 3])


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ([("description.regex", "z"), ("note.text.gt", "a")], "description.regex"),
        ([("state", "acknowledged"), ("sort", "description")], "sort"),
    ],
)
async def test_a_list_that_takes_too_long_is_refused_naming_what_is_slow(
    backend: str, migrated_url: str, store: OrderStore, params: list[tuple[str, str]], parameter: str, tmp_path: Path
) -> None:
    for number in range(100):
        await store.accept(accepted(f"o{number}", description="x" * 5000, note=[{"text": "a"}] * 100))
    url = migrated_url if backend == "postgresql" else f"sqlite:///{tmp_path / 'store.db'}"
    hasty = open_database(url, list_timeout=timedelta(milliseconds=1))
    with pytest.raises(QueryError, match="leaves fewer of them, by one of id, state") as refused:
        await OrderStore(hasty).find(OrderKind.PRODUCT, parse_list_query(params))
    assert refused.value.parameter == parameter
    assert (await store.find(OrderKind.PRODUCT, parse_list_query(params))).total >= 0
    await hasty.close()


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
