"""The policy of a step: how it is tried, and what its failure takes with it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from tmf.model import Model


class OnFailure(StrEnum):
    """What a permanent failure takes with it."""

    FAIL = "fail"
    """The service order undoes itself and fails alone (with its bundle, where it is part of one)."""
    ROLLBACK = "rollback"
    """The whole order is undone."""
    HOLD = "hold"
    """The step waits as a fallout task for a person to settle it."""


class Policy(Model):
    """How a step is tried, and what happens when it fails for good."""

    attempt_timeout: timedelta = timedelta(seconds=30)
    attempts: int = Field(default=6, ge=1)
    """How many attempts that the system answers a call may take."""
    backoff: timedelta = timedelta(seconds=1)
    max_backoff: timedelta = timedelta(minutes=1)
    outage_timeout: timedelta = timedelta(hours=24)
    """How long a system may say nothing before a call of it has failed."""
    completion_timeout: timedelta = timedelta(hours=1)
    """How long an accepted asynchronous activation may take."""
    settle_after: timedelta = timedelta(minutes=1)
    """How long after a call was given up its system may still do what was asked."""
    expected_duration: timedelta = timedelta(minutes=5)
    on_failure: OnFailure = OnFailure.FAIL
    hold_timeout: timedelta | None = None
    """How long a fallout task waits for a person; without end where it is None."""
    after_hold: Literal[OnFailure.FAIL, OnFailure.ROLLBACK] = OnFailure.FAIL
    """What is done when nobody has settled a fallout task in that time."""
