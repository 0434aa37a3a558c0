"""Reasons that go through Temporal, which takes no more than 2 MB at once."""

from __future__ import annotations

import pytest

from orders.model.violation import Violation, in_bounds


def test_few_reasons_of_a_common_length_stay_as_they_are() -> None:
    few = [Violation(code="unknown", path=f"productOrderItem[{n}]", message="x" * 900) for n in range(500)]
    assert in_bounds(few) == few
    assert in_bounds([]) == []


@pytest.mark.parametrize("letter", ["x", "光", "\x01", '"'])
def test_of_very_many_long_reasons_the_first_ones_are_told_and_how_many_more_there_are(letter: str) -> None:
    reason = Violation(code="unknown", path=letter * 5000, message=letter * 3_000_000)
    many = [reason.model_copy(update={"item_id": str(n)}) for n in range(20_000)]
    told = in_bounds(many)
    assert len(told) > 30
    assert [each.item_id for each in told] == [str(n) for n in range(len(told))]
    assert told[-1].message.endswith(f"; and {20_000 - len(told)} more reasons")
    assert sum(len(each.model_dump_json().encode()) for each in told) < 510_000
