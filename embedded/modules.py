"""Modules run as processes: by which interpreter, and so that the right ones are found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent.parent


def module_command(name: str) -> list[str]:
    """Return the command that runs one of our modules."""
    # -P: a folder of the same name where the user happens to be must not be run instead.
    return [sys.executable, "-P", "-m", name]


def module_environment() -> dict[str, str]:
    """Return the variables by which that command finds our modules, installed or not."""
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(_SOURCE), *([inherited] if inherited else [])])}
