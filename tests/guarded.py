"""A coroutine test ends alone, however it ends: all those of a process run in one task, which must outlive each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import pytest

UNDERSTOOD = (Exception, pytest.fail.Exception, pytest.skip.Exception, KeyboardInterrupt, SystemExit)
"""What the task outlives, or is meant to end at."""


def guard(item: pytest.Function) -> None:
    """Guard the coroutine function of a test, or the one that Hypothesis calls for each example of it."""
    test = getattr(item.obj, "hypothesis", None)
    if test is None and iscoroutinefunction(item.obj):
        item.obj = guarded(item.obj)
    elif test is not None and iscoroutinefunction(test.inner_test):
        test.inner_test = guarded(test.inner_test)


def guarded(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Let a coroutine function fail with an ordinary error where it would end the task that runs it.

    That is so with a cancellation, a group of what is no `Exception`, and what Hypothesis ends an example with that it
    has no use for: it knows that itself, and takes any error of such an example for its own.
    """

    @wraps(test)
    async def run(**arguments: Any) -> None:
        try:
            await test(**arguments)
        except UNDERSTOOD:
            raise
        except BaseException as error:
            raise RuntimeError(f"the test ended with {error!r}") from error

    return run
