"""What is restored from a backup is brought together again: Temporal older than the store, empty, or newer than it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

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
    async with (
        environment,
        staged(environment.client, folder, queue=QUEUE, recovering=recovering) as stage,
    ):
        yield stage


async def held(stage: Stage) -> tuple[str, str]:
    """Place an order that is held in the middle of its work; return it and its customer."""
    document = example("mobile")
    customer = customer_of(document)
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient")
    order_id = await stage.submit(document)
    await stage.until(lambda document: document["state"] == "inProgress", order_id)
    await stage.tell(root_workflow(order_id), "hold")
    await stage.heal()
    await stage.until(lambda document: document["state"] == "held", order_id)
    return order_id, customer


async def completed(stage: Stage, order_id: str) -> dict[str, Any]:
    await stage.tell(root_workflow(order_id), "resume")
    return await stage.ended(order_id)


async def effects(stage: Stage, order_id: str, customer: str) -> dict[str, list[str]]:
    """Return what an order has come to in the systems."""
    products = [each["id"] for each in await stage.products(customer)]
    charges = [await stage.billing.get("/billing/v1/charge", params={"product.id": each}) for each in products]
    return {
        "resources": sorted(each["id"] for each in await stage.taken_resources(order_id)),
        "products": sorted(products),
        "charges": sorted(charge["id"] for answer in charges for charge in answer.json()),
    }


async def test_documents_follow_a_temporal_that_is_older_and_effects_are_not_had_twice(tmp_path: Path) -> None:
    async with running(tmp_path) as stage:
        order_id, customer = await held(stage)
    shutil.copy(tmp_path / "temporal.db", tmp_path / "temporal.backup")
    async with running(tmp_path) as stage:
        assert (await completed(stage, order_id))["state"] == "completed"
        since, _ = await held(stage)
        before = await effects(stage, order_id, customer)
    restore(tmp_path, "temporal")
    async with running(tmp_path, recovering=True) as stage:
        await reconcile(stage, mend=True)
        assert (await stage.order(order_id))["state"] == "held"
        assert [name for name in await differences(stage) if "Order" in name] == [f"lostOrder {since}"]
        assert (await completed(stage, order_id))["state"] == "completed"
        assert await effects(stage, order_id, customer) == before
        assert (await stage.gateway.post(f"/recovery/v1/order/{since}/close")).status_code == 200
        await reconcile(stage)
        assert not [name for name in await differences(stage) if "Order" in name]


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


async def test_an_older_store_is_brought_up_to_its_workflows(tmp_path: Path) -> None:
    async with running(tmp_path) as stage:
        order_id, _ = await held(stage)
    shutil.copy(tmp_path / "store.db", tmp_path / "store.backup")
    async with running(tmp_path) as stage:
        assert (await completed(stage, order_id))["state"] == "completed"
        since, _ = await held(stage)
        await stage.found(f"WorkflowId = '{root_workflow(since)}'", root_workflow(since))
    restore(tmp_path, "store")
    async with running(tmp_path, recovering=True) as stage:
        assert (await stage.order(order_id))["state"] == "held"
        await reconcile(stage, mend=True)
        document = await stage.order(order_id)
        assert (document["state"], document["productOrderItem"][0]["state"]) == ("completed", "completed")
        assert f"unknownOrder {since}" in await differences(stage)
        # Its plan is lost with the order, so that it tries to read it for as long as there is a worker.
        async for run in stage.client.list_workflows(
            f"WorkflowId STARTS_WITH '{root_workflow(since)}' AND ExecutionStatus = 'Running'"
        ):
            await stage.client.get_workflow_handle(run.id).terminate()


def take_away(folder: Path, name: str) -> None:
    """Take a database away, with the files beside it."""
    for file in folder.glob(f"{name}.db*"):
        file.unlink()


def restore(folder: Path, name: str) -> None:
    """Put a database back as it was when it was copied."""
    take_away(folder, name)
    shutil.copy(folder / f"{name}.backup", folder / f"{name}.db")
