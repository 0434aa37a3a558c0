"""JSON bodies that are read, and what of them cannot be kept."""

from __future__ import annotations

import pytest

from tmf.bodies import MAX_DEPTH, InvalidBodyError, parse_json


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_nesting_is_bounded(depth: int) -> None:
    raw = b"[" * depth + b"]" * depth
    if depth == MAX_DEPTH:
        assert parse_json(raw)
    else:
        with pytest.raises(InvalidBodyError, match="deeper than 100 levels"):
            parse_json(raw)


def test_everything_that_cannot_be_kept_is_named() -> None:
    with pytest.raises(InvalidBodyError) as refused:
        parse_json(b'{"a": [1, 1e999], "b": {"\\u0000": 1}, "c": "\\u0000", "d": "\\\\u0000"}')
    assert sorted(fault.path for fault in refused.value.faults) == ["a[1]", "b", "c"]
