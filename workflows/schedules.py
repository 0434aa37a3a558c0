"""Schedules of Temporal that workers see to: the reconciliation, as often as the settings say."""

from __future__ import annotations

from datetime import timedelta

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from workflows.reconciliation import NAME, ReconciliationInput

_log = structlog.get_logger(__name__)


def schedule_id(task_queue: str) -> str:
    """Return the id of the schedule by which the orders of a task queue are reconciled."""
    return f"reconciliation:{task_queue}"


async def see_to_schedule(client: Client, task_queue: str, every: timedelta) -> None:
    """Have reconciliations begin so often, or never where that is zero; what operators have paused stays paused.

    Raises:
        RPCError: when Temporal cannot be reached or refuses.
    """
    handle = client.get_schedule_handle(schedule_id(task_queue))
    if not every:
        try:
            await handle.delete()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
        return
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            NAME, ReconciliationInput(), id=f"{schedule_id(task_queue)}:scheduled", task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
    )
    try:
        await client.create_schedule(schedule_id(task_queue), wanted)
        _log.info("reconciliations scheduled", every=str(every))
    except ScheduleAlreadyRunningError:
        await handle.update(lambda known: _with_interval(known, every))


def _with_interval(known: ScheduleUpdateInput, every: timedelta) -> ScheduleUpdate | None:
    """Return the schedule with another interval; None where it has that one."""
    schedule = known.description.schedule
    if [each.every for each in schedule.spec.intervals] == [every]:
        return None
    schedule.spec.intervals = [ScheduleIntervalSpec(every=every)]
    return ScheduleUpdate(schedule=schedule)
