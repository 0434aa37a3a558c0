"""Compression of large payloads: how they go through Temporal, and how large they are then."""

from __future__ import annotations

import zlib

from tmf.model import Model

LARGE = 16 * 1024
"""Bytes from which a payload is compressed."""
_LEVEL = 6


def compressed(data: bytes) -> bytes:
    """Return a large payload as it goes through Temporal."""
    return zlib.compress(data, _LEVEL)


def size_in_temporal(value: Model) -> int:
    """Return how many bytes a value takes in Temporal, about."""
    data = value.model_dump_json().encode()
    return len(compressed(data)) if len(data) >= LARGE else len(data)
