"""Billable actions, counted from histories."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from bench.actions import Counts, calls, counts, least, recorded

HISTORIES = Path(__file__).parent.parent / "replay" / "histories"
RECORD = "record"


def history(*events: dict[str, Any], parent: bool = False, goes_on: bool = False) -> WorkflowHistory:
    """Return the history of a run: events by their types' names and attributes, after that of its start."""
    started: dict[str, Any] = {"workflowExecutionStartedEventAttributes": {}}
    if parent:
        started["workflowExecutionStartedEventAttributes"]["parentWorkflowExecution"] = {"workflowId": "po:1"}
    if goes_on:
        started["workflowExecutionStartedEventAttributes"]["continuedExecutionRunId"] = "a-run"
    numbered = [{"eventId": str(number), **event} for number, event in enumerate((started, *events), 1)]
    return WorkflowHistory.from_json("w", {"events": numbered})


def event(kind: str, **attributes: Any) -> dict[str, Any]:
    return {f"{kind}EventAttributes": attributes}


def scheduled(name: str) -> dict[str, Any]:
    return event("activityTaskScheduled", activityType={"name": name})


def local(name: str, task: int, **more: Any) -> dict[str, Any]:
    """Return the marker of a local activity that ended in a workflow task."""
    data = {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": _base64(f'{{"activity_type": "{name}"}}')}
    attributes = {"markerName": "core_local_activity", "details": {"data": {"payloads": [data]}}}
    return event("markerRecorded", **attributes, workflowTaskCompletedEventId=str(task), **more)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_a_start_is_one_action() -> None:
    assert counts([history()]).actions == 1


def test_a_child_is_two_and_its_own_start_is_not_counted_again() -> None:
    parent = history(event("startChildWorkflowExecutionInitiated", workflowId="c"))
    assert counts([parent, history(parent=True)]).actions == 1 + 2


def test_a_new_run_of_a_child_is_one_more() -> None:
    assert counts([history(parent=True, goes_on=True)]).actions == 1


def test_each_attempt_of_an_activity_is_one() -> None:
    counted = counts([history(scheduled("bill"), event("activityTaskStarted", attempt=3))])
    assert (counted.activities, counted.retries, counted.actions) == (1, 2, 1 + 3)


def test_local_activities_of_one_workflow_task_are_one_together() -> None:
    counted = counts([history(local("record", 4), local("record", 4), local("record", 9))])
    assert (counted.local_activities, counted.local_batches, counted.actions) == (3, 2, 1 + 2)


def test_other_markers_are_free() -> None:
    assert counts([history(event("markerRecorded", markerName="core_patch"))]).actions == 1


def test_timers_signals_updates_and_upserts_are_one_each() -> None:
    counted = counts(
        [
            history(
                event("timerStarted", timerId="1"),
                event("timerCanceled", timerId="1"),
                event("workflowExecutionSignaled", signalName="s"),
                event("signalExternalWorkflowExecutionInitiated", signalName="s"),
                event("workflowExecutionUpdateAccepted", protocolInstanceId="u"),
                event("upsertWorkflowSearchAttributes"),
            )
        ]
    )
    assert counted.actions == 1 + 4
    assert counted.events == 7


def test_payloads_are_counted_wherever_they_are() -> None:
    payload = {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": _base64("12345")}
    scheduled_with_input = event(
        "activityTaskScheduled", input={"payloads": [payload, payload]}, header={"fields": {"h": payload}}
    )
    assert counts([history(scheduled_with_input)]).payload_bytes == 15


def test_counts_of_several_workflows_add_up() -> None:
    assert Counts(events=1, timers=2) + Counts(events=3) == Counts(events=4, timers=2)


def test_a_local_call_that_failed_and_was_made_again_is_one_call() -> None:
    failed = local("activate", 4, failure={"message": "no answer"})
    assert calls([history(failed, scheduled("activate"), local("record", 8))], lambda name: name != RECORD) == 1


def test_the_least_of_a_tree_is_its_start_its_children_and_its_calls() -> None:
    assert least(children=18, calls=107) == 144


def test_recorded_histories_are_read_parents_first() -> None:
    histories = recorded(HISTORIES / "added")
    counted = counts(histories)
    assert (counted.workflows, counted.roots, counted.children) == (4, 1, 3)
    assert counted.events == sum(len(each.events) for each in histories)
