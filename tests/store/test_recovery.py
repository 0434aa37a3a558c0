"""After a restore workflows number their changes anew, and the documents follow them; and the recovery mode itself."""

from __future__ import annotations

import pytest

from orders.lifecycle.states import OrderKind, OrderState
from store.orders import OrderStore
from store.outbox import Outbox
from store.recording import Recorded
from store.recovery import RecoveryStore
from store.sql.database import Database
from tests.store.samples import accepted, change, product_order
from tmf.bodies import Document

pytestmark = pytest.mark.anyio


@pytest.fixture
def recovery(database: Database) -> RecoveryStore:
    return RecoveryStore(database)


async def stored(store: OrderStore, order_id: str, kind: OrderKind = OrderKind.PRODUCT) -> Document:
    document = await store.get(kind, order_id)
    assert document is not None
    return document


async def completed(store: OrderStore, order_id: str) -> None:
    """Have an order completed, by three changes."""
    await store.accept(accepted(order_id))
    done = change(order_id, 3, OrderState.COMPLETED, {"completionDate": "2026-03-02T10:00:00.000Z"})
    await store.record([change(order_id, 1), change(order_id, 2), done])


async def test_document_follows_a_workflow_that_runs_again_from_an_older_moment(
    store: OrderStore, recovery: RecoveryStore
) -> None:
    await completed(store, "o1")
    await recovery.switch_on("ada", "Temporal was restored")
    assert await store.record([change("o1", 2, items={"2": {"state": "inProgress"}})]) == [Recorded.APPLIED]
    document = await stored(store, "o1")
    assert (document["state"], "completionDate" in document) == ("inProgress", False)
    assert await store.record([change("o1", 3, OrderState.FAILED)]) == [Recorded.APPLIED]
    assert (await stored(store, "o1"))["state"] == "failed"


async def test_within_an_epoch_late_and_repeated_changes_are_dropped_as_ever(
    store: OrderStore, recovery: RecoveryStore
) -> None:
    await completed(store, "o1")
    await recovery.switch_on("ada", "Temporal was restored")
    await store.record([change("o1", 2)])
    assert await store.record([change("o1", 2, OrderState.HELD), change("o1", 1)]) == [Recorded.OUTDATED] * 2
    await recovery.switch_off("ada", "all is well")
    assert await store.record([change("o1", 2, OrderState.HELD)]) == [Recorded.OUTDATED]


async def test_changes_after_a_restore_are_told_by_events_of_their_own(
    store: OrderStore, recovery: RecoveryStore, database: Database
) -> None:
    await completed(store, "o1")
    await recovery.switch_on("ada", "Temporal was restored")
    await store.record([change("o1", 2), change("o1", 3, OrderState.FAILED)])
    events = [placed.event for placed in await Outbox(database).read(0, 100)]
    assert len({event.id for event in events}) == len(events)
    states = [event.document["state"] for event in events if event.type == "ProductOrderStateChangeEvent"]
    assert states == ["inProgress", "completed", "inProgress", "failed"]


async def test_order_that_its_parent_makes_again_after_a_restore_begins_anew(
    store: OrderStore, recovery: RecoveryStore
) -> None:
    await store.accept(accepted("o1"))
    begun: Document = {
        "id": "o1:1",
        "state": "acknowledged",
        "serviceOrderItem": [{"id": "a", "state": "acknowledged"}],
    }
    made = OrderKind.SERVICE, "o1:1", begun, "o1", "o1", 1
    await store.open(*made)
    ended = change("o1:1", 4, OrderState.COMPLETED, {"note": []}, {"a": {"state": "completed"}}, OrderKind.SERVICE)
    await store.record([ended])
    await store.open(*made)
    assert (await stored(store, "o1:1", OrderKind.SERVICE))["state"] == "completed"
    await recovery.switch_on("ada", "Temporal was restored")
    await store.open(*made)
    assert await stored(store, "o1:1", OrderKind.SERVICE) == begun
    await store.record([change("o1:1", 1, kind=OrderKind.SERVICE)])
    await store.open(*made)
    assert (await stored(store, "o1:1", OrderKind.SERVICE))["state"] == "inProgress"


async def test_large_order_follows_too(
    store: OrderStore, recovery: RecoveryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.order_entries.SPLIT_ABOVE", 100)
    await completed(store, "o1")
    await recovery.switch_on("ada", "Temporal was restored")
    await store.record([change("o1", 1, items={"1.1": {"state": "inProgress"}})])
    bundle, single = (await stored(store, "o1"))["productOrderItem"]
    assert bundle["productOrderItem"][0]["state"] == "inProgress"
    assert single == product_order("o1")["productOrderItem"][1]


async def test_recovery_is_one_switch_with_its_reason_and_an_epoch_for_each_time(
    recovery: RecoveryStore, database: Database
) -> None:
    assert (await recovery.state()).is_on is False
    on = await recovery.switch_on("ada", "Temporal was restored")
    assert (on.is_on, on.epoch, on.who, on.why) == (True, 1, "ada", "Temporal was restored")
    assert await RecoveryStore(database).switch_on("bob", "again") == on
    off = await recovery.switch_off("ada", "all is well")
    assert (off.is_on, off.epoch) == (False, 1)
    assert await recovery.switch_off("bob", "again") == off
    assert (await recovery.switch_on("ada", "once more")).epoch == 2
