"""All loggers of a process write alike."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = """
import logging, structlog
from logs import configure_logging
configure_logging({log_format!r}, "INFO")
structlog.get_logger("ours").info("order started", order="x1", path="/\\ud800", raw=b"\\xff", kind=object)
logging.getLogger("theirs").warning("port %d taken", 7, extra={{"system": "inventory"}})
logging.getLogger("theirs").debug("not shown")
logging.getLogger("httpx2").info("not shown")
try:
    raise ValueError("broken")
except ValueError:
    structlog.get_logger("ours").exception("failed")
"""


def _lines(log_format: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(log_format=log_format)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_as_json_each_event_is_a_line_with_its_values() -> None:
    ours, theirs, failed = (json.loads(line) for line in _lines("json"))
    assert (ours["event"], ours["order"], ours["level"], ours["logger"]) == ("order started", "x1", "info", "ours")
    assert (ours["path"], ours["raw"], ours["kind"]) == ("/\ud800", r"b'\xff'", "<class 'object'>")
    assert (theirs["event"], theirs["level"], theirs["system"]) == ("port 7 taken", "warning", "inventory")
    assert ours["timestamp"].endswith("Z")
    assert failed["exception"][0]["exc_value"] == "broken"


def test_on_a_console_each_event_is_a_readable_line() -> None:
    ours, theirs, *failed = _lines("console")
    assert "order started" in ours
    assert "order=x1" in ours
    assert "port 7 taken" in theirs
    assert any("ValueError: broken" in line for line in failed)
