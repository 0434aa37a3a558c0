"""What filters match: values that are compared, numbers with numbers, times with times, as instants, and any other text
with text, by code point; what is of another type does not match.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tmf.bodies import Document
from tmf.query.patterns import pattern
from tmf.query.query import Condition, Filter, ListQuery, Operator, Page, filters_of
from tmf.query.values import as_instant, values_at, written_instant, written_number

COMPARISONS: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
}


def candidates(values: Sequence[str]) -> list[Any]:
    """Return the JSON scalars that a filter's values stand for: the text itself, and the number, truth value or
    instant that it writes."""
    found: list[Any] = []
    for value in values:
        found.append(value)
        if value in ("true", "false"):
            found.append(value == "true")
        instant = written_instant(value)
        if instant is not None:
            found += [instant, instant.replace(".000Z", "Z")]
        number = written_number(value)
        if number is not None:
            found.append(number)
    return found


@dataclass(frozen=True, slots=True)
class Bound:
    """What a value is compared with: the number that it writes, and either the time or else the text."""

    number: int | float | None
    instant: str | None
    text: str

    def compares(
        self, value: Any, holds: Callable[[Any, Any], Any], instant_of: Callable[[str], str | None] = as_instant
    ) -> bool:
        """Return whether `holds` of a document's value and the bound of its type."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.number is not None and bool(holds(value, self.number))
        if not isinstance(value, str):
            return False
        if self.instant is None:
            return bool(holds(value, self.text))
        instant = instant_of(value)
        return instant is not None and bool(holds(instant, self.instant))


def bounds(values: Iterable[str]) -> list[Bound]:
    """Return what a filter's values are compared as."""
    return [Bound(written_number(value), written_instant(value), value) for value in values]


def admits(
    conditions: Iterable[Condition],
    document: Document,
    breath: Callable[[], None] = lambda: None,
    *,
    as_spelt: bool = False,
) -> bool:
    """Return whether a document passes all conditions, as the same query of the database would say.

    Args:
        breath: called before each text in which a pattern is looked for; what it raises ends the search.
        as_spelt: whether the document has its instants as somebody wrote them, and not in the form that is kept.
    """
    return all(any(_passes(kept, document, breath, as_spelt) for kept in filters_of(each)) for each in conditions)


def _passes(kept: Filter, document: Document, breath: Callable[[], None], as_spelt: bool) -> bool:
    if kept.operator != Operator.REGEX:
        return _predicate(kept, as_spelt)(document)
    patterns = [pattern(each) for each in kept.values]
    for value in values_at(document, kept.path):
        breath()
        if isinstance(value, str) and any(each.search(value) for each in patterns):
            return True
    return False


@lru_cache(maxsize=256)
def _predicate(kept: Filter, as_spelt: bool) -> Callable[[Document], bool]:
    path = kept.path
    match kept.operator:
        case Operator.EQ | Operator.NE:
            wanted, positive = candidates(kept.values), kept.operator == Operator.EQ
            found = _is_any_as_spelt if as_spelt else _is_any
            return lambda document: positive == any(found(value, wanted) for value in values_at(document, path))
        case _:
            limits, holds = bounds(kept.values), COMPARISONS[kept.operator]
            instant = written_instant if as_spelt else as_instant
            return lambda document: any(
                each.compares(value, holds, instant) for value in values_at(document, path) for each in limits
            )


def _is_any(value: Any, wanted: Sequence[Any]) -> bool:
    return any(_equal(value, each) for each in wanted)


def _is_any_as_spelt(value: Any, wanted: Sequence[Any]) -> bool:
    return _is_any(value, wanted) or (isinstance(value, str) and written_instant(value) in wanted)


def _equal(value: Any, wanted: Any) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (value, wanted))
    return bool(value == wanted) and (numbers or type(value) is type(wanted))


def page_of(query: ListQuery, documents: Iterable[Document]) -> Page:
    """Return of documents at hand what the query asks for, as a database would: filtered, sorted, and cut.

    Without `sort` they keep their order.
    """
    found = sorted_documents(query, (each for each in documents if admits(query.filters, each)))
    part = found[query.offset : query.offset + query.limit]
    return Page(len(found), [query.project(document) for document in part])


def sorted_documents(query: ListQuery, documents: Iterable[Document]) -> list[Document]:
    """Return documents at hand in the order that the query asks for; the id decides between equals."""
    found = list(documents)
    if query.sort:
        found.sort(key=lambda document: str(document.get("id")))
    for each in reversed(query.sort):
        keys = [(sort_key(document, each.attribute.split(".")), document) for document in found]
        some = [(key, document) for key, document in keys if key is not None]
        some.sort(key=lambda pair: pair[0], reverse=each.descending)
        found = [document for _, document in some] + [document for key, document in keys if key is None]
    return found


def sort_key(document: Document, path: Sequence[str]) -> tuple[int, Any] | None:
    """Return what a document is sorted by: numbers before text before truth values; None where there is nothing."""
    for value in values_at(document, path):
        match value:
            case bool():
                return (2, value)
            case int() | float():
                return (0, value)
            case str():
                return (1, value)
    return None
