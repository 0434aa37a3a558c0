"""Time as the systems write it."""

from datetime import UTC, datetime

from tmf import instants


def timestamp() -> str:
    """The present moment, for example ``2026-03-01T09:30:00.125Z``."""
    return instants.timestamp(datetime.now(UTC))
