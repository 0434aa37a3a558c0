"""Listeners are kept with how far they are, until they are taken off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders.events.subscription import Subscription, SubscriptionState
from store.sql.database import Database
from store.subscriptions import SubscriptionStore
from tmf.query.query import ListQuery, parse_list_query

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def subscription(subscription_id: str, callback: str = "http://listener/hook", **more: object) -> Subscription:
    known = {"api": "productOrder", "secret": "whsec_x", "created_at": NOW}
    return Subscription.model_validate({"id": subscription_id, "callback": callback, **known, **more})


async def test_a_listener_is_registered_once_with_one_query_however_long_it_is(database: Database) -> None:
    store, long = SubscriptionStore(database), "http://listener/" + "x" * 1900
    assert await store.add(subscription("s1", long, query="q=" + "é" * 1900))
    assert not await store.add(subscription("s2", long, query="q=" + "é" * 1900))
    assert await store.add(subscription("s3", long))

    assert await store.end("s1")
    assert not await store.end("s1")
    assert await store.add(subscription("s4", long, query="q=" + "é" * 1900)), "once it was taken off"
    page = await store.find("productOrder", ListQuery())
    assert [each["id"] for each in page.documents] == ["s3", "s4"]


async def test_listeners_are_listed_by_pages_filtered_and_sorted_as_other_lists(database: Database) -> None:
    store = SubscriptionStore(database)
    for number in range(5):
        at = NOW + timedelta(days=number)
        await store.add(subscription(f"s{number}", f"http://{number}", created_at=at, backlog=number, query="a=b"))
    await store.add(subscription("other", api="serviceOrder"))
    await store.become("s4", SubscriptionState.PAUSED)

    async def found(*params: tuple[str, str]) -> tuple[list[str], int]:
        page = await store.find("productOrder", parse_list_query(params))
        return [each["id"] for each in page.documents], page.total

    assert await found(("limit", "2")) == (["s0", "s1"], 5)
    assert await found(("limit", "2"), ("offset", "2"), ("sort", "-backlog")) == (["s2", "s1"], 5)
    assert await found(("state", "paused")) == (["s4"], 1)
    assert await found(("backlog.gte", "2"), ("createdAt.lt", "2026-03-04")) == (["s2"], 1)
    assert await found(("callback.regex", "[34]$"), ("limit", "1")) == (["s3"], 2)
    (first,) = (await store.find("productOrder", parse_list_query([("id", "s1")]))).documents
    assert first == {
        "id": "s1",
        "callback": "http://1",
        "query": "a=b",
        "state": "active",
        "backlog": 1,
        "givenUp": 0,
        "createdAt": "2026-03-02T10:00:00.000Z",
    }


async def test_a_listener_that_was_taken_off_stays_so_until_its_workflow_knows(database: Database) -> None:
    store = SubscriptionStore(database)
    await store.add(subscription("s1"))
    await store.end("s1")
    await store.record("s1", state=SubscriptionState.ACTIVE.value)

    assert await store.get("s1") is None
    assert await store.unstarted() == []
    assert await store.unstopped() == ["s1"]
    await store.mark_stopped("s1")
    assert await store.unstopped() == []


async def test_a_listener_that_is_to_be_something_else_is_told_until_its_workflow_knows(database: Database) -> None:
    store = SubscriptionStore(database)
    await store.add(subscription("s1"))
    await store.mark_started(subscription("s1"))
    assert [each.id for each in await store.started()] == ["s1"]

    await store.become("s1", SubscriptionState.PAUSED)
    assert [(each.id, each.state) for each in await store.unstarted()] == [("s1", "paused")]
    await store.mark_started(subscription("s1"))
    assert [each.id for each in await store.unstarted()] == ["s1"], "what it knows is not what it is to be"
    await store.mark_started(subscription("s1", state=SubscriptionState.PAUSED))
    assert await store.unstarted() == []
    await store.end("s1")
    assert await store.started() == []


async def test_events_are_needed_from_where_the_slowest_listener_is_paused_or_not(database: Database) -> None:
    store = SubscriptionStore(database)
    assert await store.needed_after() == {}
    for number, position in enumerate((9, 5, 7)):
        await store.add(subscription(f"s{number}", f"http://listener/{number}", position=position))
    await store.end("s1")
    await store.become("s2", SubscriptionState.PAUSED)

    await store.add(subscription("other", api="serviceOrder", position=3))

    assert await store.needed_after() == {"productOrder": 7, "serviceOrder": 3}
