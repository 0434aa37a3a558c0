"""Documents at hand that a query finds."""

from __future__ import annotations

import time
from typing import Any

import pytest

from store.documents import write_json
from store.sql.functions import Functions, written_filter
from tests.tmf.query.test_query import filter_of
from tmf.query.matching import admits, page_of
from tmf.query.query import parse_list_query


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
    kept = filter_of(path, value)
    assert Functions().document_admits(write_json(document), written_filter(kept)) is matches
    assert admits([kept], document) is matches


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
    kept = filter_of(name, value)
    assert admits([kept], document) is matches
    assert Functions().document_admits(write_json(document), written_filter(kept)) is matches


def test_what_takes_too_long_ends_between_two_texts_of_a_document() -> None:
    functions = Functions()
    document = write_json({"note": [{"text": "x"}, {"text": "y"}]})
    kept = written_filter(filter_of("note.text.regex", "y"))
    assert functions.document_admits(document, kept)

    functions.end = time.monotonic() - 1
    with pytest.raises(TimeoutError):
        functions.document_admits(document, kept)


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
