"""The terminal as every command writes to it: texts of orders are shown as they are, never taken for markup."""

from __future__ import annotations

import os
import sys

from rich.console import Console

_WIDTH_ELSEWHERE = 120


def terminal() -> Console:
    """Return a console on standard output; where that is no terminal, lines are wide enough for tables."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_ELSEWHERE
    return Console(width=width, markup=False, emoji=False, highlight=False)
