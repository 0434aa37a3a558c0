"""Posted orders' workflows as a reconciliation asks Temporal for them: by search, one by one, or by their query."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from datetime import timedelta

import structlog
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from application.reconciliation.workflows import OrderAsRun, RunOfOrder, RunStatus
from orders.lifecycle.states import OrderState
from orders.model.order_ids import root_of_workflow
from workflows.connection import WORKFLOW_TYPES
from workflows.contracts import ids, search_attributes
from workflows.contracts.payloads import OrderView

_log = structlog.get_logger(__name__)

_ASKED_AT_ONCE = 100
_PAGE = 500
_QUERY_TIMEOUT = timedelta(seconds=30)
"""Longer than Temporal waits for a worker that has the workflow in memory, and is gone, before it asks another."""
_ENDED_FROM_OUTSIDE = {WorkflowExecutionStatus.TERMINATED, WorkflowExecutionStatus.TIMED_OUT}


class TemporalWorkflows:
    """The workflows of one task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        types = ", ".join(f"'{each}'" for each in WORKFLOW_TYPES.values())
        self._all = f"WorkflowType IN ({types}) AND ExecutionStatus = 'Running' AND TaskQueue = '{task_queue}'"

    def workflow_id(self, order_id: str) -> str:
        return ids.root_workflow(order_id)

    async def running(self, order_ids: Collection[str]) -> Mapping[str, RunOfOrder]:
        wanted, found = sorted(order_ids), dict[str, RunOfOrder]()
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            named = ", ".join(f"'{ids.root_workflow(each)}'" for each in wanted[start : start + _ASKED_AT_ONCE])
            query = f"{self._all} AND WorkflowId IN ({named})"
            runs = [_run(each) async for each in self._client.list_workflows(query)]
            found |= {run.order_id: run for run in runs}
        return found

    async def find(self, order_id: str) -> RunOfOrder | None:
        try:
            return _run(await self._client.get_workflow_handle(ids.root_workflow(order_id)).describe())
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def all_running(self, token: str) -> tuple[list[RunOfOrder], str | None]:
        page = self._client.list_workflows(
            self._all, page_size=_PAGE, next_page_token=base64.b64decode(token) if token else None
        )
        await page.fetch_next_page()
        runs = [_run(each) for each in page.current_page or ()]
        return runs, base64.b64encode(page.next_page_token).decode() if page.next_page_token else None

    async def ask(self, order_id: str) -> OrderAsRun | None:
        handle = self._client.get_workflow_handle(ids.root_workflow(order_id))
        try:
            view = await handle.query("order", result_type=OrderView, rpc_timeout=_QUERY_TIMEOUT)
        except (RPCError, WorkflowQueryFailedError) as error:
            _log.warning("an order's workflow does not say how it stands", order=order_id, reason=str(error))
            return None
        if view.version is None:
            return None
        return OrderAsRun(view.state, view.items, view.revision, view.version)


def _run(found: WorkflowExecution) -> RunOfOrder:
    state = found.typed_search_attributes.get(search_attributes.STATE)
    running = found.status == WorkflowExecutionStatus.RUNNING
    ended = RunStatus.TERMINATED if found.status in _ENDED_FROM_OUTSIDE else RunStatus.ENDED
    return RunOfOrder(
        order_id=root_of_workflow(found.id),
        workflow_id=found.id,
        status=RunStatus.RUNNING if running else ended,
        state=OrderState(state) if state else None,
        closed_at=found.close_time,
    )
