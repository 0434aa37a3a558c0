"""Waiting that may come to an end by time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow


async def wait_until(condition: Callable[[], bool], patience: timedelta | None, summary: str) -> bool:
    """Wait until the condition holds, or until patience is over (None: it never is); return whether it held.

    `summary` says in Temporal's timer what is waited for.
    """
    try:
        await workflow.wait_condition(condition, timeout=patience, timeout_summary=summary[:200])
    except asyncio.TimeoutError:  # noqa: UP041  (the SDK's own, on every Python)
        return False
    return True
