"""Reasons in an order's document: why it failed, and what an undo left behind."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.plan.outcome import Failure, Residue
from tmf.instants import timestamp

_ERROR_MESSAGES = {
    OrderKind.PRODUCT: "productOrderErrorMessage",
    OrderKind.SERVICE: "errorMessage",
    OrderKind.RESOURCE: "errorMessage",
}
"""The attribute that says why an order was rejected or failed."""


def reasons_document(
    kind: OrderKind, failures: list[Failure], items: Collection[str], at: datetime
) -> dict[str, list[dict[str, Any]] | None]:
    """Return the attribute by which a document says why its order failed, or items of it; None where nothing did.

    Failures whose time is not known are of the time `at`.
    """
    told = [
        {
            "code": failure.code,
            "reason": failure.message,
            "timestamp": timestamp(failure.at or at),
            **({ITEM_LISTS[kind]: [{"id": failure.step}]} if failure.step in items else {}),
        }
        for failure in failures
    ]
    return {_ERROR_MESSAGES[kind]: told or None}


def residue_document(residue: list[Residue]) -> dict[str, Any]:
    """Return the attribute by which a document says what an undo left behind; none where it left nothing."""
    return {"residue": [each.model_dump(mode="json") for each in residue]} if residue else {}
