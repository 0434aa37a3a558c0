"""Patterns of filters find in lists what they find at hand."""

from __future__ import annotations

from orders.lifecycle.states import OrderKind
from store.orders import OrderStore
from tests.store.samples import accepted
from tests.tmf.query.test_patterns import FOUND
from tmf.query.patterns import MAX_TEXT, Pattern
from tmf.query.query import parse_list_query


async def test_a_list_finds_what_the_pattern_finds(store: OrderStore) -> None:
    texts = {f"o{number}": text for number, (_, text, _) in enumerate(FOUND)} | {"long": "a" * MAX_TEXT + "b"}
    for order_id, text in texts.items():
        await store.accept(accepted(order_id, description=text))
    for written in {each for each, _, _ in FOUND} | {"a$", "b$", "(a|b)*a(a|b){100}c"}:
        page = await store.find(OrderKind.PRODUCT, parse_list_query([("description.regex", written), ("sort", "id")]))
        expected = sorted(order_id for order_id, text in texts.items() if Pattern(written).search(text))
        assert [each["id"] for each in page.documents] == expected, written
