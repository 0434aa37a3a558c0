"""Admission: which message is allowed in which state of an order, as data that workflows and gateway read."""

from __future__ import annotations

from enum import StrEnum

from orders.lifecycle.states import TERMINAL, OrderKind, OrderState


class Message(StrEnum):
    """What an order can be told while it runs; the names of the signals and updates."""

    CANCEL = "cancel"
    HOLD = "hold"
    RESUME = "resume"
    AMEND = "amend"
    RESOLVE = "resolve"
    COMPLETE = "complete"
    RESCHEDULE = "reschedule"


_S = OrderState

_BEING_CANCELLED = frozenset({_S.ASSESSING_CANCELLATION, _S.PENDING_CANCELLATION})
_BEGUN = frozenset({_S.PENDING, _S.IN_PROGRESS, _S.HELD})
_WITH_TASKS = frozenset({_S.IN_PROGRESS, _S.HELD, _S.PENDING_CANCELLATION})
"""States in which steps run that may wait for a person: in the last one, steps of the undo."""

_COMMON: dict[Message, frozenset[OrderState]] = {
    Message.CANCEL: frozenset({_S.ACKNOWLEDGED}) | _BEGUN | _BEING_CANCELLED,
    Message.HOLD: frozenset({_S.ACKNOWLEDGED}) | _BEGUN,
    Message.RESUME: frozenset({_S.ACKNOWLEDGED}) | _BEGUN,
    Message.AMEND: frozenset({_S.ACKNOWLEDGED}) | _BEGUN,
    # Planning may wait for a person as well.
    Message.RESOLVE: _WITH_TASKS | {_S.ACKNOWLEDGED},
    Message.COMPLETE: _WITH_TASKS,
    Message.RESCHEDULE: _WITH_TASKS,
}

ADMITTED: dict[OrderKind, dict[Message, frozenset[OrderState]]] = dict.fromkeys(OrderKind, _COMMON)

_CANNOT = {
    Message.CANCEL: "cannot be cancelled",
    Message.HOLD: "cannot be held",
    Message.RESUME: "cannot be resumed",
    Message.AMEND: "cannot be amended",
    Message.RESOLVE: "has no fallout task to resolve",
    Message.COMPLETE: "has no manual task to complete",
    Message.RESCHEDULE: "has no manual task to put on another date",
}

_INSTEAD = {
    _S.ACKNOWLEDGED: "wait until it has been planned, or cancel it",
    _S.PENDING: "resume it or cancel it, or wait until it has started",
    _S.ASSESSING_CANCELLATION: "wait until its cancellation has been decided",
    _S.PENDING_CANCELLATION: "it is being undone, and then it ends as cancelled",
    **dict.fromkeys(TERMINAL, "it has ended, so place a new order for what is to be different"),
}
"""What a person can do where a message is refused; no message but `amend` is refused in the other states."""


def refusal(kind: OrderKind, state: OrderState, message: Message, made_by: str | None = None) -> str | None:
    """Return None where an order in `state` may be told `message`, else one sentence that says why not and what to do.

    Items and tasks that the message names are for the workflow to check.

    Args:
        made_by: the id of the posted order that has made this one; None for one that was posted itself.
    """
    if message == Message.AMEND and made_by is not None:
        return f"a {kind} that another order has made {_CANNOT[message]}; amend order {made_by} that it belongs to"
    if state in ADMITTED[kind][message]:
        return None
    return f"a {kind} that is {state} {_CANNOT[message]}; {_INSTEAD[state]}"
