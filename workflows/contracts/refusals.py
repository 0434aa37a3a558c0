"""Refusals of messages: the reason, item by item, so that who sent one knows what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.exceptions import ApplicationError

from orders.model.revision import Refusal
from orders.model.violation import Violation
from workflows.contracts.payloads import Command

REFUSED = "Refused"
"""The type of the error by which a message is refused; its details are `Refusal`s, or rules that it would break."""


REFUSED_FOR_NOW = "RefusedForNow"
"""The same, where nothing but the moment stands against it: the message can be sent again."""

OVERTAKEN = "Overtaken"
"""The same, of an amendment: a later revision has been applied before it, so that it needs a number behind that one."""

_TOLD = 500
"""Reasons that an error carries: Temporal bounds its size. An amendment's revision keeps all of them."""
_IN_WORDS = 20


class RefusedError(ApplicationError):
    """A message is refused, and has changed nothing."""

    def __init__(self, message: str, refusals: Sequence[Refusal | Violation] = (), *, kind: str = REFUSED) -> None:
        details = [each.model_dump(mode="json") for each in refusals[:_TOLD]]
        super().__init__(message, *details, type=kind, non_retryable=True)
        self.refusals = [_as_refusal(each) for each in refusals] or [Refusal(reason=message)]


def in_words(refusals: Sequence[Refusal]) -> str:
    """Return why a message is refused, in one line: of very many reasons the first ones, and how many more."""
    more = len(refusals) - _IN_WORDS
    return "; ".join(each.reason for each in refusals[:_IN_WORDS]) + (f"; and {more} more" if more > 0 else "")


def said(what: str, command: Command) -> str:
    """Return in one line what a person has asked for, who, and why."""
    return what + (f" by {command.by}" if command.by else "") + (f": {command.reason}" if command.reason else "")


def _as_refusal(why: Refusal | Violation) -> Refusal:
    return why if isinstance(why, Refusal) else Refusal(item_id=why.item_id, reason=str(why))
