"""Characteristics that only a run can know: computed from what was assigned in it."""

from __future__ import annotations

from temporalio.exceptions import ApplicationError

from catalogs.model.expressions import ExpressionError, evaluate_late
from orders.plan.parts import Characteristics


def evaluated(
    expressions: dict[str, str], assigned: dict[str, Characteristics], services: dict[str, Characteristics]
) -> Characteristics:
    """Return what the expressions, name → CEL, come to: they have no effect, and know nothing but these values.

    Raises:
        ApplicationError: when one cannot be evaluated.
    """
    try:
        return evaluate_late(expressions, assigned, services) if expressions else {}
    except ExpressionError as error:
        raise ApplicationError(str(error), type="ExpressionError", non_retryable=True) from error
