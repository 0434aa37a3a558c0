"""Large payloads are compressed: a plan of thousands of nodes stays far below what Temporal takes, and keeps well.

Small ones stay as they are, for people to read in the Web UI.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from application.compression import LARGE, compressed

ENCODING = b"binary/zlib"


class LargePayloadCodec(PayloadCodec):
    """Compresses what is large; what was compressed is restored, whatever its size."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [_compressed(each) if len(each.data) >= LARGE else each for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [_restored(each) if each.metadata.get("encoding") == ENCODING else each for each in payloads]


def _compressed(payload: Payload) -> Payload:
    return Payload(metadata={"encoding": ENCODING}, data=compressed(payload.SerializeToString()))


def _restored(payload: Payload) -> Payload:
    return Payload.FromString(zlib.decompress(payload.data))
