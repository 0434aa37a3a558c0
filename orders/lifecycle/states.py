"""The life cycles of product, service and resource orders, and the one place that enforces them.

Source: the state diagrams of TMF622 v4.0.0, TMF641 v4.1.0 and TMF652 v4.0.0. Out of acknowledged all three kinds have
the same edges here, since the prose of the standards allows them where a diagram lacks them: → rejected (found
infeasible after it was acknowledged), → pending (it waits for its start date), → assessingCancellation and back, and
→ cancelled (cancelled before it began).
"""

from __future__ import annotations

from enum import StrEnum


class OrderKind(StrEnum):
    """Which of the three order-management standards an order follows."""

    PRODUCT = "productOrder"
    SERVICE = "serviceOrder"
    RESOURCE = "resourceOrder"


ITEM_LISTS = {
    OrderKind.PRODUCT: "productOrderItem",
    OrderKind.SERVICE: "serviceOrderItem",
    OrderKind.RESOURCE: "orderItem",
}
"""The attribute that holds the items, in TMF622, TMF641 and TMF652."""


def resource_name(kind: OrderKind) -> str:
    """Return the name of a kind's resource: `ProductOrder`."""
    return f"{kind.value[0].upper()}{kind.value[1:]}"


def in_words(kind: OrderKind) -> str:
    """Return what people call an order of a kind: `product order`."""
    return f"{kind.value.removesuffix('Order')} order"


class OrderState(StrEnum):
    """The states of orders and of their items."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    PENDING = "pending"
    HELD = "held"
    IN_PROGRESS = "inProgress"
    ASSESSING_CANCELLATION = "assessingCancellation"
    PENDING_CANCELLATION = "pendingCancellation"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL = "partial"


_S = OrderState

TERMINAL = frozenset({_S.REJECTED, _S.CANCELLED, _S.COMPLETED, _S.FAILED, _S.PARTIAL})

_COMMON: dict[OrderState, frozenset[OrderState]] = {
    _S.ACKNOWLEDGED: frozenset(
        {_S.IN_PROGRESS, _S.PENDING, _S.REJECTED, _S.ASSESSING_CANCELLATION, _S.CANCELLED},
    ),
    _S.IN_PROGRESS: frozenset({_S.PENDING, _S.HELD, _S.ASSESSING_CANCELLATION, _S.COMPLETED, _S.FAILED, _S.PARTIAL}),
    _S.PENDING: frozenset({_S.IN_PROGRESS, _S.ASSESSING_CANCELLATION, _S.CANCELLED}),
    _S.HELD: frozenset({_S.IN_PROGRESS, _S.ASSESSING_CANCELLATION, _S.CANCELLED}),
    _S.ASSESSING_CANCELLATION: frozenset(
        {_S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.PENDING, _S.HELD, _S.PENDING_CANCELLATION},
    ),
    _S.PENDING_CANCELLATION: frozenset({_S.CANCELLED}),
    **{state: frozenset() for state in TERMINAL},
}

TRANSITIONS: dict[OrderKind, dict[OrderState, frozenset[OrderState]]] = {
    OrderKind.PRODUCT: _COMMON,
    OrderKind.SERVICE: _COMMON | {_S.IN_PROGRESS: _COMMON[_S.IN_PROGRESS] | {_S.CANCELLED}},
    OrderKind.RESOURCE: _COMMON,
}

_FINAL_WITH_THE_ORDER = frozenset({_S.COMPLETED, _S.PARTIAL})
_REOPENED = frozenset({_S.ASSESSING_CANCELLATION, _S.FAILED, _S.IN_PROGRESS})


class IllegalTransitionError(Exception):
    """An order was asked to take a step that its life cycle does not have."""

    def __init__(self, kind: OrderKind, current: OrderState, target: OrderState) -> None:
        super().__init__(f"a {kind} in state {current} cannot become {target}")
        self.kind, self.current, self.target = kind, current, target


def transition(kind: OrderKind, current: OrderState, target: OrderState) -> OrderState:
    """Return `target` when the life cycle of `kind` leads there from `current`, or when it is there already.

    Raises:
        IllegalTransitionError: when the life cycle has no such edge.
    """
    if target != current and target not in TRANSITIONS[kind][current]:
        raise IllegalTransitionError(kind, current, target)
    return target


def item_transition(kind: OrderKind, current: OrderState, target: OrderState) -> OrderState:
    """Return `target` when the life cycle of an item leads there from `current`.

    Items take the states of their order, and one more way: what an item completed is final only with its order, so a
    completed item can still be cancelled, be amended, or fail when the order is rolled back; so can a partial one. Only
    the items of service orders, which nest in TMF641, can be partial.

    Raises:
        IllegalTransitionError: when the life cycle has no such edge.
    """
    if current in _FINAL_WITH_THE_ORDER and target in _REOPENED:
        return target
    if target == OrderState.PARTIAL and kind != OrderKind.SERVICE:
        raise IllegalTransitionError(kind, current, target)
    return transition(kind, current, target)
