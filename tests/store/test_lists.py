"""Lists of orders: both databases give the same."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.lifecycle import OrderKind
from store.documents import unstorable_paths
from store.orders import OrderStore
from store.query import Filter, ListQuery, admits, parse_list_query
from tests.store.samples import Json, accepted

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
    ],
)
async def test_filters_find_what_they_say(shelf: OrderStore, params: list[tuple[str, str]], found: list[str]) -> None:
    assert await ids(shelf, *params) == found


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


NAMES = st.sampled_from(["a", "b", "@type", "c d", 'q"', "$", "ü"])
TEXTS = st.sampled_from(["", "x", "2", "2.0", "-1e3", "true", "null", "%", "é", "2026-03-01T10:00:00Z", "1" * 30])
SCALARS = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(-3, 3), st.sampled_from([2.0, 0.5, -1000.0, 1e-7]))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=VALUES, path=st.lists(NAMES, max_size=3), values=st.lists(TEXTS | st.just("0.5"), min_size=1, max_size=3)
)
async def test_both_databases_match_any_document_by_the_same_rule(
    store: OrderStore, content: Any, path: list[str], values: list[str]
) -> None:
    order_id = uuid.uuid4().hex
    document: Json = {"id": order_id, "orderDate": "2026-03-01T10:00:00.000Z", "state": "held", "content": content}
    assert not list(unstorable_paths(document))
    await store.open(OrderKind.RESOURCE, order_id, document, "p", "p", 1)
    kept = Filter(("content", *path), tuple(values))
    query = ListQuery(filters=(Filter(("id",), (order_id,)), kept))
    expected = admits([kept], document)
    assert (await store.find(OrderKind.RESOURCE, query)).total == int(expected)
