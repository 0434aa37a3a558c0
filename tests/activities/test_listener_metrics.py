"""How many listeners were given up, and how many events are kept, can be watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from activities.listener_metrics import ListenerMetrics
from orders.events.subscription import Subscription
from store.outbox import Outbox, append
from store.sql.database import Database
from store.subscriptions import SubscriptionStore
from tests.store.test_outbox import event

pytestmark = pytest.mark.anyio


async def test_listeners_that_were_given_up_and_events_that_are_kept_are_measured(database: Database) -> None:
    buffer = MetricBuffer(1000)
    meter = Runtime(telemetry=TelemetryConfig(metrics=buffer)).metric_meter
    outbox, subscriptions = Outbox(database), SubscriptionStore(database)
    metrics = ListenerMetrics(meter, outbox, subscriptions)

    async def looked() -> dict[str, float]:
        await metrics.look()
        return {update.metric.name: update.value for update in buffer.retrieve_updates()}

    assert await looked() == {"ordersaga_listeners_given_up": 0, "ordersaga_events_kept": 0}
    await database.write(partial(append, found=[event(str(number)) for number in range(5)]))
    listener = Subscription(
        id="s1", api="productOrder", callback="http://l", secret="whsec_x", created_at=datetime.now(UTC)
    )
    await subscriptions.add(listener)
    assert await subscriptions.give_up(listener, "too many events wait for it", None)
    assert await outbox.end() == 5
    await outbox.prune(datetime.now(UTC) + timedelta(days=1))
    await database.write(partial(append, found=[event("5")]))
    assert await outbox.end() == 6
    assert await looked() == {"ordersaga_listeners_given_up": 1, "ordersaga_events_kept": 2}
