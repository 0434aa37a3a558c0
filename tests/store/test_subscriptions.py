"""Listeners are kept with how far they are, until they are taken off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from orders.events.subscription import OldSecret, Subscription, SubscriptionState
from store.outbox import WaitingEvent
from store.sql.database import Database
from store.subscriptions import SubscriptionStore
from tmf.instants import timestamp
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
        "stateSince": "2026-03-02T10:00:00.000Z",
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


async def given_up(store: SubscriptionStore, subscription_id: str) -> None:
    seen = await store.get(subscription_id)
    assert seen is not None
    assert await store.give_up(seen, "paused for too long", WaitingEvent("e1", NOW))


async def test_nothing_is_kept_for_a_listener_that_was_given_up_until_it_is_resumed(database: Database) -> None:
    store = SubscriptionStore(database)
    for number, position in enumerate((9, 5)):
        await store.add(subscription(f"s{number}", f"http://listener/{number}", position=position))
    await given_up(store, "s1")

    assert await store.needed_after() == {"productOrder": 9}
    assert [each.id for each in await store.kept_for()] == ["s0"]
    found = await store.get("s1")
    assert found is not None
    assert (found.state, found.state_reason) == (SubscriptionState.GIVEN_UP, "paused for too long")
    assert (found.missed_from, found.missed_event_id) == (NOW, "e1")
    page = await store.find("productOrder", parse_list_query([("state", "givenUp")]))
    assert [(each["id"], each["missedEventId"]) for each in page.documents] == [("s1", "e1")]
    told, total = await store.given_up(limit=10)
    assert ([each.id for each in told], total) == (["s1"], 1)
    assert [(each.id, each.state.as_told) for each in await store.unstarted()] == [
        ("s0", SubscriptionState.ACTIVE),
        ("s1", SubscriptionState.PAUSED),
    ]

    await store.become("s1", SubscriptionState.PAUSED)
    assert await store.needed_after() == {"productOrder": 9}, "a pause keeps nothing for it again"
    await store.become("s1", SubscriptionState.ACTIVE)
    found = await store.get("s1")
    assert found is not None
    assert (found.state, found.state_reason, found.missed_from) == (SubscriptionState.ACTIVE, None, None)
    assert await store.needed_after() == {"productOrder": 5}
    assert await store.given_up(limit=10) == ([], 0)


async def test_a_listener_that_has_got_on_since_it_was_seen_is_not_given_up(database: Database) -> None:
    store = SubscriptionStore(database)
    await store.add(subscription("s1"))
    seen = await store.get("s1")
    assert seen is not None
    await store.record("s1", position=7)

    assert not await store.give_up(seen, "too late", None)
    found = await store.get("s1")
    assert found is not None
    assert found.state == SubscriptionState.ACTIVE


async def test_what_a_workflow_notes_does_not_undo_what_it_has_still_to_be_told(database: Database) -> None:
    store = SubscriptionStore(database)
    await store.add(subscription("s1"))
    await store.mark_started(subscription("s1"))
    await given_up(store, "s1")

    await store.note_state("s1", SubscriptionState.ACTIVE, position=3, error=None)
    found = await store.get("s1")
    assert found is not None
    assert (found.state, found.position) == (SubscriptionState.GIVEN_UP, 3)

    await store.mark_started(found)
    await store.note_state("s1", SubscriptionState.PAUSED, position=3, error=None)
    found = await store.get("s1")
    assert found is not None
    assert found.state == SubscriptionState.GIVEN_UP
    await store.note_state("s1", SubscriptionState.ACTIVE, position=3, error=None)
    found = await store.get("s1")
    assert found is not None
    assert (found.state, found.state_reason) == (SubscriptionState.ACTIVE, None)


async def test_how_long_a_listener_has_taken_nothing_is_known_from_the_tries(database: Database) -> None:
    store = SubscriptionStore(database)
    await store.add(subscription("s1"))
    for _ in range(2):
        await store.record_round("s1", failed=True, error="503")
    first = await store.get("s1")
    assert first is not None
    assert first.failing_since is not None
    assert first.failed_at is not None
    assert first.failing_since <= first.failed_at

    long_ago = timestamp(first.failed_at - timedelta(days=9))
    await store.record("s1", failing_since=long_ago)
    await store.record_round("s1", failed=None, position=3)
    await store.record_round("s1", failed=True, error="503")
    still = await store.get("s1")
    assert still is not None
    assert still.failing_since == first.failed_at - timedelta(days=9)

    await store.record("s1", failed_at=timestamp(first.failed_at - timedelta(days=8)))
    await store.record_round("s1", failed=True, error="503")
    tried_again = await store.get("s1")
    assert tried_again is not None
    assert tried_again.failing_since == tried_again.failed_at, "nobody had tried for days"

    await store.record_round("s1", failed=False, position=4, error=None)
    taken = await store.get("s1")
    assert taken is not None
    assert (taken.failing_since, taken.failed_at) == (None, None)


async def test_of_two_who_renew_a_secret_at_the_same_time_one_does(database: Database) -> None:
    store = SubscriptionStore(database)
    await store.add(subscription("s1"))
    before = await store.get("s1")
    assert before is not None
    until = NOW + timedelta(days=1)
    old = [OldSecret(secret=before.secret, until=until)]
    assert await store.keep_secrets(before, before.model_copy(update={"secret": "whsec_y", "old_secrets": old}))
    assert not await store.keep_secrets(before, before.model_copy(update={"secret": "whsec_z"}))

    found = await store.get("s1")
    assert found is not None
    assert (found.secret, found.old_secrets, found.old_secrets_until) == ("whsec_y", old, until)
    await store.forget_old_secrets(until - timedelta(seconds=1))
    assert (await store.get("s1")) == found
    await store.forget_old_secrets(until)
    assert (await store.get("s1")) == found.model_copy(update={"old_secrets": []})


async def test_a_listener_that_cannot_be_read_stops_no_other(database: Database) -> None:
    store = SubscriptionStore(database)
    for number in range(2):
        await store.add(subscription(f"s{number}", f"http://listener/{number}", position=number))
    await store.record("s0", state="asleep", created_at="some day")

    with capture_logs() as logs:
        for listed in (store.unstarted, store.kept_for):
            assert [each.id for each in await listed()] == ["s1"]
    assert [each["id"] for each in logs] == ["s0"], "logged once"
    assert "created_at" in logs[0]["reason"]
    assert "whsec_" not in logs[0]["reason"]
    assert await store.needed_after() == {"productOrder": 0}, "it may be told by the other release"
