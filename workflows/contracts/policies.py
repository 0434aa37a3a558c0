"""Policies for Temporal: time-outs, retries and queues, from the catalogs' policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ParentClosePolicy

from activities.allowance import Allowance
from orders.plan.policy import Policy

LOCAL: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10)),
}
"""For work on the order store: tried until the store is back."""

PLANNING: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(minutes=1), maximum_attempts=10),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""For planning and feasibility: what fails for minutes, and not because something is away, fails for ever.

They have no effect but the order's resource locks, which an attempt that runs on alone would acquire after their
release.
"""

PLANNING_LATER: Final[dict[str, Any]] = {
    **PLANNING,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(minutes=1), maximum_interval=timedelta(minutes=1), maximum_attempts=60
    ),
}
"""For the same while what they ask is away: an hour, after which people are asked."""

PLANNING_WHILE_AWAY: Final[dict[str, Any]] = {
    **PLANNING,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(minutes=1), maximum_interval=timedelta(minutes=1), maximum_attempts=24 * 60
    ),
}
"""For the same while a system says nothing: a day, or as many waits as it tells of."""

AMENDMENT: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(maximum_attempts=3),
}
"""For planning an amendment, for whose answer somebody waits: refused when the systems that it asks are away."""

REDELIVERY: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(seconds=45),
}
"""For one event that is delivered again, for whose end somebody waits."""

LOCAL_ATTEMPT: Final = timedelta(seconds=5)
"""The longest that a local attempt of a call takes: a workflow task is held up so long."""

PARTS_AT_ONCE: Final = 4
"""How many parts of a large order begin or are undone at a time, where its start does not say otherwise."""

FEW_PARTS: Final = 50
"""Up to how many parts an order is small, and all begin that can: those that look at it wait for each of them."""

CONCURRENT_PARTS: Final = 500
"""How many parts of an order run at most, most of them waiting for others: a new run adopts the children of all."""

LONGEST_HISTORY: Final = 4000
"""The events, about, after which a posted order goes on in a new run; Temporal terminates a run at 51,200."""

EVENTS_OF_ACTIVITY: Final = 6
EVENTS_OF_LOCAL_ACTIVITY: Final = 2
EVENTS_OF_CHILD: Final = 9
EVENTS_OF_MESSAGE: Final = 6
"""How many events each comes to at most, with its share of workflow tasks; fewer, where many fall together.

Orders that run go by these: other numbers need `workflow.patched`.
"""

MOST_HOLDS: Final = 1000
"""How often an order and its items may be held: those below have no new runs, and hear of each."""
MOST_DATES: Final = 1000
"""How often manual tasks of one workflow may be planned for another date."""
MOST_TASKS_BELOW: Final = 500
"""After how many tasks an order below a posted one, which has no new runs, tries nothing again any more."""

PATIENCE_BEFORE_NEW_RUN: Final = timedelta(seconds=10)
"""How long a new run waited for calls to systems that run, before `new-run-at-once`."""


def child() -> dict[str, Any]:
    """Return the options of a child of the workflow that runs.

    A posted order goes on in new runs, which its children outlive; all others take their children with them: these
    undo what they have done.
    """
    outlives = workflow.info().parent is None
    return {"parent_close_policy": ParentClosePolicy.ABANDON if outlives else ParentClosePolicy.REQUEST_CANCEL}


INVENTORY: Final = "inventory"
ACTIVATION: Final = "activation"
BILLING: Final = "billing"
SYSTEMS: Final = (INVENTORY, ACTIVATION, BILLING)
EVENTS: Final = "events"
"""The queue of deliveries to listeners."""
WORKFLOWS: Final = "workflows"
QUEUES: Final = (WORKFLOWS, *SYSTEMS, EVENTS)
"""Every queue of which there must be a worker."""


def task_queue(base: str, system: str) -> str:
    """Return the task queue of a downstream system, so that each is isolated and can be rate-limited."""
    return f"{base}-{system}"


def step(policy: Policy) -> dict[str, Any]:
    """Return the options of an activity that has an effect in a downstream system; it ends as its allowance says."""
    return {
        "start_to_close_timeout": policy.attempt_timeout,
        "retry_policy": RetryPolicy(
            initial_interval=policy.backoff, maximum_interval=max(policy.max_backoff, policy.backoff)
        ),
        "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }


def allowance(policy: Policy) -> Allowance:
    """Return what the call of a step may take."""
    return Allowance(attempts=policy.attempts, outage=policy.outage_timeout)


def completion_allowance(policy: Policy) -> Allowance:
    """Return what the completion of something that was accepted may take."""
    return Allowance(wait=policy.completion_timeout, outage=policy.outage_timeout)


def once(policy: Policy) -> dict[str, Any]:
    """Return the options of a call's first attempt, which is made locally: within one workflow task."""
    return {
        "start_to_close_timeout": min(policy.attempt_timeout, LOCAL_ATTEMPT),
        "schedule_to_close_timeout": 2 * LOCAL_ATTEMPT,
        "retry_policy": RetryPolicy(maximum_attempts=1),
    }


def after_one_attempt(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the attempts that follow a first one."""
    retries: RetryPolicy = options["retry_policy"]
    longest = retries.maximum_interval or retries.initial_interval
    next_interval = min(retries.initial_interval * retries.backoff_coefficient, longest)
    return {**options, "retry_policy": replace(retries, initial_interval=next_interval)}


def settle_after(policy: Policy) -> timedelta:
    """Return how long after a call was given up its system may still do it."""
    return policy.settle_after


def undo(policy: Policy) -> dict[str, Any]:
    """Return the options of an activity that undoes something: tried until the system is there again."""
    return {
        "start_to_close_timeout": policy.attempt_timeout,
        "retry_policy": RetryPolicy(
            initial_interval=policy.backoff, maximum_interval=max(policy.max_backoff, policy.backoff)
        ),
    }


def completion(policy: Policy) -> dict[str, Any]:
    """Return the options of polling a monitor until what was accepted is complete; it ends as its allowance says."""
    return {
        "start_to_close_timeout": policy.attempt_timeout,
        "retry_policy": RetryPolicy(
            initial_interval=timedelta(milliseconds=500),
            backoff_coefficient=1.5,
            maximum_interval=timedelta(seconds=30),
        ),
    }


def delivery(patience: timedelta) -> dict[str, Any]:
    """Return the options of a round of deliveries that may wait so long for events: tried until the store is back."""
    return {
        "start_to_close_timeout": patience + timedelta(minutes=30),
        "heartbeat_timeout": timedelta(seconds=30),
        "retry_policy": RetryPolicy(maximum_interval=timedelta(minutes=1)),
        "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }
