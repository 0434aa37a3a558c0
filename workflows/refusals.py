"""How a message is refused: with the reason, item by item, so that who sent it knows what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.exceptions import ApplicationError

from orders.revision import Refusal
from orders.violation import Violation

REFUSED = "Refused"
"""The type of the error by which a message is refused; its details are `Refusal`s, or rules that it would break."""


class RefusedError(ApplicationError):
    """A message is refused, and has changed nothing."""

    def __init__(self, message: str, refusals: Sequence[Refusal | Violation] = ()) -> None:
        details = [each.model_dump(mode="json") for each in refusals]
        super().__init__(message, *details, type=REFUSED, non_retryable=True)
        self.refusals = [_as_refusal(each) for each in refusals] or [Refusal(reason=message)]


def _as_refusal(why: Refusal | Violation) -> Refusal:
    return why if isinstance(why, Refusal) else Refusal(item_id=why.item_id, reason=str(why))
