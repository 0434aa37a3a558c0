"""A worker or a gateway as the product's own, but for shorter times, and for a fault that it is to have.

`python -m chaos.part worker|api`. The faults are those of `chaos.mutations`; what is shorter, and why, is said here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import api.__main__ as gateway
import worker
from activities.limits import LocalLimits
from chaos.boundaries.killer import deadly_worker
from chaos.mutations import MUTATIONS
from store import setbacks
from workflows.contracts import policies
from workflows.contracts.subscriptions import DeliveryPolicy

MUTATION = "CHAOS_MUTATION"
"""The variable that names the fault to have."""
KILLS = "CHAOS_KILLS"
"""The variable that names the folder in which it stands where a worker is to die."""
_ATTEMPT = timedelta(seconds=10)
_PAUSE = timedelta(seconds=3)


def hasten() -> None:
    """Wait for seconds where the product waits for minutes: a run of chaos has a minute in all.

    What is waited for, and what comes after it, is the same.
    """
    for options in (policies.PLANNING, policies.PLANNING_LATER, policies.AMENDMENT):
        options["start_to_close_timeout"] = _ATTEMPT
        options["retry_policy"] = replace(
            options["retry_policy"], initial_interval=timedelta(seconds=1), maximum_interval=_PAUSE
        )
    _set(policies, "LOCAL_ATTEMPT", timedelta(seconds=2))
    _set(setbacks, "_LONGEST_PAUSE", timedelta(seconds=5))
    _set(worker, "LocalLimits", partial(LocalLimits, failure_pause=timedelta(seconds=2)))
    _set(policies, "completion", _capped(policies.completion))
    _set(policies, "delivery", _watched(policies.delivery))
    DeliveryPolicy.model_fields["longest_pause"].default = _PAUSE
    DeliveryPolicy.model_rebuild(force=True)


def _set(module: Any, name: str, value: Any) -> None:
    """Have a module use something else; it must have it."""
    getattr(module, name)
    setattr(module, name, value)


def _capped(options_of: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def options(*arguments: Any) -> dict[str, Any]:
        made = options_of(*arguments)
        return {**made, "retry_policy": replace(made["retry_policy"], maximum_interval=_PAUSE)}

    return options


def _watched(options_of: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def options(*arguments: Any) -> dict[str, Any]:
        made = options_of(*arguments)
        return {
            **made,
            "heartbeat_timeout": timedelta(seconds=5),
            "retry_policy": replace(made["retry_policy"], maximum_interval=_PAUSE),
        }

    return options


def main(part: str) -> int:
    hasten()
    if name := os.environ.get(MUTATION):
        MUTATIONS[name].apply()
    if part == "worker":
        if folder := os.environ.get(KILLS):
            deadly_worker(folder)
        return worker.main([])
    return gateway.main()


if __name__ == "__main__":
    code = main(sys.argv[1])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
