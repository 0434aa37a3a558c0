"""Large payloads are compressed: a plan of thousands of nodes stays far below what Temporal takes, and keeps well.

Small ones stay as they are, for people to read in the Web UI.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from application.compression import LARGE, compressed

ENCODING = b"binary/lzma"
_RESTORING: dict[bytes, Callable[[bytes], bytes]] = {ENCODING: lzma.decompress, b"binary/zlib": zlib.decompress}
"""Histories that were recorded before have the second."""


class LargePayloadCodec(PayloadCodec):
    """Compresses what is large; what was compressed is restored, whatever its size."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [_compressed(each) if len(each.data) >= LARGE else each for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [_restored(each) for each in payloads]


def _compressed(payload: Payload) -> Payload:
    return Payload(metadata={"encoding": ENCODING}, data=compressed(payload.SerializeToString()))


def _restored(payload: Payload) -> Payload:
    restore = _RESTORING.get(payload.metadata.get("encoding", b""))
    return Payload.FromString(restore(payload.data)) if restore else payload
