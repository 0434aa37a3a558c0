"""Intake of orders, and what the workflows record of them."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.lifecycle.change import OrderUpdate
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from store.errors import IdempotencyConflictError, UnstorableDocumentError
from store.orders import OrderStore
from store.outbox import Outbox
from store.recording import Recorded
from tests.store.samples import accepted, change, entries, product_order
from tmf.bodies import Document
from tmf.query.query import ListQuery, parse_list_query

pytestmark = pytest.mark.anyio


async def states(store: OrderStore, order_id: str) -> dict[str, str]:
    """The states of an order and its items, by id."""
    document = await stored(store, order_id)
    (bundle, single) = document["productOrderItem"]
    return {each["id"]: each["state"] for each in (document, bundle, *bundle["productOrderItem"], single)}


async def stored(store: OrderStore, order_id: str) -> Document:
    document = await store.get(OrderKind.PRODUCT, order_id)
    assert document is not None
    return document


async def test_accepted_order_is_read_back_with_every_attribute(store: OrderStore) -> None:
    extras: Document = {"@type": "Rush", "x-vendor": {"deep": [1, 2.5, True, None, "é😀"]}}
    order = accepted("o1", **extras)
    assert await store.accept(order) == (order.document, True)
    assert await store.get(OrderKind.PRODUCT, "o1") == order.document


async def test_unknown_order_is_none(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    assert await store.get(OrderKind.PRODUCT, "o2") is None
    assert await store.get(OrderKind.SERVICE, "o1") is None
    assert await store.get(OrderKind.PRODUCT, "o1\0") is None
    assert await store.get(OrderKind.PRODUCT, "' OR 1=1 --") is None


async def test_an_order_ends_though_a_lost_workflow_task_has_told_more_changes(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    await store.record([change("o1", 7)])
    assert await store.record([change("o1", 3, OrderState.COMPLETED)]) == [Recorded.APPLIED]
    assert (await stored(store, "o1"))["state"] == "completed"
    assert await store.record([change("o1", 7), change("o1", 4, OrderState.COMPLETED)]) == [
        Recorded.ENDED,
        Recorded.OUTDATED,
    ]
    assert (await stored(store, "o1"))["state"] == "completed"


async def test_a_new_revision_is_applied_once_though_a_lost_workflow_task_has_told_more_changes(
    store: OrderStore,
) -> None:
    await store.accept(accepted("o1"))
    await store.record([change("o1", 6), change("o1", 7, OrderState.HELD)])
    amended = change("o1", 3, attributes={"description": "amended"}).model_copy(update={"revision": 2})
    assert await store.record([amended]) == [Recorded.APPLIED]
    document = await stored(store, "o1")
    assert (document["state"], document["description"]) == ("inProgress", "amended")
    assert await store.record([change("o1", 9, attributes={"description": "told since"})]) == [Recorded.APPLIED]
    assert await store.record([amended]) == [Recorded.OUTDATED]
    assert (await stored(store, "o1"))["description"] == "told since"
    placed = await Outbox(store._database).read(0, 100, root_id="o1")
    assert len({each.event.id for each in placed}) == len(placed)


async def test_the_end_under_a_version_that_was_taken_has_an_event_of_its_own(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    await store.record([change("o1", 1), change("o1", 2, OrderState.HELD), change("o1", 3)])
    await store.record([change("o1", 2, OrderState.COMPLETED)])
    placed = await Outbox(store._database).read(0, 100, root_id="o1")
    ids = [each.event.id for each in placed]
    assert len(ids) == len(set(ids)) == 5


async def test_what_is_told_again_takes_no_state_back(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    await store.record([change("o1", 1), change("o1", 2, OrderState.HELD)])
    again = change("o1", 3, OrderState.ACKNOWLEDGED, {"description": "told again"}).model_copy(update={"again": True})
    assert await store.record([again]) == [Recorded.APPLIED]
    document = await stored(store, "o1")
    assert (document["state"], document["description"]) == ("held", "told again")


async def test_repeated_order_gives_back_the_order_as_it_stands_now(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    await store.record([change("o1", 1)])
    document, new = await store.accept(accepted("o1"))
    assert (document["state"], new) == ("inProgress", False)


async def test_same_id_with_another_body_is_a_conflict_and_changes_nothing(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    with pytest.raises(IdempotencyConflictError, match="productOrder o1"):
        await store.accept(accepted("o1", digest="other", description="another"))
    assert await stored(store, "o1") == product_order("o1")


async def test_order_accepted_many_times_at_once_is_kept_once(store: OrderStore) -> None:
    answers = await asyncio.gather(*(store.accept(accepted("o1")) for _ in range(10)))
    assert sorted(new for _, new in answers) == [False] * 9 + [True]
    assert (await store.find(OrderKind.PRODUCT, ListQuery())).total == 1


async def test_what_no_database_keeps_is_refused_at_intake(store: OrderStore) -> None:
    with pytest.raises(UnstorableDocumentError) as refused:
        await store.accept(accepted("o1", note=[{"text": "a\0b"}]))
    assert refused.value.path == "note[0].text"
    assert await store.get(OrderKind.PRODUCT, "o1") is None


async def test_rubbish_that_another_system_said_can_be_recorded(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    assert await store.record([change("o1", 1, items={"2": {"errorMessage": [{"message": "\0\ud83d"}]}})]) == [
        Recorded.APPLIED
    ]
    document = await stored(store, "o1")
    assert document["productOrderItem"][1]["errorMessage"] == [{"message": "\ufffd\ufffd"}]


async def test_change_reaches_the_document_and_the_lists(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    done = {"completionDate": "2026-03-02T10:00:00.000Z", "relatedParty": [{"id": "customer-2"}]}
    items = {"1.1": {"state": "completed"}, "2": {"state": "failed"}}
    assert await store.record([change("o1", 1, OrderState.PARTIAL, done, items)]) == [Recorded.APPLIED]
    assert await states(store, "o1") == {
        "o1": "partial",
        "1": "acknowledged",
        "1.1": "completed",
        "2": "failed",
    }
    wanted = [("state", "partial"), ("completionDate", "2026-03-02T10:00:00Z"), ("relatedParty.id", "customer-2")]
    assert (await store.find(OrderKind.PRODUCT, parse_list_query(wanted))).documents == [await stored(store, "o1")]
    gone = parse_list_query([("relatedParty.id", "customer-1")])
    assert (await store.find(OrderKind.PRODUCT, gone)).total == 0


async def test_late_and_repeated_changes_are_ignored(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    assert await store.record([change("o1", 2, OrderState.COMPLETED)]) == [Recorded.APPLIED]
    assert await store.record([change("o1", 2, OrderState.HELD)]) == [Recorded.ENDED]
    assert await store.record([change("o1", 1, OrderState.IN_PROGRESS, items={"2": {"state": "inProgress"}})]) == [
        Recorded.ENDED
    ]
    assert await states(store, "o1") == {
        "o1": "completed",
        "1": "acknowledged",
        "1.1": "acknowledged",
        "2": "acknowledged",
    }


async def test_changes_of_unknown_orders_are_told_and_the_others_are_applied(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    told: list[OrderUpdate] = [entries("o3", note=[{"id": "n"}]), change("o1", 1), change("o2", 1)]
    assert await store.record(told) == [Recorded.UNKNOWN, Recorded.APPLIED, Recorded.UNKNOWN]
    assert (await stored(store, "o1"))["state"] == "inProgress"


async def test_many_changes_are_applied_together_each_by_its_own_version(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    await store.accept(accepted("o2"))
    await store.record([change("o2", 5, OrderState.HELD)])
    applied = await store.record(
        [
            change("o1", 1, items={"2": {"state": "inProgress"}}),
            change("o2", 4),
            change("o1", 2, OrderState.COMPLETED, items={"1": {"state": "completed"}}),
        ]
    )
    assert applied == [Recorded.APPLIED, Recorded.OUTDATED, Recorded.APPLIED]
    assert await states(store, "o1") == {
        "o1": "completed",
        "1": "completed",
        "1.1": "acknowledged",
        "2": "inProgress",
    }
    assert (await stored(store, "o2"))["state"] == "held"
    assert await store.record([]) == []


async def test_concurrent_changes_of_one_order_end_at_the_highest_version(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    numbers = list(range(1, 21))
    applied = await asyncio.gather(
        *(store.record([change("o1", number, attributes={"description": f"v{number}"})]) for number in numbers)
    )
    assert applied[-1] == [Recorded.APPLIED]
    assert (await stored(store, "o1"))["description"] == "v20"


async def test_concurrent_batches_in_opposite_order_all_get_through(store: OrderStore) -> None:
    for order_id in ("o1", "o2", "o3"):
        await store.accept(accepted(order_id))
    batches = [
        [change(order_id, version) for order_id in (ids if version % 2 else reversed(ids))]
        for version in range(1, 13)
        for ids in [("o1", "o2", "o3")]
    ]
    await asyncio.gather(*(store.record(batch) for batch in batches))
    assert await store.record([change("o1", 12)]) == [Recorded.OUTDATED]
    assert await store.record([change(order_id, 13) for order_id in ("o3", "o2", "o1")]) == [Recorded.APPLIED] * 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=st.lists(st.integers(1, 6), min_size=1, max_size=12))
async def test_whatever_order_changes_arrive_in_the_highest_version_stands(
    store: OrderStore, deliveries: list[int]
) -> None:
    order_id = uuid.uuid4().hex
    by_version = dict(enumerate([state for state in OrderState if state not in TERMINAL], start=1))
    await store.accept(accepted(order_id))
    highest = 0
    for version in deliveries:
        state = by_version[version]
        applied = await store.record([change(order_id, version, state, items={"1.1": {"state": state.value}})])
        assert applied == [Recorded.APPLIED if version > highest else Recorded.OUTDATED]
        highest = max(highest, version)
        now = await states(store, order_id)
        assert now[order_id] == now["1.1"] == by_version[highest]


async def test_child_order_is_opened_once_and_listed_under_its_parent(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    document: Document = {
        "id": "o1:1:internet",
        "orderDate": "2026-03-01T10:00:01.000Z",
        "state": "acknowledged",
        "serviceOrderItem": [{"id": "internet", "state": "acknowledged"}],
    }
    await store.open(OrderKind.SERVICE, "o1:1:internet", document, "o1", "o1", 1)
    assert await store.record(
        [change("o1:1:internet", 1, items={"internet": {"state": "inProgress"}}, kind=OrderKind.SERVICE)]
    ) == [Recorded.APPLIED]
    await store.open(OrderKind.SERVICE, "o1:1:internet", document, "o1", "o1", 1)
    assert await store.children(OrderKind.SERVICE, "o1") == ["o1:1:internet"]
    assert await store.children(OrderKind.RESOURCE, "o1") == []
    assert await store.get(OrderKind.SERVICE, "o1:1:internet") == document | {
        "state": "inProgress",
        "serviceOrderItem": [{"id": "internet", "state": "inProgress"}],
    }


async def test_child_order_is_opened_with_the_first_changes_of_it_and_of_others(store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    document: Document = {"id": "child", "state": "acknowledged"}
    first: list[OrderUpdate] = [
        change("child", 1, kind=OrderKind.SERVICE),
        entries("o1", milestone=[{"id": "m", "name": "begun"}]),
    ]
    opened = await store.open(OrderKind.SERVICE, "child", document, "o1", "o1", 1, first)
    assert opened == [Recorded.APPLIED, Recorded.APPLIED]
    assert await store.children(OrderKind.SERVICE, "o1") == ["child"]
    assert await store.get(OrderKind.SERVICE, "child") == document | {"state": "inProgress"}
    assert (await stored(store, "o1"))["milestone"] == [{"id": "m", "name": "begun"}]
    again = await store.open(OrderKind.SERVICE, "child", document, "o1", "o1", 1, first)
    assert again == [Recorded.OUTDATED, Recorded.OUTDATED]


async def test_entries_from_elsewhere_are_added_once_whatever_the_versions_and_leave_the_state(
    store: OrderStore,
) -> None:
    await store.accept(accepted("o1", note=[{"text": "mind the dog"}]))
    await store.record([change("o1", 7, OrderState.HELD)])
    first, second = {"id": "n1", "text": "one"}, {"id": "n2", "text": "two"}
    assert await store.record([entries("o1", note=[first])]) == [Recorded.APPLIED]
    assert await store.record([entries("o1", note=[first])]) == [Recorded.OUTDATED]
    assert await store.record([entries("o1", note=[first, second])]) == [Recorded.APPLIED]
    document = await stored(store, "o1")
    assert (document["state"], document["note"]) == ("held", [{"text": "mind the dog"}, first, second])
    assert await store.record([change("o1", 8, OrderState.IN_PROGRESS)]) == [Recorded.APPLIED]


async def test_accepted_orders_wait_to_be_started_oldest_first_and_child_orders_do_not(store: OrderStore) -> None:
    await store.accept(accepted("late", orderDate="2026-03-02T10:00:00.000Z"))
    await store.accept(accepted("early", orderDate="2026-03-01T10:00:00.000Z"))
    await store.open(OrderKind.SERVICE, "child", {"id": "child", "state": "acknowledged"}, "late", "late", 1)
    assert [order.id for order in await store.unstarted(limit=10)] == ["early", "late"]
    assert [order.id for order in await store.unstarted(limit=1)] == ["early"]
    await store.mark_started([(OrderKind.PRODUCT, "early")])
    await store.mark_started([(OrderKind.PRODUCT, "early")])
    (waiting,) = await store.unstarted(limit=10)
    assert (waiting.kind, waiting.document) == (OrderKind.PRODUCT, await stored(store, "late"))
