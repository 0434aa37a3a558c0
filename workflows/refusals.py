"""How a message is refused: with the reason, item by item, so that who sent it knows what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.exceptions import ApplicationError

from orders.revision import Refusal

REFUSED = "Refused"
"""The type of the error by which a message is refused; its details are `Refusal`s."""


class RefusedError(ApplicationError):
    """A message is refused, and has changed nothing."""

    def __init__(self, message: str, refusals: Sequence[Refusal] = ()) -> None:
        details = [each.model_dump(mode="json") for each in refusals]
        super().__init__(message, *details, type=REFUSED, non_retryable=True)
