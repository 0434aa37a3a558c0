"""Calls of activities by a workflow: systems first locally, then on the system's queue; the store locally.

A quick call to a system costs Temporal next to nothing as a local activity. One that fails, or whose system takes none
now, goes to the queue of its system with the attempts that remain and the same idempotency key: there operators see it,
and can pause it, slow it down, or complete it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception
from temporalio.exceptions import TimeoutError as TemporalTimeoutError
from temporalio.types import MethodAsyncSingleParam
from temporalio.workflow import ActivityHandle

from activities.allowance import Allowance, allowing
from activities.limits import NOT_LOCAL
from activities.lookups import AGAIN
from activities.records import EndOrder, RecordActivities
from orders.lifecycle.change import OrderUpdate
from orders.model.order_ids import root_of_workflow
from orders.plan.parts import ResourceItem, ServiceItem
from orders.plan.policy import Policy
from store.begun_calls import END
from workflows.contracts import policies
from workflows.failures import told_by
from workflows.runtime.unclear import UnclearCalls
from workflows.saga.saga import carried_out, stop_if_cancelled

_REFUSAL_HOLDS = timedelta(minutes=1)
"""How long no other local call of a system is tried after one was refused: each refusal is written to the history."""
_SETTLES = "unclear-calls-are-settled"
"""Patch: runs that began without it undid a call once, whatever effect it could have had afterwards."""
_KEPT_FIRST = "messages-are-in-the-history-first"
"""Patch: runs that began without it acted on an update within the workflow task that brought it."""

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Call(Generic[P, R]):
    """A call to a downstream system; its request has the idempotency key."""

    system: str
    activity: MethodAsyncSingleParam[Any, P, R]
    request: P
    policy: Policy
    summary: str
    """What it does, in words: the Web UI shows it."""
    undoes: tuple[str, ...] = ()
    """The keys of the calls whose effect it undoes."""

    def asking(self, request: P) -> Call[P, R]:
        """Return the same call with another request."""
        return replace(self, request=request)

    def with_changes(self, **changes: Any) -> Call[P, R]:
        """Return the same call with these attributes of its request, as far as it has them, changed."""
        request: Any = self.request
        known = {name: value for name, value in changes.items() if name in type(request).model_fields}
        return self.asking(request.model_copy(update=known)) if known else self


def inventory_call(
    item: ServiceItem | ResourceItem,
    what: str,
    activity: MethodAsyncSingleParam[Any, P, R],
    request: P,
    *,
    undoes: tuple[str, ...] = (),
) -> Call[P, R]:
    """Return a call to inventory about an item."""
    return Call(policies.INVENTORY, activity, request, item.policy, f"{what} {item.specification.name}", undoes)


class Calls:
    """Has the activities of one workflow run."""

    def __init__(self, *, undoing: bool) -> None:
        self.events = 0
        """How many events of the history this has come to, about. Their true number is not the same in a replay."""
        self.priority: Priority | None = None
        """What its steps take precedence by; that of its start, where it is None."""
        self.unclear = UnclearCalls()
        """Those that may have an effect yet, though they have failed."""
        self._undoing = undoing
        self._local = 0
        """How many local activities run."""
        self._catching_up = 0
        """How many calls run that a workflow task which was lost had got past."""
        self._called: set[str] = set()
        """The keys of all calls for an effect so far."""
        self._refused: dict[str, datetime] = {}
        """System → when a local call of it was refused last."""
        self._tried_locally: set[str] = set()
        """Ids of activities that go on with a call whose first attempt, a local one, has failed."""

    @property
    def idle(self) -> bool:
        """Whether all that was begun locally is done: history knows it then, or will with this workflow task."""
        return not (self._local or self._catching_up)

    async def effect(self, call: Call[P, R]) -> R:
        """Call a system for an effect, retried as the catalog's policy says.

        Raises:
            ActivityError: when it has failed for good.
        """
        stop_if_cancelled()
        key = _key_of(call)
        if key in self._called or key in self.unclear:
            call = call.with_changes(asked_before=True)
        with self.unclear.noting(key, call.policy):
            if self._undoing:
                return await self._of_system(call, policies.undo(call.policy), stoppable=True)
            allowance = policies.allowance(call.policy)
            return await self._of_system(call, policies.step(call.policy), stoppable=True, allowance=allowance)

    async def undo(self, call: Call[P, R], finish: Callable[[R], Awaitable[None]] | None = None) -> None:
        """Call a system to undo an effect, retried until the system is there, and `finish` it where that takes more.

        Where that effect may come yet, it is undone once more when it can come no later.

        Raises:
            ActivityError: when there is no sense in trying again.
        """
        until, began = self.unclear.until(call.undoes), workflow.now()
        await self._undo(call, finish)
        # However long that took: it was sent before the effect.
        if until is not None and began < until and workflow.patched(_SETTLES):
            await self.sleep_until(until, f"until it can be done no later: {call.summary}")
            await self._undo(call.with_changes(key=f"{_key_of(call)}{AGAIN}", again=True), finish)

    async def sleep_until(self, at: datetime, why: str) -> None:
        """Wait until a time, unless it has passed."""
        if (left := at - workflow.now()) > timedelta():
            await workflow.sleep(left, summary=why[:200])

    async def read_back(self, call: Call[P, R]) -> R:
        """Ask a system what an undo has come to, retried until the system is there.

        Raises:
            ActivityError: when there is no sense in trying again.
        """
        return await self._of_system(call, policies.undo(call.policy), stoppable=False)

    async def _undo(self, call: Call[P, R], finish: Callable[[R], Awaitable[None]] | None) -> None:
        answer = await self._of_system(call, policies.undo(call.policy), stoppable=False)
        if finish is not None:
            await finish(answer)

    async def local(self, activity: MethodAsyncSingleParam[Any, P, R], request: P, summary: str) -> R:
        """Ask or tell the order store, for as long as it takes the store to be there."""
        return await self._locally(activity, request, summary, policies.LOCAL)

    async def end(self, updates: list[OrderUpdate]) -> list[str]:
        """Write the last of a posted order; return the ids of those that wait for it.

        An order that a lost workflow task has ended is not stopped any more.
        """
        workflow_id = workflow.info().workflow_id
        self._called.add(END)
        end = EndOrder(order_id=root_of_workflow(workflow_id), workflow_id=workflow_id, updates=updates)
        return await self.local(RecordActivities.end_order, end, "end the order, let others go on")

    async def ask(
        self, activity: MethodAsyncSingleParam[Any, P, R], request: P, summary: str, options: dict[str, Any]
    ) -> R:
        """Have something asked that takes its time and has no effect, or on a queue of its own."""
        self.events += policies.EVENTS_OF_ACTIVITY
        started: ActivityHandle[R] = workflow.start_activity_method(
            activity, request, summary=summary[:200], **self.precedence(), **options
        )
        return await started

    async def caught_up(self) -> None:
        """Wait until all local calls are known that were begun.

        What a workflow task has called locally is forgotten when the task is lost, and is called again by the next one.
        So nothing is stopped, held or changed before: what was done would be known to nobody, and undone by nobody.
        """
        begun = await self._begun()
        if not self._called.issuperset(begun):
            await workflow.wait_condition(lambda: self.idle or self._called.issuperset(begun))
            # What has not come again by now never does: the repeated task took another way.
            self._called.update(begun)

    async def in_history(self) -> None:
        """Wait until history has the update that is being handled.

        Temporal keeps an update in memory alone until the workflow task that took it is through: where both are lost,
        nobody sends it again, and what it had done locally would be known to the order store and to systems alone.
        """
        if workflow.patched(_KEPT_FIRST):
            # Asked by a queue, it ends the workflow task at once; a timer, however short, may take Temporal a second.
            begun, workflow_id = RecordActivities.begun_calls, workflow.info().workflow_id
            await self.ask(begun, workflow_id, "keep the message: which calls were begun?", policies.LOCAL)

    async def on_queue(self, call: Call[P, R], options: dict[str, Any], allowance: Allowance | None = None) -> R:
        """Call a system by its queue, and wait for its answer even where a cancellation comes in between."""
        self.events += policies.EVENTS_OF_ACTIVITY
        queue = policies.task_queue(workflow.info().task_queue, call.system)
        with allowing(allowance):
            started: ActivityHandle[R] = workflow.start_activity_method(
                call.activity,
                call.request,
                task_queue=queue,
                summary=call.summary[:200],
                **self.precedence(),
                **options,
            )
        return await carried_out(started)

    def attempts_before(self, error: BaseException) -> int:
        """Return how many attempts of a call were made before those of the activity that has failed."""
        return int(isinstance(error, ActivityError) and error.activity_id in self._tried_locally)

    def precedence(self) -> dict[str, Any]:
        return {"priority": self.priority} if self.priority else {}

    async def _of_system(
        self, call: Call[P, R], options: dict[str, Any], *, stoppable: bool, allowance: Allowance | None = None
    ) -> R:
        self._called.add(_key_of(call))
        pause = timedelta()
        if not self._goes_by_queue(call):
            try:
                return await self._locally(call.activity, call.request, call.summary, policies.once(call.policy))
            except FailureError as error:
                self.unclear.failed(_key_of(call), error)
                if _was_refused(error):
                    self._refused[call.system] = workflow.now()
                elif _is_last(error, allowance):
                    raise
                else:
                    options = policies.after_one_attempt(options) | {"activity_id": self._continuing()}
                    allowance = _left_of(allowance, error)
                    pause = _pause_after(error, call.policy)
                    call = call.with_changes(asked_before=True)
        if not self._called.issuperset(await self._begun()):
            return await self._catch_up(call.with_changes(asked_before=True))
        if pause:
            await workflow.sleep(pause, summary=f"before the next attempt: {call.summary}"[:200])
        if stoppable:
            stop_if_cancelled()
        return await self.on_queue(call, options, allowance)

    def _goes_by_queue(self, call: Call[Any, Any]) -> bool:
        """Return whether a local attempt makes no sense: it was refused a moment ago, or has less than its time."""
        refused = self._refused.get(call.system)
        if refused is not None and workflow.now() - refused < _REFUSAL_HOLDS:
            return True
        return call.policy.attempts == 1 and call.policy.attempt_timeout > policies.LOCAL_ATTEMPT

    async def _begun(self) -> list[str]:
        """Return the keys of all local calls that were begun, also by workflow tasks that were lost since."""
        return await self.local(RecordActivities.begun_calls, workflow.info().workflow_id, "which calls were begun?")

    async def _catch_up(self, call: Call[P, R]) -> R:
        """Repeat a call that a lost workflow task had got past: what came after it is to be known.

        Until then nothing of the order is stopped, so that it is undone if need be.
        """
        self._catching_up += 1
        try:
            return await self.on_queue(call, policies.undo(call.policy))
        finally:
            self._catching_up -= 1

    def _continuing(self) -> str:
        """Return the id of an activity that goes on with a call which was tried locally."""
        activity_id = f"continued-{len(self._tried_locally) + 1}"
        self._tried_locally.add(activity_id)
        return activity_id

    async def _locally(
        self, activity: MethodAsyncSingleParam[Any, P, R], request: P, summary: str, options: dict[str, Any]
    ) -> R:
        started: ActivityHandle[R] = workflow.start_local_activity_method(
            activity, request, summary=summary[:200], **options
        )
        self.events += policies.EVENTS_OF_LOCAL_ACTIVITY
        self._local += 1
        try:
            return await carried_out(started, cancellable=False)
        finally:
            self._local -= 1


def _key_of(call: Call[Any, Any]) -> str:
    """Return the idempotency key of a call; what only reads has none."""
    return str(getattr(call.request, "key", ""))


def _was_refused(error: FailureError) -> bool:
    """Return whether a local attempt was not made: its system takes calls by its queue only, for now."""
    return isinstance(error, ApplicationError) and error.type == NOT_LOCAL


def _pause_after(error: FailureError, policy: Policy) -> timedelta:
    """Return how long to wait after a failed local attempt: as the policy says, and as the system has asked for."""
    asked = error.next_retry_delay if isinstance(error, ApplicationError) else None
    return max(asked or timedelta(), policy.backoff)


def _is_last(error: FailureError, allowance: Allowance | None) -> bool:
    """Return whether a call has failed for good with its local attempt."""
    if is_cancelled_exception(error) or (isinstance(error, ApplicationError) and error.non_retryable):
        return True
    if allowance is None or allowance.attempts != 1:
        return False
    timed_out = isinstance(error, TemporalTimeoutError)
    return _told(error, "said") or (timed_out and not workflow.patched("silence-is-no-attempt"))


def _left_of(allowance: Allowance | None, error: FailureError) -> Allowance | None:
    """Return what remains of an allowance after a local attempt: what was said counts, silence does not."""
    if allowance is None or allowance.attempts is None:
        return allowance
    left = allowance.attempts - _told(error, "said")
    return allowance.model_copy(update={"attempts": left, "unclear": _told(error, "unclear")})


def _told(error: FailureError, what: str) -> bool:
    """Return what a local attempt's error tells of its system; a time-out says nothing, and leaves all unclear."""
    if isinstance(error, TemporalTimeoutError):
        return what == "unclear"
    return bool(told_by(error).get(what, what == "said"))
