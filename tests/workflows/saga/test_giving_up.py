"""Which time counts towards giving an event up: none in which nothing was tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle

from activities.events import Delivered, Noted, ReplayFrom, Round
from application.event_delivery import Stuck
from tests.stage import eventually
from worker import make_worker
from workflows.contracts import policies
from workflows.contracts.subscriptions import DeliveryPolicy, SubscriptionInput
from workflows.event_subscription import EventSubscriptionWorkflow

pytestmark = pytest.mark.anyio

LONG_AGO = Stuck(root_id="abcdefghij", after=1, since=datetime(2026, 1, 1, tzinfo=UTC))


@dataclass
class Rounds:
    """Rounds: the first leaves an order's events stuck for long, each other one goes on until it is interrupted."""

    begun: list[Round] = field(default_factory=list)

    @activity.defn
    async def deliver(self, round_: Round) -> Delivered:
        self.begun.append(round_)
        if len(self.begun) > 1:
            with suppress(asyncio.CancelledError):
                await eventually(self._interrupted)
        return Delivered(position=2, stuck=[LONG_AGO], error=None if round_.stuck else "500 Internal Server Error")

    @activity.defn
    async def note_subscription(self, noted: Noted) -> None:
        """Keep nothing."""

    @activity.defn
    async def position_before(self, _replay: ReplayFrom) -> int:
        return 0

    async def until(self, count: int) -> Round:
        """Wait for a round and return it."""

        async def has_begun() -> bool:
            return len(self.begun) >= count

        await eventually(has_begun)
        return self.begun[count - 1]

    async def _interrupted(self) -> bool:
        activity.heartbeat()
        return activity.is_cancelled()


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


Listener = WorkflowHandle[EventSubscriptionWorkflow, None]


@pytest.fixture
async def listener(engine: Client, rounds: Rounds) -> AsyncIterator[Listener]:
    """A listener that is told by those rounds, and whose next try is far away."""
    queue = f"test-{uuid4().hex[:8]}"
    notes = [rounds.note_subscription, rounds.position_before]
    policy = DeliveryPolicy(first_pause=timedelta(hours=1), longest_pause=timedelta(hours=1))
    async with (
        make_worker(engine, queue, "workflows", notes),
        make_worker(engine, queue, policies.EVENTS, [rounds.deliver]),
    ):
        handle = await engine.start_workflow(
            EventSubscriptionWorkflow.run,
            SubscriptionInput(subscription_id="s1", callback="http://listener/hook", position=1, policy=policy),
            id=f"hub:{queue}",
            task_queue=queue,
        )
        yield handle
        await handle.execute_update("stop")
        await handle.result()


@pytest.mark.parametrize("words", [["pause", "resume"], ["resume"]], ids=["paused", "in the middle of a round"])
async def test_what_was_stuck_before_a_resume_is_tried_as_if_it_had_failed_just_then(
    rounds: Rounds, listener: Listener, words: list[str]
) -> None:
    before = await rounds.until(2)
    assert before.stuck == [LONG_AGO], "it counts, as long as it is tried"
    assert not before.retry

    for word in words:
        await listener.execute_update(word)
    after = await rounds.until(3)

    assert after.retry
    (stuck,) = after.stuck
    assert stuck.since > LONG_AGO.since
    assert stuck.after == LONG_AGO.after


async def test_a_replay_tries_what_is_stuck_at_once(rounds: Rounds, listener: Listener) -> None:
    await rounds.until(2)
    await listener.execute_update("replay", {"from": "2026-01-01T00:00:00Z"})

    again = await rounds.until(3)
    assert (again.position, again.retry, again.stuck) == (0, True, [])
