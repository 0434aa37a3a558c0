"""What an order costs in Temporal, counted from the histories of its workflows: billable actions, events, bytes.

Temporal Cloud bills: the start of a workflow (search attributes given with it are free), two actions for a child (its
order and its start), each attempt of an activity, all local activities of one workflow task together, a timer, a signal
and an update that a workflow gets, each upsert of search attributes. Free are queries, current details, summaries and
the cancelling of timers. Not in histories, and not counted: heartbeats of activities and of workflow tasks, queries,
and the tenth that fairness adds to everything where it is on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

_LOCAL_ACTIVITY = "core_local_activity"
"""The name of the markers in which the SDK keeps what local activities came to."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in the histories of some workflows."""

    workflows: int = 0
    """Runs: one that goes on in a new run is two."""
    roots: int = 0
    """Runs that no parent started, those in which another goes on among them."""
    events: int = 0
    workflow_tasks: int = 0
    activities: int = 0
    retries: int = 0
    """Attempts of activities beyond the first of each."""
    local_activities: int = 0
    local_batches: int = 0
    """Workflow tasks in which local activities ended."""
    timers: int = 0
    children: int = 0
    signals: int = 0
    """Those received; a signal is not counted again where it was sent."""
    updates: int = 0
    upserts: int = 0
    payload_bytes: int = 0

    @property
    def actions(self) -> int:
        """Billable actions."""
        activities = self.activities + self.retries + self.local_batches
        messages = self.signals + self.updates
        return self.roots + 2 * self.children + activities + self.timers + messages + self.upserts

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)))


def counts(histories: Iterable[WorkflowHistory]) -> Counts:
    """Count what is in histories: of all runs of an order's workflow and of its descendants, for what it costs."""
    return sum(map(_counts_of_run, histories), Counts())


def least(children: int, calls: int) -> int:
    """Return the fewest actions for a tree: its root's start, its children, an activity for each call of a system."""
    return 1 + 2 * children + calls


def calls(histories: Iterable[WorkflowHistory], calls_a_system: Callable[[str], bool]) -> int:
    """Return how many calls of systems there are, told by the names of activities.

    A call that was tried as a local activity, failed, and was then made as a regular one is one call.
    """
    return sum(calls_a_system(name) for history in histories for name in _activities(history))


def recorded(folder: Path) -> list[WorkflowHistory]:
    """Return the histories kept in a folder as JSON, by the order of their names."""
    return [WorkflowHistory.from_json(path.stem, path.read_text()) for path in sorted(folder.glob("*.json"))]


async def histories_of(client: Client, workflow_id: str) -> list[WorkflowHistory]:
    """Return the histories of all runs of a workflow and of all its descendants, parents first.

    Raises:
        RPCError: when Temporal does not know one of them, or cannot be reached.
    """
    histories: list[WorkflowHistory] = []
    waiting = [workflow_id]
    while waiting:
        runs = await runs_of(client, waiting.pop(0))
        histories += runs
        waiting += [
            event.start_child_workflow_execution_initiated_event_attributes.workflow_id
            for run in runs
            for event in run.events
            if event.HasField("start_child_workflow_execution_initiated_event_attributes")
        ]
    return histories


async def runs_of(client: Client, workflow_id: str) -> list[WorkflowHistory]:
    """Return the histories of a workflow's runs, each continued by the next.

    Raises:
        RPCError: when Temporal does not know it, or cannot be reached.
    """
    latest = await client.get_workflow_handle(workflow_id).fetch_history()
    run_id = latest.events[0].workflow_execution_started_event_attributes.first_execution_run_id
    runs: list[WorkflowHistory] = []
    while run_id:
        run = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        runs.append(run)
        run_id = run.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return runs


def _counts_of_run(history: WorkflowHistory) -> Counts:
    seen = [_kind(event) for event in history.events]
    started = history.events[0].workflow_execution_started_event_attributes
    goes_on = bool(started.continued_execution_run_id)
    locals_ = [event.marker_recorded_event_attributes for event in history.events if _is_local(event)]
    attempts = [event.activity_task_started_event_attributes.attempt for event in history.events]
    return Counts(
        workflows=1,
        roots=int(goes_on or not started.HasField("parent_workflow_execution")),
        events=len(seen),
        workflow_tasks=seen.count("workflow_task_completed"),
        activities=seen.count("activity_task_scheduled"),
        retries=sum(attempt - 1 for attempt in attempts if attempt > 1),
        local_activities=len(locals_),
        local_batches=len({each.workflow_task_completed_event_id for each in locals_}),
        timers=seen.count("timer_started"),
        children=seen.count("start_child_workflow_execution_initiated"),
        signals=seen.count("workflow_execution_signaled"),
        updates=seen.count("workflow_execution_update_accepted"),
        upserts=seen.count("upsert_workflow_search_attributes"),
        payload_bytes=sum(len(payload.data) for event in history.events for payload in payloads(event)),
    )


def _kind(event: HistoryEvent) -> str:
    return str(event.WhichOneof("attributes")).removesuffix("_event_attributes")


def _is_local(event: HistoryEvent) -> bool:
    return event.marker_recorded_event_attributes.marker_name == _LOCAL_ACTIVITY


def _activities(history: WorkflowHistory) -> Iterator[str]:
    """Yield the name of each activity of a run, local ones that failed left out: they are made again as regular."""
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            yield event.activity_task_scheduled_event_attributes.activity_type.name
        elif _is_local(event) and not event.marker_recorded_event_attributes.HasField("failure"):
            told = event.marker_recorded_event_attributes.details["data"].payloads[0]
            yield from_json(told.data)["activity_type"]


def payloads(message: Any) -> Iterator[Payload]:
    """Yield all payloads within a message of protobuf's."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for each in value.values():
                    yield from payloads(each)
        elif hasattr(value, "ListFields"):
            yield from payloads(value)
        else:
            for each in value:
                yield from payloads(each)
