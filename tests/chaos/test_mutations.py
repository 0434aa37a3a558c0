"""The deliberate faults: each can be put on, and names a check that there is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import chaos
from chaos.checks.every import CHECKS
from chaos.mutations import MUTATIONS
from embedded.modules import module_environment

FOUND_OTHERWISE = {"all_comes_to_rest"}
"""What a run finds that waits in vain."""


def test_each_fault_is_found_by_a_check_that_there_is() -> None:
    assert {each.found_by for each in MUTATIONS.values()} <= {check.__name__ for check in CHECKS} | FOUND_OTHERWISE


def test_there_is_a_fault_for_every_kind_of_loss() -> None:
    found_by = {each.found_by for each in MUTATIONS.values()}
    assert len(MUTATIONS) >= 7
    assert {"every_event_arrives", "events_arrive_in_order", "billing_is_exact", "others_are_left_alone"} <= found_by


def test_each_fault_is_documented() -> None:
    text = (Path(chaos.__file__).parent / "README.md").read_text()
    assert [name for name, each in MUTATIONS.items() if f"| `{name}` | {each.says} |" not in text] == []


def test_each_fault_finds_what_it_changes() -> None:
    put_on = "from chaos.mutations import MUTATIONS\nfor each in MUTATIONS.values(): each.apply()"
    # In a process of its own: a fault that is put on is not taken off again.
    done = subprocess.run(
        [sys.executable, "-P", "-c", put_on],
        env={**os.environ, **module_environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
