"""Changes that repeat what a lost workflow task has told: by steps of the life cycle from where that had come to."""

from __future__ import annotations

import pytest

from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState

_S = OrderState


@pytest.mark.parametrize(
    ("known", "passed", "state", "reached", "by_way_of"),
    [
        (_S.ACKNOWLEDGED, [_S.IN_PROGRESS], _S.COMPLETED, _S.COMPLETED, [_S.IN_PROGRESS]),
        (_S.IN_PROGRESS, [_S.IN_PROGRESS], _S.COMPLETED, _S.COMPLETED, []),
        (_S.IN_PROGRESS, [], _S.IN_PROGRESS, _S.IN_PROGRESS, []),
        (_S.HELD, [_S.IN_PROGRESS], _S.HELD, _S.HELD, [_S.IN_PROGRESS]),
        (_S.PENDING_CANCELLATION, [], _S.IN_PROGRESS, _S.PENDING_CANCELLATION, []),
        (_S.HELD, [], _S.COMPLETED, _S.COMPLETED, [_S.IN_PROGRESS]),
        (_S.PENDING_CANCELLATION, [], _S.FAILED, _S.FAILED, []),
    ],
)
def test_a_change_told_again_goes_on_from_what_is_known(
    known: OrderState, passed: list[OrderState], state: OrderState, reached: OrderState, by_way_of: list[OrderState]
) -> None:
    change = OrderChange(kind=OrderKind.PRODUCT, order_id="o1", version=3, state=state, passed=passed)
    told = change.from_state(known)
    assert (told.state, told.passed) == (reached, by_way_of)
