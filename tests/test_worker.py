"""What the worker makes of its settings."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from settings import SYSTEMS, Settings
from worker import QUEUES, local_calls
from workflows import policies


@pytest.mark.parametrize(
    ("written", "queues", "local"),
    [
        (None, QUEUES, {"inventory", "activation", "billing"}),
        ("", QUEUES, set()),
        ("billing, inventory", QUEUES, {"inventory", "billing"}),
        (None, ["workflows"], set()),
        ("billing", ["workflows", "inventory"], set()),
        (None, ["workflows", "inventory"], {"inventory"}),
    ],
)
def test_calls_are_local_to_the_systems_that_are_set_and_whose_queues_are_served(
    written: str | None, queues: Collection[str], local: set[str]
) -> None:
    settings = Settings(_env_file=None) if written is None else Settings(_env_file=None, local_calls=written)
    calls = local_calls(settings, queues)
    assert set(calls) == set(policies.SYSTEMS) == set(SYSTEMS)
    assert {name for name, each in calls.items() if each.refusal() is None} == local
