"""Rounds of listeners whose row was restored from a backup, while their workflow knows a later position."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from temporalio.testing import ActivityEnvironment

from activities.events import EventActivities, Round
from application.listeners import Listeners
from application.outbox_poller import OutboxPoller
from orders.events.subscription import Subscription, SubscriptionState
from store.outbox import Outbox
from store.sql.database import Database
from store.subscriptions import SubscriptionStore

pytestmark = pytest.mark.anyio

KNOWN, RESTORED = 40, 12
"""Where the workflow is, and where the row of the backup is."""


@pytest.fixture
async def deliveries(database: Database) -> AsyncIterator[EventActivities]:
    outbox = Outbox(database)
    async with httpx2.AsyncClient() as client:
        listeners = Listeners(client, "http://gateway")
        yield EventActivities(outbox, SubscriptionStore(database), OutboxPoller(outbox), listeners)


@pytest.mark.parametrize("look_further", [True, False], ids=["looks on", "holds back"])
@pytest.mark.parametrize("state", [SubscriptionState.PAUSED, SubscriptionState.ACTIVE])
async def test_a_round_leaves_the_older_position_of_a_restored_row(
    database: Database, deliveries: EventActivities, state: SubscriptionState, look_further: bool
) -> None:
    subscriptions = SubscriptionStore(database)
    listener = Subscription(
        id="s1", api="productOrder", callback="http://l", secret="whsec_x", created_at=datetime.now(UTC)
    )
    await subscriptions.add(listener)
    await subscriptions.record("s1", state=state.value, position=RESTORED)
    round_ = Round(subscription_id="s1", position=KNOWN, look_further=look_further, patience=timedelta())

    delivered = await ActivityEnvironment().run(deliveries.deliver, round_)

    restored = await subscriptions.get("s1")
    assert restored is not None
    assert (restored.state, delivered.state) == (state, state)
    assert restored.position == delivered.position <= RESTORED
