"""A later release comes under running orders, code and tables, and goes again: all orders end exactly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError
from typer.testing import CliRunner, Result

import cli
from embedded.audit import audit, holdings
from embedded.demo_orders import mobile_plan
from embedded.layout import GATEWAY, WORKER, Layout, isolated_layout, leave_out
from embedded.parts import environment, parts, temporal_client
from embedded.process import Child, tail
from embedded.stack import running
from store.sql.database import open_database
from tests.embedded import later_release
from tests.embedded.later_release import LATER_PRICE, PRICE
from tests.stage import EXAMPLES, PRODUCT_ORDER, eventually
from tmf.bodies import Document
from worker import WORKFLOWS
from workflows.connection import DATA_CONVERTER
from workflows.contracts import ids
from workflows.versioning import own_build

pytestmark = [pytest.mark.anyio, pytest.mark.long]

DEPLOYMENT = "two-builds"
WORK = {"technician": "Ada"}


@dataclass
class Operator:
    """Who runs the stack, with its orders and its processes."""

    layout: Layout
    client: Client
    http: httpx2.AsyncClient

    async def start(self, stack: AsyncExitStack, code: Path, release: str, *parts: str) -> None:
        """Start gateway or worker of a release, or both at the same time, until the end of `stack`."""
        await asyncio.gather(
            *(stack.enter_async_context(self.process(part, code, f"{part}-{release}")) for part in parts)
        )

    @asynccontextmanager
    async def process(self, part: str, code: Path, name: str) -> AsyncIterator[None]:
        """Run the gateway or the worker of a release."""
        found = next(each for each in parts(self.layout) if each.name == part)
        own = {"PYTHONPATH": str(code), "ORDERSAGA_CATALOGS": str(code / "catalogs/shipped")}
        variables = {**found.environment, **own, "ORDERSAGA_DEPLOYMENT": DEPLOYMENT}
        log = self.layout.logs / f"{name}.log"
        child = await Child.start(replace(found, name=name, environment=variables), log)
        try:
            await eventually(lambda: found.ready(child.pid), lambda: tail(log))
            yield
        finally:
            await child.stop()

    async def says(self, *words: str) -> Result:
        """Run a command of the terminal."""
        return await asyncio.to_thread(CliRunner().invoke, cli.app, list(words))

    async def done(self, *words: str) -> str:
        result = await self.says(*words)
        assert result.exit_code == 0, result.output
        return result.output

    async def submit(self, order: Document) -> str:
        answer = await self.http.post(PRODUCT_ORDER, json=order)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def completed(self, order_id: str) -> str:
        """Wait until an order is completed, in the store and in Temporal, and return its id."""

        async def is_completed() -> bool:
            return bool((await self.http.get(f"{PRODUCT_ORDER}/{order_id}")).json()["state"] == "completed")

        await eventually(is_completed, lambda: order_id)
        await self.client.get_workflow_handle(ids.root_workflow(order_id)).result()
        return order_id

    async def mobile(self, customer: str) -> str:
        """Have a mobile plan ordered, and return the order's id when it is completed."""
        return await self.completed(await self.submit(mobile_plan(customer)))

    async def in_flight(self, customer: str) -> str:
        """Have a line ordered that waits for its technician, and return the order's id."""
        order = json.loads((EXAMPLES / "fibre-technician.json").read_text()) | {"externalId": customer}
        order["relatedParty"][0]["id"] = customer
        order_id = await self.submit(order)
        await self.task(order_id)
        return order_id

    async def task(self, order_id: str) -> str:
        found: list[Document] = []

        async def is_open() -> bool:
            answer = await self.http.get("/manual/v1/task", params={"orderId": order_id, "state": "open"})
            found[:] = answer.json()
            return bool(found)

        await eventually(is_open, lambda: order_id)
        return str(found[0]["id"])

    async def visit(self, order_id: str) -> None:
        """Let the technician do the work of an order."""
        task = await self.task(order_id)
        answer = await self.http.post(f"/manual/v1/task/{task}/completion", json={"values": WORK})
        assert answer.status_code == 200, answer.text

    async def is_charged(self, customer: str, price: str) -> bool:
        """Return whether a customer is charged a price by the month."""
        url = f"{self.layout.systems['billing']}/billing/v1/charge"
        charges = (await self.http.get(url, params={"customer.id": customer})).json()
        assert charges
        return price in {str(value) for each in charges for value in _amounts(each)}

    async def builds_of(self, workflow_id: str) -> set[str]:
        """Return the builds that have worked on a workflow, by its history."""
        events = (await self.history(workflow_id)).events
        return {
            each.workflow_task_completed_event_attributes.deployment_version.build_id
            for each in events
            if each.HasField("workflow_task_completed_event_attributes")
        }

    async def history(self, workflow_id: str) -> WorkflowHistory:
        return await self.client.get_workflow_handle(workflow_id).fetch_history()

    async def noted_later(self, order_id: str) -> bool:
        """Return whether the step of the later release was done."""
        database = open_database(self.layout.store_url)
        statement = text("SELECT later FROM orders WHERE id = :id").bindparams(id=order_id)
        noted = await database.read(lambda connection: connection.scalar(statement))
        await database.close()
        return bool(noted == "seen")


def _amounts(document: Any) -> Iterator[Any]:
    """Yield all amounts in a document."""
    if isinstance(document, list):
        for each in document:
            yield from _amounts(each)
    elif isinstance(document, dict):
        for name, value in document.items():
            yield from [value] if name == "value" else _amounts(value)


@pytest.fixture
async def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    """A stack without gateway and workers, and a terminal that knows it."""
    whole = isolated_layout(tmp_path / "state", {})
    (tmp_path / "state").mkdir()
    for name, value in {**environment(whole), "ORDERSAGA_DEPLOYMENT": DEPLOYMENT}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(leave_out(whole, [WORKER, GATEWAY]), lambda _: None))
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=whole.gateway_url, timeout=30))
        yield Operator(whole, await temporal_client(whole), http)


async def replay(history: WorkflowHistory) -> None:
    """Replay a history with the code of this release."""
    replayer = Replayer(workflows=WORKFLOWS, data_converter=DATA_CONVERTER, workflow_runner=UnsandboxedWorkflowRunner())
    await replayer.replay_workflow(history)


async def test_orders_end_exactly_through_a_later_release_and_back(operator: Operator, tmp_path: Path) -> None:
    later = await asyncio.to_thread(later_release.made, tmp_path / "later")
    now, a = later_release.ROOT, own_build()
    async with AsyncExitStack() as old_gateway, AsyncExitStack() as old, AsyncExitStack() as new:
        await operator.start(old, now, "a", WORKER)
        assert f"{a} takes the orders now" in await operator.done("worker", "promote", "--first")
        unknown = await operator.says("worker", "promote", "nonsense", "--within", "0")
        assert (unknown.exit_code, f"known builds: {a}" in unknown.output) == (1, True), unknown.output
        assert "promote another build first" in (await operator.says("worker", "drain", a)).output
        await operator.start(old_gateway, now, "a", GATEWAY)
        begun_before = await operator.in_flight("before")
        await old_gateway.aclose()

        # The later release migrates, and its gateway hands orders to workers that know neither fields nor column.
        await operator.start(new, later, "b", WORKER, GATEWAY)
        b = next(each["id"] for each in json.loads(await operator.done("worker", "list", "--json")) if each["id"] != a)
        side_by_side = await operator.mobile("side-by-side")
        assert await operator.builds_of(ids.root_workflow(side_by_side)) == {a}

        # Orders move on to it; what is below them ends where it began.
        assert "50 % of the orders" in await operator.done("worker", "promote", b, "--ramp", "50")
        assert f"{b} takes the orders now" in await operator.done("worker", "promote", b)
        after = await operator.mobile("after")
        begun_after = await operator.in_flight("after-too")
        assert await operator.noted_later(after)
        needed = await operator.says("worker", "drain", a, "--no-wait")
        assert (needed.exit_code, begun_before in needed.output) == (1, True), needed.output
        await operator.visit(begun_before)
        orders = [side_by_side, after, await operator.completed(begun_before)]
        assert await operator.noted_later(begun_before)
        assert await operator.builds_of(ids.root_workflow(begun_before)) == {a, b}
        assert f"nothing needs {a}" in await operator.done("worker", "drain")
        await old.aclose()

        # The way back: the older release takes the orders again, on tables that are newer than it.
        await operator.start(old, now, "a-again", WORKER)
        assert "1 that" in await operator.done("worker", "promote", a)
        back = await operator.mobile("back")
        assert not await operator.noted_later(back)
        assert await operator.builds_of(ids.root_workflow(back)) == {a}
        await replay(await operator.history(ids.root_workflow(begun_after)))
        await operator.visit(begun_after)
        orders += [back, await operator.completed(begun_after)]
        assert await operator.noted_later(begun_after)
        assert await operator.builds_of(ids.root_workflow(begun_after)) == {b}
        assert f"nothing needs {b}" in await operator.done("worker", "drain")
        # Each is finished by the catalogs that it was planned with, whoever finishes it.
        assert await operator.is_charged("before", PRICE)
        assert not await operator.is_charged("before", LATER_PRICE)
        assert await operator.is_charged("after-too", LATER_PRICE)

    # What an older build would make of what a newer one has worked on is wrong at best: so it is not given to it.
    with pytest.raises((NondeterminismError, RuntimeError)):
        await replay(await operator.history(ids.root_workflow(after)))
    checks = audit(await holdings(operator.layout.systems), [])
    assert [each for each in checks if each.wrong] == []
    assert len(set(orders)) == 5
