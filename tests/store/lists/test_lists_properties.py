"""Both databases match and sort any documents alike, and as the query's own rules say."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.lifecycle.states import OrderKind
from store.documents import unstorable_paths
from store.orders import OrderStore
from tests.store.lists.test_lists import SIGNS
from tests.thorough import examples
from tests.tmf.query.test_patterns import PATTERNS
from tests.tmf.query.test_patterns import TEXTS as PATTERN_TEXTS
from tmf.bodies import Document
from tmf.query.matching import admits, sorted_documents
from tmf.query.query import Filter, ListQuery, Operator, Sort, parse_query_string

pytestmark = pytest.mark.anyio


UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
"""What says nothing of lists: how fast a busy machine draws examples, and how large the first ones are."""


OPERATORS = st.sampled_from([each for each in Operator if each != Operator.REGEX])


NAMES = st.sampled_from(["a", "b", "@type", "c d", 'q"', "$", "ü"])


TEXTS = st.sampled_from(
    ["", "x", "2", "2.0", "-1e3", "true", "null", "%", "é", "2026-03-01T10:00:00Z", "2026-03-01", "1" * 30]
)


SCALARS = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(-3, 3), st.sampled_from([2.0, 0.5, -1000.0, 1e-7]))


VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)


@settings(max_examples=examples(20, 200), deadline=None, suppress_health_check=UNHURRIED)
@given(
    content=VALUES,
    path=st.lists(NAMES, max_size=3),
    values=st.lists(TEXTS | st.just("0.5"), min_size=1, max_size=3),
    compared=OPERATORS,
)
async def test_both_databases_match_any_document_by_the_same_rule(
    store: OrderStore, content: Any, path: list[str], values: list[str], compared: Operator
) -> None:
    order_id = uuid.uuid4().hex
    document: Document = {"id": order_id, "orderDate": "2026-03-01T10:00:00.000Z", "state": "held", "content": content}
    assert not list(unstorable_paths(document))
    await store.open(OrderKind.RESOURCE, order_id, document, "p", "p", 1)
    kept = Filter(("content", *path), tuple(values), compared)
    query = ListQuery(filters=(Filter(("id",), (order_id,)), kept))
    expected = admits([kept], document)
    assert (await store.find(OrderKind.RESOURCE, query)).total == int(expected)


STATES = ["acknowledged", "held", "completed"]


DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"]


PARTIES = ["alice", "bob"]


ORDERED = st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "day": st.sampled_from(DAYS),
        "priority": st.none() | st.sampled_from("012"),
        "parties": st.lists(st.sampled_from(PARTIES), max_size=2),
        "quantity": st.none() | st.integers(0, 3),
    }
)
"""An order, in the few words that the filters below are about."""


def clause(name: str, path: str, wanted: Any, sign: str) -> tuple[str, Callable[[Document], bool]]:
    """Return a filter as an address has it, and what it says of an order in plain Python."""

    def holds(order: Document) -> bool:
        found = order[name] if isinstance(order[name], list) else [order[name]]
        if sign == "!=":
            return wanted not in found
        return any(each is not None and SIGNS[sign](each, wanted) for each in found)

    return f"{path}{sign}{wanted}", holds


CLAUSES = st.one_of(
    st.builds(clause, st.just("state"), st.just("state"), st.sampled_from(STATES), st.sampled_from(["=", "!="])),
    st.builds(clause, st.just("day"), st.just("orderDate"), st.sampled_from(DAYS), st.sampled_from(list(SIGNS))),
    st.builds(clause, st.just("priority"), st.just("priority"), st.sampled_from("012"), st.sampled_from(list(SIGNS))),
    st.builds(
        clause, st.just("parties"), st.just("relatedParty.id"), st.sampled_from(PARTIES), st.sampled_from(["=", "!="])
    ),
    st.builds(
        clause,
        st.just("quantity"),
        st.just("productOrderItem.quantity"),
        st.integers(0, 3),
        st.sampled_from(list(SIGNS)),
    ),
)


@settings(max_examples=examples(25, 400), deadline=None, suppress_health_check=UNHURRIED)
@given(
    wanted=st.lists(ORDERED, min_size=1, max_size=5),
    asked=st.lists(st.lists(CLAUSES, min_size=1, max_size=3), min_size=1, max_size=3),
)
async def test_a_list_has_what_each_parameter_says_by_one_of_its_alternatives(
    store: OrderStore, wanted: list[Document], asked: list[list[tuple[str, Callable[[Document], bool]]]]
) -> None:
    batch = uuid.uuid4().hex
    for number, each in enumerate(wanted):
        document = {
            "id": f"{batch}{number}",
            "state": each["state"],
            "orderDate": f"{each['day']}T00:00:00.000Z",
            "category": batch,
            "relatedParty": [{"id": party} for party in each["parties"]],
            "productOrderItem": [{"id": "1", **({} if each["quantity"] is None else {"quantity": each["quantity"]})}],
            **({} if each["priority"] is None else {"priority": each["priority"]}),
        }
        await store.open(OrderKind.PRODUCT, document["id"], document, "p", "p", 1)
    address = "&".join([f"category={batch}", *(";".join(text for text, _ in clauses) for clauses in asked)])
    expected = [
        f"{batch}{number}"
        for number, each in enumerate(wanted)
        if all(any(holds(each) for _, holds in clauses) for clauses in asked)
    ]
    page = await store.find(OrderKind.PRODUCT, parse_query_string(f"{address}&sort=id", ("id",)))
    assert [each["id"] for each in page.documents] == expected
    first = await store.find(OrderKind.PRODUCT, parse_query_string(f"{address}&limit=1"))
    assert first.total == len(expected)


@settings(max_examples=examples(15, 200), deadline=None, suppress_health_check=UNHURRIED)
@given(pattern=PATTERNS, text=PATTERN_TEXTS)
async def test_both_databases_find_patterns_by_the_same_rule(store: OrderStore, pattern: str, text: str) -> None:
    order_id = uuid.uuid4().hex
    document: Document = {"id": order_id, "orderDate": "2026-03-01T10:00:00.000Z", "state": "held", "content": [text]}
    await store.open(OrderKind.RESOURCE, order_id, document, "p", "p", 1)
    kept = Filter(("content",), (pattern,), Operator.REGEX)
    query = ListQuery(filters=(Filter(("id",), (order_id,)), kept))
    assert (await store.find(OrderKind.RESOURCE, query)).total == int(admits([kept], document))


@settings(max_examples=examples(15, 200), deadline=None, suppress_health_check=UNHURRIED)
@given(contents=st.lists(VALUES, min_size=2, max_size=5), descending=st.booleans())
async def test_both_databases_sort_any_documents_alike(
    store: OrderStore, contents: list[Any], descending: bool
) -> None:
    batch = uuid.uuid4().hex
    documents: list[Document] = [
        {
            "id": f"{batch}{number}",
            "orderDate": "2026-03-01T10:00:00.000Z",
            "state": "held",
            "category": batch,
            "a": each,
        }
        for number, each in enumerate(contents)
    ]
    for document in documents:
        await store.open(OrderKind.RESOURCE, document["id"], document, "p", "p", 1)
    query = ListQuery(filters=(Filter(("category",), (batch,)),), sort=(Sort("a", descending),))
    page = await store.find(OrderKind.RESOURCE, query)
    assert page.documents == sorted_documents(query, documents)
