"""The tables of the reference of the APIs, and that the page has them as they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.http.errors import ERRORS
from api.reference import apis_table, errors_table, events_table, operations_tables, with_tables
from orders.events.hubs import HUBS
from tmf.bodies import Document
from tmf.signatures import new_secret, sign

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
PARTS = ["apis", "operations", "errors", "events", "ignored"]


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_has_its_tables_as_they_are(documents: dict[str, Document], page: str) -> None:
    assert [part for part in PARTS if f"<!-- generated: {part} -->" not in page] == []
    assert with_tables(documents, page) == page, "write it anew: python -m api.reference docs/api.md"


def test_a_page_keeps_what_is_not_generated(documents: dict[str, Document]) -> None:
    page = "before\n<!-- generated: errors -->\nold\n<!-- end -->\nafter\n"
    assert with_tables(documents, page) == f"before\n<!-- generated: errors -->\n{errors_table()}<!-- end -->\nafter\n"


def test_a_mark_that_stands_for_no_table_is_refused(documents: dict[str, Document]) -> None:
    with pytest.raises(KeyError, match="prices"):
        with_tables(documents, "<!-- generated: prices -->\n<!-- end -->\n")


def test_each_api_has_a_row_that_leads_to_its_operations(documents: dict[str, Document]) -> None:
    rows = apis_table(documents).splitlines()[2:]
    assert len(rows) == len(documents)
    assert any(
        row.startswith(
            "| [TMF641 Service Ordering v4](#tmf641-service-ordering-v4) | 4.1.0 | `/tmf-api/serviceOrdering/v4` | "
        )
        for row in rows
    )


def test_each_operation_has_a_row_with_what_it_answers(documents: dict[str, Document]) -> None:
    rows = [line for line in operations_tables(documents).splitlines() if line.startswith("| ")]
    operations = [each for document in documents.values() for path in document["paths"].values() for each in path]
    assert len(rows) == len(operations) + 2 * len(documents)
    assert "| GET | `/productOrder` | List or find product orders | 200, 206 | 400, 503 |" in rows
    assert "| DELETE | `/productOrder/{id}` | Delete a closed product order | 204 | 401, 403, 404, 409, 503 |" in rows


def test_each_kind_of_error_has_a_row_with_its_status() -> None:
    table = errors_table()
    assert [
        each.code for each in ERRORS if f"| {int(each.status)} | `{each.code}` | {each.reason} |" not in table
    ] == []
    assert "| 405 | `methodNotAllowed` | " in table


def test_each_type_of_events_has_a_row_with_where_it_is_sent() -> None:
    rows = events_table().splitlines()[2:]
    assert len(rows) == sum(len(hub.types) for hub in HUBS.values())
    assert "| `productOrder` | `ProductOrderStateChangeEvent` | `listener/productOrderStateChangeEvent` |" in rows


def test_the_example_of_the_page_tells_signed_events_from_others(page: str) -> None:
    [example] = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    known: dict[str, Any] = {}
    exec(example, known)
    secret, body = new_secret(), b'{"eventId":"1"}'
    headers = sign(secret, "1", datetime.now(UTC), body)
    assert known["is_genuine"](secret, headers, body)
    assert not known["is_genuine"](secret, headers, body + b" ")
    assert not known["is_genuine"](new_secret(), headers, body)
    old = sign(secret, "1", datetime.now(UTC) - timedelta(hours=1), body)
    assert not known["is_genuine"](secret, old, body)
