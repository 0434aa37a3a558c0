"""One large order that is acted on: by the APIs and messages that people have for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from application.addresses import PRODUCT
from bench.actions import runs_of
from bench.large.orders import large_order
from bench.parts import Tell
from bench.stack.gateway import PATH, Gateway, new_customer, workflow_id
from bench.stack.stacks import Stack
from bench.stack.waiting import until
from orders.lifecycle.states import TERMINAL
from settings import SYSTEMS
from tmf.bodies import Document
from worker import WORKFLOWS
from workflows.connection import DATA_CONVERTER

_PATIENCE_SECONDS = 3600.0
_TASKS = "/fallout/v1/task"
_QUIET_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done to a large order, and how long that took."""

    what: str
    items: int
    seconds: float
    runs: int
    """Of the workflow of the order, so far."""


class Drill:
    """A large order, and what is done to it."""

    def __init__(self, stack: Stack, kind: str, items: int, tell: Tell) -> None:
        self.items = items
        self.steps: list[Step] = []
        self.order_id = ""
        self.customer = new_customer()
        self._stack = stack
        self._tell = tell
        self._gateway = Gateway(stack)
        self._document = large_order(kind, items, self.customer)
        self._at: dict[str, str] = {"gateway": stack.layout.gateway_url, **stack.systems}

    async def place(self) -> Document:
        """Place the order, and return it as it was placed."""
        self.order_id = await self._gateway.place(self._document)
        return self._document

    async def is_in_a_later_run(self) -> None:
        """Wait until the order's workflow has gone on in a new run.

        Raises:
            RuntimeError: when it is over before.
        """
        first = (await self._handle.describe()).run_id

        async def went_on() -> bool:
            now = await self._handle.describe()
            require(now.status is WorkflowExecutionStatus.RUNNING, "it is large enough for a second run")
            return now.run_id != first

        await until(went_on, _PATIENCE_SECONDS)

    @asynccontextmanager
    async def timed(self, what: str) -> AsyncIterator[None]:
        """Time what is done in the block."""
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        runs = len(await runs_of(self._stack.temporal, self._handle.id))
        self.steps.append(Step(what, self.items, seconds, runs))
        self._tell(f"{self.items} items, run {runs}: {what}: {seconds:.1f} s")

    @asynccontextmanager
    async def fault(self, system: str, **match: str) -> AsyncIterator[None]:
        """Have a system refuse some calls, for the length of the block."""
        await self._post(system, "/faults", {"match": match, "kind": "permanent"})
        yield
        (await self._stack.http.delete(f"{self._at[system]}/faults")).raise_for_status()

    async def tell(self, message: str, **said: str) -> None:
        await self._handle.execute_update(message, said)

    async def state(self) -> str:
        return str((await self._gateway.order(self.order_id))["state"])

    async def amend(self, **changes: Any) -> None:
        answer = await self._stack.http.patch(f"{self._at['gateway']}{PATH}/{self.order_id}", json=changes)
        answer.raise_for_status()

    async def cancel(self) -> None:
        await self._gateway.cancel(self.order_id)

    async def task(self, word: str) -> Document:
        """Wait for a task of the order that is about this, and return it."""
        found: list[Document] = []

        async def opened() -> bool:
            tasks = await self._get("gateway", _TASKS, orderId=self.order_id, state="open")
            found[:] = [each for each in tasks if word in each["id"]]
            return bool(found)

        await until(opened, _PATIENCE_SECONDS)
        return found[0]

    async def retry(self, task: Document) -> None:
        """Have what a task is about tried again."""
        await self._post("gateway", f"{_TASKS}/{task['id']}/resolution", {"action": "retry", "author": "bench"})

    async def is_over(self, state: str) -> None:
        """Wait until the order is over.

        Raises:
            RuntimeError: when it ends in another state.
        """

        async def ended() -> bool:
            return await self.state() in TERMINAL

        await until(ended, _PATIENCE_SECONDS)
        ends = await self.state()
        require(ends == state, f"the order ends {state}, and not {ends}")

    async def is_quiet(self) -> None:
        """Wait until no system is called for the order any more."""
        seen: list[int] = []

        async def quiet() -> bool:
            seen.append(len(await self.calls()))
            return len(seen) > _QUIET_LOOKS and len(set(seen[-_QUIET_LOOKS:])) == 1

        await until(quiet, _PATIENCE_SECONDS)

    async def done(self) -> set[str]:
        """Return the nodes of the order's plan that are done."""
        nodes = (await self._handle.query("progress"))["nodes"]
        return {key for key, node in nodes.items() if node["state"] == "done"}

    async def calls(self) -> list[str]:
        """Return the idempotency keys of all calls that systems had for the order, system by system."""
        logs = [await self._get(system, "/log", order=self.order_id) for system in SYSTEMS]
        return [entry["key"] for log in logs for entry in log]

    async def is_exact(self, products: int) -> None:
        """Check that the customer has so many products, and what realises them, and that nothing else is held.

        Raises:
            RuntimeError: when that is not so.
        """
        audit = await self._get("inventory", "/audit")
        held = [each for each in audit["resources"] if self.order_id in (each.get("requestedBy") or "")]
        lost = [each for each in audit["leaked"] if self.order_id in (each.get("requestedBy") or "")]
        require(not lost and not audit["dangling"], f"nothing is leaked: {lost[:5]}, {audit['dangling'][:5]}")
        require(bool(held) == bool(products), f"resources are held for products only: {held[:5]}")
        wanted = {"relatedParty.id": self.customer, "status": "active", "limit": "1"}
        url = f"{self._at['inventory']}{PRODUCT}"
        answer = (await self._stack.http.get(url, params=wanted)).raise_for_status()
        has = int(answer.headers["X-Total-Count"])
        require(has == products, f"the customer has {products} products, and not {has}")

    async def is_replayed(self) -> None:
        """Replay all runs of the order's workflow.

        Raises:
            Exception: when one goes another way.
        """
        replayer = Replayer(
            workflows=WORKFLOWS, data_converter=DATA_CONVERTER, workflow_runner=UnsandboxedWorkflowRunner()
        )
        for history in await runs_of(self._stack.temporal, self._handle.id):
            await replayer.replay_workflow(history)

    @property
    def _handle(self) -> WorkflowHandle[Any, Any]:
        return self._stack.temporal.get_workflow_handle(workflow_id(self.order_id))

    async def _get(self, part: str, path: str, **query: str) -> Any:
        return (await self._stack.http.get(f"{self._at[part]}{path}", params=query)).raise_for_status().json()

    async def _post(self, part: str, path: str, body: Document) -> None:
        (await self._stack.http.post(f"{self._at[part]}{path}", json=body)).raise_for_status()


def require(condition: bool, what: str) -> None:
    """Raise RuntimeError where something is not as it must be."""
    if not condition:
        raise RuntimeError(f"not so: {what}")
