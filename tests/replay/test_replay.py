"""Recorded histories of each workflow and each path: the code of today must take them the way they went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tests.replay.listeners import LISTENERS
from tests.replay.record import HISTORIES
from tests.replay.scenarios import SCENARIOS
from worker import WORKFLOWS
from workflows.connection import DATA_CONVERTER, sandbox

pytestmark = pytest.mark.anyio

RECORDED = sorted(HISTORIES.glob("*/*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_history_replays(path: Path) -> None:
    history = read(path)
    replayer = Replayer(workflows=WORKFLOWS, data_converter=DATA_CONVERTER, workflow_runner=sandbox())
    await replayer.replay_workflow(history)


def read(path: Path) -> WorkflowHistory:
    """Return a recorded history under the workflow id that it had: idempotency keys are made from it."""
    recorded = json.loads(path.read_text())
    started = recorded["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], recorded)


def test_every_scenario_has_its_histories() -> None:
    assert {path.parent.name for path in RECORDED} == SCENARIOS.keys() | LISTENERS.keys()
