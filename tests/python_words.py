"""What no message for people may hold: words of Python and of its libraries."""

from __future__ import annotations

import re

PYTHON = re.compile(
    r"\bTrue\b|\bFalse\b|\bNone\b|<class|\bdatetime\.|\btimedelta\b|object at 0x|\{'|(?<!\w)\['|Traceback|\bNoneType\b"
    r"|\bstr\b|\bdict\b|\bpydantic\b|Input should|Field required|Value error|Error\(|<enum|unhashable"
)


def check_plain(message: str) -> None:
    """Let a message pass that a person can read who knows nothing of Python."""
    found = PYTHON.search(message)
    assert found is None, f"{found[0] if found else ''}: {message}"
