"""Kills the worker's own process at the beginning or the end of one activity of one order.

In a folder, a file by the name of an order says at which boundary the worker is to die; it is taken away before, so
that it dies there once. Beside it `ORDER.seen` gets a line for each boundary that the order came to.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

import worker

BEFORE, AFTER = "before", "after"
DEAD = 137
"""The exit code of what was killed."""
_ROOT = re.compile(r"(?:po|so|ro):(?P<id>[^:/]+)")


def deadly_worker(folder: str) -> None:
    """Have each worker of this process look where it is to die."""
    make, killer = worker.make_worker, Killer(Path(folder))

    def made(*arguments: Any, interceptors: list[Interceptor], **options: Any) -> Any:
        return make(*arguments, interceptors=[killer, *interceptors], **options)

    # By its name: the type of what makes a worker is the product's own.
    setattr(worker, "make_worker", made)  # noqa: B010


class Killer(Interceptor):
    """Looks at each activity of an order, before it begins and after it has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._times: Counter[str] = Counter()

    def intercept_activity(self, inner: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Watched(inner, self)

    def boundary(self, workflow_id: str, what: str) -> str | None:
        """Return the name of an activity within its order, the same for all such orders; None for that of no order."""
        found = _ROOT.match(workflow_id)
        if found is None:
            return None
        self._times[name := f"{workflow_id} {what}"] += 1
        return f"{name} #{self._times[name]}".replace(found["id"], "*")

    def reached(self, workflow_id: str, boundary: str) -> None:
        """Note a boundary, and die where that is wanted."""
        found = _ROOT.match(workflow_id)
        assert found is not None
        with (self._folder / f"{found['id']}.seen").open("a") as seen:
            seen.write(f"{boundary}\n")
        wish = self._folder / found["id"]
        if wish.is_file() and wish.read_text() == boundary:
            wish.unlink()
            os._exit(DEAD)


class _Watched(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, killer: Killer) -> None:
        super().__init__(inner)
        self._killer = killer

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        key = next((str(each.key) for each in input.args if getattr(each, "key", None)), "")
        boundary = self._killer.boundary(info.workflow_id or "", f"{info.activity_type} {key}".strip())
        if boundary is None:
            return await super().execute_activity(input)
        assert info.workflow_id
        self._killer.reached(info.workflow_id, f"{BEFORE} {boundary}")
        result = await super().execute_activity(input)
        self._killer.reached(info.workflow_id, f"{AFTER} {boundary}")
        return result
