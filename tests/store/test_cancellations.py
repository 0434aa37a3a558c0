"""Requests to cancel: kept once, listed as TM Forum lists, settled in one direction only, sent until they arrived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.lifecycle.states import OrderKind
from store.cancellations import CancelStore
from tmf.query.query import parse_list_query

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
PRODUCT = OrderKind.PRODUCT


def request(cancel_id: str, order_id: str = "o1", kind: OrderKind = PRODUCT, **attributes: Any) -> dict[str, Any]:
    return {"id": cancel_id, "state": "acknowledged", kind.value: {"id": order_id}, **attributes}


async def opened(
    cancellations: CancelStore, cancel_id: str, order_id: str = "o1", kind: OrderKind = PRODUCT, minutes: int = 0
) -> None:
    document = request(cancel_id, order_id, kind)
    await cancellations.open(kind, cancel_id, order_id, document, NOW + timedelta(minutes=minutes))


async def found(cancellations: CancelStore, kind: OrderKind = PRODUCT, **params: str) -> list[str]:
    query = parse_list_query([(name.replace("__", "."), value) for name, value in params.items()])
    return [each["id"] for each in (await cancellations.find(kind, query)).documents]


async def test_request_is_kept_once_and_read_back(cancellations: CancelStore) -> None:
    document = request("c1", cancellationReason="moved away")
    for each in (document, request("c1", cancellationReason="another")):
        await cancellations.open(PRODUCT, "c1", "o1", each, NOW)
    assert await cancellations.get(PRODUCT, "c1") == document
    assert await cancellations.get(OrderKind.SERVICE, "c1") is None
    assert await cancellations.get(PRODUCT, "c1\0") is None


async def test_request_only_ever_gets_further(cancellations: CancelStore) -> None:
    await opened(cancellations, "c1")
    assert not await cancellations.settle(PRODUCT, "c1", "acknowledged")
    assert await cancellations.settle(PRODUCT, "c1", "inProgress")
    assert not await cancellations.settle(PRODUCT, "c1", "inProgress", completionMessage="again")
    ended = {"effectiveCancellationDate": "2026-03-01T10:00:01.000Z", "@type": "CancelProductOrder"}
    assert await cancellations.settle(PRODUCT, "c1", "done", **ended)
    assert not await cancellations.settle(PRODUCT, "c1", "terminatedWithError", completionMessage="too late")
    assert not await cancellations.settle(PRODUCT, "c1", "inProgress")
    assert not await cancellations.settle(PRODUCT, "c2", "done")
    assert await cancellations.get(PRODUCT, "c1") == request("c1") | ended | {"state": "done"}


async def test_service_orders_spell_the_first_state_their_own_way(cancellations: CancelStore) -> None:
    document = request("c1", kind=OrderKind.SERVICE) | {"state": "accepted"}
    await cancellations.open(OrderKind.SERVICE, "c1", "o1:1:internet", document, NOW)
    assert await cancellations.settle(OrderKind.SERVICE, "c1", "terminatedWithError")


async def test_requests_are_listed_newest_first_and_found_by_order_state_and_attribute(
    cancellations: CancelStore,
) -> None:
    await opened(cancellations, "c1", "o1", minutes=1)
    await opened(cancellations, "c2", "o2", minutes=2)
    await opened(cancellations, "c3", "o1", minutes=3)
    await opened(cancellations, "c4", "o1", OrderKind.SERVICE)
    await cancellations.settle(PRODUCT, "c2", "done", cancellationReason="moved away")
    assert await found(cancellations) == ["c3", "c2", "c1"]
    assert await found(cancellations, OrderKind.SERVICE) == ["c4"]
    assert await found(cancellations, productOrder__id="o1", state="acknowledged") == ["c3", "c1"]
    assert await found(cancellations, cancellationReason="moved away") == ["c2"]
    assert await found(cancellations, serviceOrder__id="o1") == []
    assert await found(cancellations, sort="-state,id") == ["c2", "c1", "c3"]
    page = await cancellations.find(PRODUCT, parse_list_query([("offset", "1"), ("limit", "1"), ("fields", "state")]))
    assert (page.total, page.documents) == (3, [{"id": "c2", "state": "done"}])


async def test_list_is_sorted_by_any_attribute(cancellations: CancelStore) -> None:
    for cancel_id, reason in (("c1", "moves"), ("c2", None), ("c3", "illness")):
        document = request(cancel_id, cancellationReason=reason)
        await cancellations.open(PRODUCT, cancel_id, "o1", document, NOW)
    assert await found(cancellations, sort="cancellationReason") == ["c3", "c1", "c2"]
    assert await found(cancellations, cancellationReason__regex="^m.*s$") == ["c1"]


async def test_request_is_among_the_unsent_until_its_workflow_knows(cancellations: CancelStore) -> None:
    for number, kind in enumerate((PRODUCT, OrderKind.RESOURCE, PRODUCT)):
        await opened(cancellations, f"c{number}", f"o{number}", kind, minutes=number)
    unsent = await cancellations.unsent()
    assert [(each.kind, each.id, each.order_id) for each in unsent] == [
        (PRODUCT, "c0", "o0"),
        (OrderKind.RESOURCE, "c1", "o1"),
        (PRODUCT, "c2", "o2"),
    ]
    assert unsent[0].document == request("c0", "o0")
    assert [each.id for each in await cancellations.unsent(limit=1)] == ["c0"]
    for _ in range(2):
        await cancellations.mark_sent(PRODUCT, "c0")
    await cancellations.settle(PRODUCT, "c2", "inProgress")
    assert [each.id for each in await cancellations.unsent()] == ["c1"]
