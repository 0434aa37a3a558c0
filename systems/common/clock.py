"""Time as the systems write it."""

from datetime import UTC, datetime


def timestamp() -> str:
    """The present moment as ISO 8601 with milliseconds and ``Z``, for example ``2026-03-01T09:30:00.125Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
