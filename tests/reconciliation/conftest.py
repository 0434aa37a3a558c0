"""A stage of its own: what other tests leave behind would be differences."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from tests.stage import Stage
from tests.staging import staged
from workflows.reconciliation import NAME, ReconciliationInput


@pytest.fixture(scope="session")
async def reconciled_stage(engine: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(engine, tmp_path_factory.mktemp("reconciled")) as stage:
        yield stage


@pytest.fixture
async def stage(reconciled_stage: Stage) -> Stage:
    await reconciled_stage.heal()
    _known.clear()
    _known.update(await differences(reconciled_stage))
    return reconciled_stage


_known: set[str] = set()
"""What a test that failed has left."""


async def reconcile(stage: Stage, *, mend: bool = False) -> dict[str, Any]:
    """Have a reconciliation run to its end, and return it."""
    wish = ReconciliationInput(mend=mend, look_again_after=timedelta(milliseconds=1))
    run_id = f"reconciliation:{uuid4()}"
    found: dict[str, Any] = await stage.client.execute_workflow(NAME, wish, id=run_id, task_queue=stage.queue)
    assert all("error" not in each for each in found["sections"].values()), found
    return found


async def differences(stage: Stage) -> dict[str, dict[str, Any]]:
    """Return what differs by now and did not before the test, by the kind of it and its id."""
    answer = await stage.gateway.get("/recovery/v1/difference")
    assert answer.status_code == 200, answer.text
    found = {f"{each['what'].rpartition('(')[2][:-1]} {each['id']}": each for each in answer.json()}
    return {name: each for name, each in found.items() if name not in _known}
