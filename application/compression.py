"""Compression of large payloads: how they go through Temporal, and how large they are then."""

from __future__ import annotations

import lzma

from tmf.model import Model

LARGE = 16 * 1024
"""Bytes from which a payload is compressed."""
_PRESET = 1
"""Fast. What repeats in a plan is farther apart than the 32 kB over which zlib looks back: it takes twice the bytes."""


def compressed(data: bytes) -> bytes:
    """Return a large payload as it goes through Temporal."""
    return lzma.compress(data, preset=_PRESET)


def size_in_temporal(value: Model) -> int:
    """Return how many bytes a value takes in Temporal, about."""
    data = value.model_dump_json().encode()
    return len(compressed(data)) if len(data) >= LARGE else len(data)
