"""A reconciliation: all is looked at, looked at again after a while, and mended where that is asked for and safe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from activities.reconciliation import (
    BeginReconciliation,
    Begun,
    EndReconciliation,
    Look,
    Looked,
    ReconciliationActivities,
)
from tmf.instants import timestamp
from tmf.model import Model

NAME: Final = "Reconciliation"
_AT_A_TIME: Final = timedelta(minutes=5)
_LOOK: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=15),
    "heartbeat_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(maximum_attempts=3),
}
_STORE: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(seconds=10)),
}


class ReconciliationInput(Model):
    """What a reconciliation is to do."""

    mend: bool = False
    look_again_after: timedelta = timedelta(minutes=1)
    """What is under way has so long to be done."""
    budget: timedelta = timedelta(hours=1)
    """How long it takes at most, about; the next one goes on with what is left."""


@workflow.defn(name=NAME)
class ReconciliationWorkflow:
    """Compares orders, workflows and systems, once."""

    @workflow.init
    def __init__(self, wish: ReconciliationInput) -> None:
        self.wish = wish
        self.sections: dict[str, dict[str, Any]] = {}

    @workflow.run
    async def run(self, wish: ReconciliationInput) -> dict[str, Any]:
        run_id = workflow.info().workflow_id
        begun = await workflow.execute_activity_method(
            ReconciliationActivities.begin_reconciliation,
            BeginReconciliation(run_id=run_id, mend=wish.mend),
            **_STORE,
        )
        if begun.going_on is not None:
            refused = {"id": run_id, "state": "refused", "startedAt": timestamp(begun.started_at), "mend": wish.mend}
            return await self._kept(run_id, begun, {**refused, "reason": f"{begun.going_on} goes on"}, None)
        for name in begun.sections:
            await self._look(name, begun)
        if any(each["found"] for each in self.sections.values()):
            await workflow.sleep(wish.look_again_after, summary="until what is under way is done")
        for name in begun.sections:
            self._count(name, "differences", await self._all(ReconciliationActivities.look_again, name, begun))
            if wish.mend:
                mended = await self._all(ReconciliationActivities.mend, name, begun)
                self._count(name, "mended", mended)
                self.sections[name]["what"] = mended.named
        return await self._end(run_id, begun)

    @workflow.query(name="progress", description="What was looked at and found so far, by section.")
    def progress(self) -> dict[str, dict[str, Any]]:
        return self.sections

    async def _look(self, name: str, begun: Begun) -> None:
        cursor = begun.cursors.get(name, "")
        whole = not cursor
        looked = await self._all(ReconciliationActivities.look, name, begun, cursor)
        section: dict[str, Any] = {
            "lookedAt": looked.looked_at,
            "found": looked.number,
            "whole": whole and looked.then is None,
        }
        section |= {"then": looked.then} if looked.then is not None else {}
        section |= {"error": looked.error} if looked.error else {}
        self.sections[name] = section

    async def _all(self, activity: Callable[..., Any], name: str, begun: Begun, cursor: str = "") -> Looked:
        """Do something with a section to its end, or until the time is over or it cannot go on."""
        sum_of = Looked(then=cursor)
        while sum_of.then is not None and (left := self._left(begun)) > timedelta(0):
            look = Look(
                section=name, deep=begun.deep, cursor=sum_of.then, seconds=min(left, _AT_A_TIME).total_seconds()
            )
            try:
                looked: Looked = await workflow.execute_activity_method(activity, look, **_LOOK, summary=name)
            except ActivityError as error:
                cause = error.cause or error
                return sum_of.model_copy(update={"error": getattr(cause, "message", str(cause))})
            sum_of = Looked(
                looked_at=sum_of.looked_at + looked.looked_at,
                number=sum_of.number + looked.number,
                named=[*sum_of.named, *looked.named],
                then=looked.then,
                error=looked.error or sum_of.error,
            )
            if looked.error:
                break
        return sum_of

    def _left(self, begun: Begun) -> timedelta:
        return begun.started_at + self.wish.budget - workflow.now()

    def _count(self, name: str, what: str, looked: Looked) -> None:
        self.sections[name][what] = looked.number
        if looked.error:
            self.sections[name]["error"] = looked.error

    async def _end(self, run_id: str, begun: Begun) -> dict[str, Any]:
        wholly = all(each["whole"] and "error" not in each for each in self.sections.values())
        document = {
            "id": run_id,
            "state": "done" if wholly else "incomplete",
            "startedAt": timestamp(begun.started_at),
            "endedAt": timestamp(workflow.now()),
            "mend": self.wish.mend,
            "sections": self.sections,
        }
        orders = self.sections["orders"]
        compared = begun.deep and orders["whole"] and "error" not in orders
        return await self._kept(run_id, begun, document, begun.epoch if compared else None)

    async def _kept(self, run_id: str, begun: Begun, document: dict[str, Any], compared: int | None) -> dict[str, Any]:
        end = EndReconciliation(run_id=run_id, started_at=begun.started_at, document=document, compared=compared)
        await workflow.execute_activity_method(ReconciliationActivities.end_reconciliation, end, **_STORE)
        return document
