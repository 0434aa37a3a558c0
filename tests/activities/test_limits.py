"""Which calls to a system may be local, as its calls go well or badly."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.limits import LocalCallGuard, LocalCalls, LocalLimits, Refusal
from application.http import DownstreamError
from store.errors import StoreUnavailableError

LIMITS = LocalLimits(
    at_once=2,
    slow=timedelta(seconds=0.5),
    slow_pause=timedelta(seconds=5),
    failure_pause=timedelta(seconds=15),
    longest_pause=timedelta(seconds=120),
)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls(clock: Clock) -> LocalCalls:
    return LocalCalls("inventory", LIMITS, clock=clock)


def downstream(*, retryable: bool = True, delay: timedelta | None = None) -> DownstreamError:
    return DownstreamError("inventory", "no", retryable=retryable, delay=delay)


def not_yet() -> ApplicationError:
    return ApplicationError("pending", type="NotYet", category=ApplicationErrorCategory.BENIGN)


def make(calls: LocalCalls, clock: Clock, *, local: bool, takes: float = 0.1, fails: Exception | None = None) -> None:
    """Make a call that takes so many seconds, and fails where it is given how."""
    with suppress(ApplicationError), calls.call(local=local):
        clock.passes(takes)
        if fails:
            raise fails


@pytest.mark.parametrize("local", [True, False])
def test_after_a_failure_local_calls_are_refused_for_a_while(calls: LocalCalls, clock: Clock, local: bool) -> None:
    make(calls, clock, local=local, fails=downstream())
    assert calls.refusal() == Refusal.FAILING
    clock.passes(14.9)
    assert calls.refusal() == Refusal.FAILING
    clock.passes(0.1)
    assert calls.refusal() is None


def test_a_silence_that_is_final_is_no_answer(calls: LocalCalls, clock: Clock) -> None:
    make(calls, clock, local=False, fails=DownstreamError("inventory", "no answer", retryable=False, said=False))
    assert calls.refusal() == Refusal.FAILING


def test_one_call_tries_for_all_after_a_pause(calls: LocalCalls, clock: Clock) -> None:
    make(calls, clock, local=True, fails=downstream())
    clock.passes(15)
    with calls.call(local=True):
        assert calls.refusal() == Refusal.FAILING
    assert calls.refusal() is None


def test_a_trial_that_is_cancelled_leaves_the_next_after_another_pause(calls: LocalCalls, clock: Clock) -> None:
    make(calls, clock, local=True, fails=downstream())
    clock.passes(15)
    with pytest.raises(asyncio.CancelledError), calls.call(local=True):
        raise asyncio.CancelledError
    assert calls.refusal() == Refusal.FAILING
    clock.passes(15)
    assert calls.refusal() is None


def test_pauses_double_up_to_the_longest_while_trials_fail(calls: LocalCalls, clock: Clock) -> None:
    for pause in (15, 30, 60, 120, 120):
        make(calls, clock, local=True, fails=downstream())
        clock.passes(pause - 0.5)
        assert calls.refusal() == Refusal.FAILING
        clock.passes(0.5)
        assert calls.refusal() is None


def test_failures_during_a_pause_do_not_double_it_but_it_begins_anew(calls: LocalCalls, clock: Clock) -> None:
    for _ in range(4):
        make(calls, clock, local=False, takes=1, fails=downstream())
    clock.passes(14)
    assert calls.refusal() == Refusal.FAILING
    clock.passes(1)
    assert calls.refusal() is None


def test_a_regular_call_that_goes_well_ends_the_pause(calls: LocalCalls, clock: Clock) -> None:
    make(calls, clock, local=True, fails=downstream())
    make(calls, clock, local=False)
    assert calls.refusal() is None
    make(calls, clock, local=True, fails=downstream())
    clock.passes(15)
    assert calls.refusal() is None, "the first pause again, and not the second"


def test_a_call_that_had_begun_before_the_failure_does_not_end_the_pause(calls: LocalCalls, clock: Clock) -> None:
    with calls.call(local=True):
        clock.passes(0.1)
        make(calls, clock, local=True, fails=downstream())
    assert calls.refusal() == Refusal.FAILING


def test_a_pause_lasts_as_long_as_the_system_asks(calls: LocalCalls, clock: Clock) -> None:
    make(calls, clock, local=False, fails=downstream(delay=timedelta(minutes=10)))
    clock.passes(599)
    assert calls.refusal() == Refusal.FAILING
    clock.passes(1)
    assert calls.refusal() is None


@pytest.mark.parametrize("error", [downstream(retryable=False), not_yet()])
def test_an_answer_that_is_no_success_is_an_answer(calls: LocalCalls, clock: Clock, error: Exception) -> None:
    make(calls, clock, local=True, fails=error)
    assert calls.refusal() is None
    make(calls, clock, local=True, fails=downstream())
    make(calls, clock, local=False, fails=error)
    assert calls.refusal() is None


@pytest.mark.parametrize("local", [True, False])
def test_local_calls_are_refused_once_calls_are_slow_on_average(calls: LocalCalls, clock: Clock, local: bool) -> None:
    make(calls, clock, local=local, takes=3)
    assert calls.refusal() is None, "one slow call is no slow system"
    for _ in range(30):
        make(calls, clock, local=local, takes=0.4)
    assert calls.refusal() is None
    make(calls, clock, local=local, takes=2)
    assert calls.refusal() == Refusal.SLOW
    clock.passes(5)
    assert calls.refusal() is None


def test_a_slow_system_is_tried_after_pauses_that_double_until_a_call_is_quick(calls: LocalCalls, clock: Clock) -> None:
    make(calls, clock, local=True, takes=5)
    for pause in (5, 10, 20, 40, 80, 120, 120):
        assert calls.refusal() == Refusal.SLOW
        clock.passes(pause)
        assert calls.refusal() is None
        make(calls, clock, local=True, takes=0.6)
    make(calls, clock, local=False, takes=0.4)
    assert calls.refusal() is None
    make(calls, clock, local=True, takes=0.4)
    assert calls.refusal() is None, "the average begins anew"


def test_a_defect_of_ours_says_nothing_of_the_system(calls: LocalCalls) -> None:
    with pytest.raises(KeyError), calls.call(local=True):
        raise KeyError("x")
    assert calls.refusal() is None


def test_no_more_local_calls_run_than_may_at_once(calls: LocalCalls) -> None:
    with calls.call(local=True):
        assert calls.refusal() is None
        with calls.call(local=True), calls.call(local=False):
            assert calls.refusal() == Refusal.BUSY
        assert calls.refusal() is None


def test_an_operators_rate_limit_stops_local_calls_while_it_stands(calls: LocalCalls) -> None:
    for limited, refusal in ((True, Refusal.RATE_LIMIT), (None, Refusal.RATE_LIMIT), (False, None)):
        calls.rate_limited = limited
        assert calls.refusal() == refusal


class Asked(ActivityInboundInterceptor):
    """What comes behind the guard: counts the calls that come to it."""

    def __init__(self, answer: Callable[[], Any] = lambda: "done") -> None:
        self.count, self._answer = 0, answer

    async def execute_activity(self, request: ExecuteActivityInput) -> Any:
        self.count += 1
        return self._answer()


@dataclasses.dataclass
class Effect:
    """A request as effects have it."""

    key: str


@dataclasses.dataclass
class Notes:
    """What the guard has noted; `before` is what happens while it does so."""

    before: Callable[[], Any] = lambda: None
    keys: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    async def __call__(self, workflow_id: str, key: str) -> None:
        self.before()
        self.keys.append((workflow_id, key))


async def guarded(
    calls: LocalCalls,
    asked: Asked,
    *arguments: Any,
    local: bool,
    activity_type: str = "bill",
    notes: Notes | None = None,
) -> Any:
    """Execute an activity of the workflow `po:o1` behind the guard of `bill`."""

    async def executed() -> Any:
        return await interceptor.execute_activity(ExecuteActivityInput(executed, list(arguments), None, {}))

    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info, is_local=local, activity_type=activity_type, workflow_id="po:o1"
    )
    interceptor = LocalCallGuard({"bill": calls}, notes or Notes()).intercept_activity(asked)
    return await environment.run(executed)


@pytest.mark.anyio
async def test_a_refused_call_is_not_made_and_the_error_says_why(clock: Clock) -> None:
    calls, asked = LocalCalls("billing", on=False, clock=clock), Asked()
    with pytest.raises(ApplicationError) as caught:
        await guarded(calls, asked, local=True)
    assert asked.count == 0
    error = caught.value
    assert (error.type, error.non_retryable, error.category) == ("NotLocal", True, ApplicationErrorCategory.BENIGN)
    assert error.message.startswith("billing is not called locally: they are switched off")


@pytest.mark.anyio
async def test_regular_calls_and_other_activities_are_never_refused(clock: Clock) -> None:
    calls, asked = LocalCalls("billing", on=False, clock=clock), Asked()
    assert await guarded(calls, asked, local=False) == "done"
    assert await guarded(calls, asked, local=True, activity_type="record") == "done"
    assert asked.count == 2


@pytest.mark.anyio
async def test_an_effect_is_noted_before_a_local_call_has_it(calls: LocalCalls) -> None:
    notes = Notes()
    noted_by_then = Asked(lambda: list(notes.keys))
    assert await guarded(calls, noted_by_then, Effect("k1"), local=True, notes=notes) == [("po:o1", "k1")]


@pytest.mark.anyio
async def test_nothing_is_noted_of_reads_of_regular_calls_and_of_other_activities(calls: LocalCalls) -> None:
    asked, notes = Asked(), Notes()
    await guarded(calls, asked, local=True, notes=notes)
    await guarded(calls, asked, "an id", local=True, notes=notes)
    await guarded(calls, asked, Effect("k1"), local=False, notes=notes)
    await guarded(calls, asked, Effect("k1"), local=True, activity_type="record", notes=notes)
    assert (asked.count, notes.keys) == (4, [])


@pytest.mark.anyio
async def test_nothing_is_noted_of_what_is_refused(clock: Clock) -> None:
    notes = Notes()
    with pytest.raises(ApplicationError):
        await guarded(LocalCalls("billing", on=False, clock=clock), Asked(), Effect("k1"), local=True, notes=notes)
    assert notes.keys == []


@pytest.mark.anyio
async def test_a_call_that_cannot_be_noted_is_not_made_locally(calls: LocalCalls) -> None:
    def fail() -> None:
        raise StoreUnavailableError("no space")

    asked = Asked()
    with pytest.raises(ApplicationError, match="the order store cannot note") as caught:
        await guarded(calls, asked, Effect("k1"), local=True, notes=Notes(fail))
    assert (caught.value.type, asked.count) == ("NotLocal", 0)
    assert calls.refusal() is None, "which says nothing of the system"


@pytest.mark.anyio
async def test_a_call_is_refused_after_all_when_the_system_fails_while_it_is_noted(
    calls: LocalCalls, clock: Clock
) -> None:
    asked = Asked()
    notes = Notes(lambda: make(calls, clock, local=True, fails=downstream()))
    with pytest.raises(ApplicationError, match="failed a moment ago"):
        await guarded(calls, asked, Effect("k1"), local=True, notes=notes)
    assert asked.count == 0


@pytest.mark.anyio
@pytest.mark.parametrize(("timed_out", "refusal"), [(True, Refusal.FAILING), (False, None)])
async def test_a_time_out_is_a_failure_and_a_cancellation_is_none(
    calls: LocalCalls, timed_out: bool, refusal: Refusal | None
) -> None:
    async def cancelled() -> None:
        environment.cancel(ActivityCancellationDetails(timed_out=timed_out))
        with calls.call(local=True):
            await asyncio.Event().wait()

    environment = ActivityEnvironment()
    with pytest.raises(asyncio.CancelledError):
        await environment.run(cancelled)
    assert calls.refusal() == refusal
