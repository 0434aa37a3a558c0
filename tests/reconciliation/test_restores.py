"""Where Temporal is empty, as after a restore without it, nothing is begun anew, and what was lost is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from api.sweeps.guard import RestoreGuard
from embedded.temporal_server import DYNAMIC_CONFIG, binary
from store.posted_orders import PostedOrders
from tests.reconciliation.conftest import differences, reconcile
from tests.stage import Stage, customer_of, example
from tests.staging import staged
from workflows.connection import DATA_CONVERTER
from workflows.contracts.ids import root_workflow
from workflows.contracts.search_attributes import KEYS

pytestmark = pytest.mark.anyio

QUEUE = "restored"


@asynccontextmanager
async def running(folder: Path, *, recovering: bool = False) -> AsyncIterator[Stage]:
    """Run everything on the files of a folder, Temporal's among them; with recovery on before workers run, if so."""
    environment = await WorkflowEnvironment.start_local(
        data_converter=DATA_CONVERTER,
        dev_server_existing_path=str(binary()),
        dev_server_database_filename=str(folder / "temporal.db"),
        dev_server_extra_args=[
            word for name, value in DYNAMIC_CONFIG.items() for word in ("--dynamic-config-value", f"{name}={value}")
        ],
        search_attributes=KEYS,
        ui=False,
    )
    async with environment, staged(environment.client, folder, queue=QUEUE, recovering=recovering) as stage:
        yield stage


async def held(stage: Stage) -> tuple[str, str]:
    """Place an order that is held in the middle of its work; return it and its customer."""
    document = example("fibre-bundle")
    customer = customer_of(document)
    await stage.fault(stage.activation, match={"specification": "cfs-iptv"}, kind="transient")
    order_id = await stage.submit(document)
    await stage.until(lambda document: document["state"] == "inProgress", order_id)
    await stage.tell(root_workflow(order_id), "hold")
    await stage.heal()
    await stage.until(lambda document: document["state"] == "held", order_id)
    return order_id, customer


async def test_an_empty_temporal_switches_recovery_on_and_what_was_lost_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as stage:
        lost = [(await held(stage))[0] for _ in range(3)]
    take_away(tmp_path, "temporal")
    async with running(tmp_path) as stage:
        gateway = stage.app.state.gateway
        guard = RestoreGuard(
            PostedOrders(stage.orders._database), gateway.reconciling.differences, gateway.engine, gateway.recovery
        )
        assert await guard.sweep() == 3
        assert (await stage.gateway.get("/recovery/v1")).json()["on"]
        await reconcile(stage, mend=True)
        told = [name for name in await differences(stage) if name.startswith("lostOrder")]
        assert sorted(told) == sorted(f"lostOrder {each}" for each in lost)
        assert [(await stage.order(each))["state"] for each in lost] == ["held"] * 3


def take_away(folder: Path, name: str) -> None:
    """Take a database away, with the files beside it."""
    for file in folder.glob(f"{name}.db*"):
        file.unlink()
