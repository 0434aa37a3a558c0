"""Violations: what is wrong with an order, in words for the one who sent it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tmf.model import Model

_SHOWN = 500
_LONGEST = 1000
_LARGEST = 500_000
"""Reasons, characters of each, and bytes of all, that go through Temporal in one answer, which it bounds to 2 MB."""


class Violation(Model):
    """One rule that an order breaks, and where: a JSON path such as `productOrderItem[0].productOffering.id`."""

    code: str
    path: str
    message: str
    item_id: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def in_bounds(violations: Sequence[Violation]) -> list[Violation]:
    """Return violations as Temporal takes them: long texts cut, and of very many the first ones and how many more."""
    shown: list[Violation] = []
    size = 0
    for each in violations[:_SHOWN]:
        cut = each.model_copy(update={"path": _cut(each.path), "message": _cut(each.message)})
        size += len(cut.model_dump_json().encode())
        if shown and size > _LARGEST:
            break
        shown.append(cut)
    if (more := len(violations) - len(shown)) > 0:
        last = shown[-1]
        shown[-1] = last.model_copy(update={"message": f"{last.message}; and {more} more reasons"})
    return shown


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def blamed(violations: Iterable[Violation]) -> frozenset[str]:
    """Return the items that violations are of."""
    return frozenset(each.item_id for each in violations if each.item_id is not None)
