"""How much is tried: some cases in an ordinary run, all where `THOROUGH=1` is set, as `make test-thoroughly` does.

Which ones does not change from run to run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

THOROUGH = os.environ.get("THOROUGH") == "1"


def examples(some: int, many: int) -> int:
    """Return how many examples of a property to try."""
    return many if THOROUGH else some


def chosen(cases: Sequence[T], number: int) -> Sequence[T]:
    """Return `number` of the cases, evenly spread, the first and the last among them; or all."""
    if THOROUGH or len(cases) <= number:
        return cases
    return [cases[round(n * (len(cases) - 1) / (number - 1))] for n in range(number)]
