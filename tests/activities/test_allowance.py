"""What a step's call may take: answers count, silence is timed, and a pause is neither."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.allowance import NOT_YET, Allowance, Tries, no_end_known, tries_so_far, verdict
from application.http import DownstreamError, SystemAwayError

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
THREE = Allowance(attempts=3, outage=timedelta(hours=1))
WAIT = Allowance(wait=timedelta(minutes=10), outage=timedelta(hours=1))


def said() -> DownstreamError:
    return DownstreamError("billing", "billing answered 500", retryable=True, status=500, unclear=True)


def silent() -> DownstreamError:
    return DownstreamError("billing", "connection refused", retryable=True, said=False)


def timed_out() -> DownstreamError:
    return DownstreamError("billing", "timed out", retryable=True, said=False, unclear=True)


def away() -> DownstreamError:
    return SystemAwayError("billing", "billing is away", SECOND)


def ramping() -> DownstreamError:
    return SystemAwayError("billing", "billing takes calls little by little", SECOND, ramping=True)


def paused() -> DownstreamError:
    return SystemAwayError("billing", "billing is paused", SECOND, paused=True)


def not_yet() -> ApplicationError:
    return ApplicationError("monitor m is inProgress", type=NOT_YET, category=ApplicationErrorCategory.BENIGN)


Failing = Callable[[], Exception]


def run(allowance: Allowance, *failures: Failing, every: timedelta = SECOND) -> tuple[int | None, Tries]:
    """Return after how many of these failures a call has failed for good, None where it goes on; and how it stands."""
    tries, now = Tries(), START
    for number, failing in enumerate(failures, 1):
        now += every
        tries = tries.begun(number, START, now - every).failed(number, failing(), now)
        if tries.used_up(allowance, START, now):
            return number, tries
    return None, tries


@pytest.mark.parametrize(
    ("failures", "last"),
    [
        ([said] * 5, 3),
        ([silent] * 100, None),
        ([away] * 100, None),
        ([paused] * 100, None),
        ([silent, said, away, said, silent, paused, said, said], 7),
        ([lambda: KeyError("a defect")] * 5, 3),
        ([lambda: ApplicationError("unforeseen")] * 5, 3),
    ],
)
def test_what_was_said_counts_and_silence_does_not(failures: list[Failing], last: int | None) -> None:
    assert run(THREE, *failures)[0] == last


def test_a_system_that_says_nothing_for_too_long_has_failed() -> None:
    minutes = timedelta(minutes=10)
    assert run(THREE, *[silent, away] * 5, every=minutes)[0] == 7
    assert run(THREE, *[silent] * 6, said, *[silent] * 9, every=minutes)[0] == 14, "a word begins the time anew"


def test_a_pause_is_no_silence_however_long() -> None:
    assert run(THREE, *[silent] * 3, *[paused] * 100, every=timedelta(minutes=10))[0] is None
    assert run(THREE, *[paused] * 100, *[silent] * 9, every=timedelta(minutes=10))[0] == 107


def test_a_pause_suspends_the_time_of_silence_and_does_not_begin_it_anew() -> None:
    around = [*[silent] * 4, *[paused] * 100, *[silent] * 5]
    assert run(THREE, *around, every=timedelta(minutes=10))[0] == 107


def test_a_call_that_finds_too_many_before_it_changes_nothing_of_the_silence() -> None:
    minutes = timedelta(minutes=10)
    assert run(THREE, *[silent, ramping] * 10, every=minutes)[0] == 7
    assert run(THREE, silent, *[ramping] * 20, every=minutes)[0] is None, "a call that is not made is never the last"
    assert run(THREE, *[ramping] * 20, *[silent] * 9, every=minutes)[0] == 27


def test_what_was_answered_is_no_silence_where_an_attempt_has_no_known_end() -> None:
    heard, lost = START + timedelta(hours=5), timedelta(minutes=5)
    tries = Tries().failed(1, not_yet(), heard).begun(3, START, heard + lost)
    assert tries.silent_since == heard
    assert not tries.used_up(WAIT, START, heard + lost)
    assert tries.used_up(WAIT, START, heard + timedelta(hours=1))


def test_an_attempt_without_a_known_end_does_not_begin_the_time_to_wait_anew() -> None:
    at = [START + timedelta(minutes=minute) for minute in (8, 9, 12)]
    tries = Tries().failed(1, not_yet(), at[0]).begun(3, START, at[1]).failed(3, not_yet(), at[1])
    assert tries.silence == timedelta(minutes=1)
    assert tries.used_up(WAIT, START, at[2])


def test_a_pause_is_no_silence_of_an_attempt_without_a_known_end() -> None:
    paused_at, over = START + timedelta(minutes=10), START + timedelta(hours=9)
    tries = Tries().failed(1, said(), START).failed(2, paused(), paused_at).begun(4, START, over)
    assert (tries.silent_since, tries.held) == (over - timedelta(minutes=10), False)


@pytest.mark.parametrize("details", [{"attempt": 1}, {"attempt": 1, "paused": True, "silentSince": START.isoformat()}])
def test_what_an_earlier_release_has_kept_is_read(details: dict[str, Any]) -> None:
    assert so_far([details], attempt=2).silent_since is None
    lost = so_far([details], attempt=3)
    assert lost.silent_since == START + SECOND
    assert not lost.used_up(THREE, START, START + 2 * SECOND)


def test_what_waits_for_an_end_has_its_time_while_the_system_is_there() -> None:
    minute = timedelta(minutes=1)
    assert run(WAIT, *[not_yet] * 20, every=minute)[0] == 10
    assert run(WAIT, *[said] * 20, every=minute)[0] == 10
    # Ten minutes of silence and ten of a pause are no time of it.
    assert run(WAIT, not_yet, *[silent] * 10, *[paused] * 10, *[not_yet] * 20, every=minute)[0] == 30


def test_an_attempt_without_a_known_end_leaves_all_unclear_and_was_silence() -> None:
    tries = Tries().failed(1, said(), START).begun(4, START, START + SECOND)
    assert (tries.made, tries.said, tries.attempt, tries.unclear, tries.unheard) == (3, 1, 3, True, True)
    assert tries.silent_since == START
    assert not tries.failed(4, said(), START).unheard


@pytest.mark.parametrize(
    ("failures", "unclear"),
    [([silent, silent], False), ([silent, away], False), ([timed_out, silent], True), ([said, silent], True)],
)
def test_the_last_error_tells_of_all_attempts(failures: list[Failing], unclear: bool) -> None:
    tries = Tries()
    for number, failing in enumerate(failures, 1):
        tries = tries.failed(number, failing(), START)
    error = verdict(failures[-1](), tries, final=True, now=START + 90 * SECOND)
    assert isinstance(error, DownstreamError)
    assert (error.unclear, error.retryable, error.non_retryable) == (unclear, False, True)
    assert error.details[0] == {"system": "billing", "attempt": tries.made, "said": error.said, "unclear": unclear}
    assert error.message.endswith("; it has said nothing for 0:01:30")


def test_an_error_that_is_not_the_last_one_waits_as_before() -> None:
    error = verdict(away(), Tries(), final=False, now=START)
    assert isinstance(error, DownstreamError)
    assert (error.retryable, error.next_retry_delay) == (True, SECOND)
    assert (error.message, error.category) == ("billing is away", ApplicationErrorCategory.BENIGN)
    defect = KeyError("a defect")
    assert verdict(defect, Tries(), final=False, now=START) is defect


def test_a_defect_and_a_wait_that_is_over_are_final_in_their_own_words() -> None:
    defect = verdict(KeyError("a defect"), Tries(), final=True, now=START)
    assert isinstance(defect, ApplicationError)
    assert (defect.type, defect.non_retryable) == ("KeyError", True)
    over = verdict(not_yet(), Tries(), final=True, now=START)
    assert isinstance(over, ApplicationError)
    assert (over.type, over.non_retryable) == ("timeout", True)
    assert over.message.startswith("monitor m is inProgress")


def test_a_call_whose_last_attempt_had_no_end_is_unclear() -> None:
    error = no_end_known("billing", Tries(made=4, silent_since=START), START + SECOND)
    assert error.details[0] == {"system": "billing", "attempt": 4, "said": False, "unclear": True}
    assert (error.non_retryable, error.message) == (
        True,
        "billing gave no answer in time; it has said nothing for 0:00:01",
    )


def test_the_count_outlasts_an_attempt_in_the_details_of_its_heartbeat() -> None:
    kept = Tries().failed(1, silent(), START).failed(2, said(), START)
    found = so_far([kept.model_dump(mode="json")], attempt=3)
    assert found == kept
    assert so_far([], attempt=1) == Tries(unclear=True)


def so_far(details: list[Any], attempt: int) -> Tries:
    """Return what an activity finds that has these details of a heartbeat."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info,
        heartbeat_details=details,
        attempt=attempt,
        scheduled_time=START,
        current_attempt_scheduled_time=START + SECOND,
    )
    allowance = THREE.model_copy(update={"unclear": True})
    return environment.run(lambda: tries_so_far(activity.info(), allowance))
