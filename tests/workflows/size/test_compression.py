"""Large payloads are compressed on their way to Temporal, and restored; small ones stay for people to read."""

from __future__ import annotations

import zlib

import pytest
from temporalio.api.common.v1 import Payload

from workflows.compression import ENCODING, LargePayloadCodec

pytestmark = pytest.mark.anyio


def payload(length: int) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=b'"' + b"site " * (length // 5) + b'"')


async def test_what_is_small_stays_readable() -> None:
    small = payload(1000)
    assert await LargePayloadCodec().encode([small]) == [small]


async def test_what_is_large_is_compressed_and_restored_as_it_was() -> None:
    large = payload(1_000_000)
    (encoded,) = await LargePayloadCodec().encode([large])
    assert encoded.metadata["encoding"] == ENCODING
    assert len(encoded.data) < 10_000
    assert await LargePayloadCodec().decode([encoded]) == [large]


async def test_what_histories_have_in_an_earlier_form_is_restored_too() -> None:
    large = payload(100_000)
    before = Payload(metadata={"encoding": b"binary/zlib"}, data=zlib.compress(large.SerializeToString()))
    assert await LargePayloadCodec().decode([before]) == [large]


async def test_payloads_keep_their_order() -> None:
    codec, mixed = LargePayloadCodec(), [payload(10), payload(100_000), payload(20)]
    assert await codec.decode(await codec.encode(mixed)) == mixed
