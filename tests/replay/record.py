"""Records the histories of every scenario: `python -m tests.replay.record`.

Only ever for a new scenario: a recorded history stands for orders that run somewhere. To change one means to say that
none can.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from temporalio.client import WorkflowHistory

from bench.actions import runs_of
from tests.engine import LONG_HISTORY, started_engine
from tests.replay.listeners import LISTENERS
from tests.replay.long_scenarios import SHORT_RUNS
from tests.replay.scenarios import SCENARIOS
from tests.stage import Stage, histories_of
from tests.staging import staged
from workflows.contracts import policies

SUGGESTED = 100
"""Events after which Temporal suggests a new run, so that histories of one that goes on in another are short."""
HISTORIES = Path(__file__).parent / "histories"


async def record() -> None:
    """Record what is not recorded yet."""
    missing = [name for name in (*SCENARIOS, *LISTENERS) if not (HISTORIES / name).exists()]
    async with started_engine(**{LONG_HISTORY: SUGGESTED}) as client:
        for name in missing:
            with tempfile.TemporaryDirectory() as folder:
                async with staged(client, Path(folder)) as stage:
                    histories = await (_of_listener if name in LISTENERS else _of_order)(stage, name)
            (HISTORIES / name).mkdir(parents=True)
            for index, history in enumerate(histories):
                kind = history.events[0].workflow_execution_started_event_attributes.workflow_type.name
                path = HISTORIES / name / f"{index:02}-{kind}.json"
                path.write_text(history.to_json())
            print(f"{name}: {len(histories)} histories")


async def _of_order(stage: Stage, name: str) -> list[WorkflowHistory]:
    """Bring an order to its end; return its histories, and of all below it."""
    scenario, expected = SCENARIOS[name]
    longest = SHORT_RUNS if name.startswith("long") else policies.LONGEST_HISTORY
    with patch.object(policies, "LONGEST_HISTORY", longest):
        order_id = await scenario(stage)
    state = (await stage.order(order_id))["state"]
    if state != expected:
        raise RuntimeError(f"{name}: order {order_id} is {state}, not {expected}")
    return await histories_of(stage, order_id)


async def _of_listener(stage: Stage, name: str) -> list[WorkflowHistory]:
    """Bring a listener to its end; return the histories of its workflow's runs."""
    return await runs_of(stage.client, await LISTENERS[name](stage))


if __name__ == "__main__":
    asyncio.run(record())
    sys.stdout.flush()
    os._exit(0)
