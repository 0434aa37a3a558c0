"""Pages of a list, cut by the database wherever it can judge every filter."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from urllib.parse import unquote

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, cast, func, or_, select, true

from systems.common.addresses import href
from systems.common.queries import admits
from tmf.bodies import Document
from tmf.forms import whole
from tmf.query.query import Condition, Filter, ListQuery, Operator, Page, filters_of
from tmf.query.values import written_instant, written_number

READ_AT_ONCE = 500


def mentions(documents: Sequence[ColumnElement[Any]], wanted: Filter) -> ColumnElement[bool]:
    """A condition that all of the JSON ``documents`` fulfil that could pass the filter, and few others do.

    What has a value has its text in it, as JSON writes it. Other comparisons than with values say nothing of the text.
    """
    if wanted.operator != Operator.EQ or any(map(_has_spellings, wanted.values)):
        return true()
    written = [json.dumps(value)[1:-1] for value in wanted.values]
    return or_(*(cast(each, Text).contains(text, autoescape=True) for each in documents for text in written))


def _has_spellings(value: str) -> bool:
    """Whether ``value`` is a moment, or a number that may be written in another way."""
    number = whole(written_number(value))
    return written_instant(value) is not None or (number is not None and json.dumps(number) != value)


def narrowed(
    matching: Select[Any],
    conditions: Iterable[Condition],
    exactly: Callable[[Filter], ColumnElement[bool] | None],
    nearly: Callable[[Filter], ColumnElement[bool]],
) -> tuple[Select[Any], list[Condition]]:
    """``matching`` with what the database can say of ``conditions``, and those that it cannot judge alone.

    ``exactly`` is a filter as the database answers it, or None; ``nearly`` is what all fulfil that pass it.
    """
    left = []
    for each in conditions:
        judged = [(exactly(one), one) for one in filters_of(each)]
        if any(condition is None for condition, _ in judged):
            left.append(each)
        matching = matching.where(or_(*(nearly(one) if found is None else found for found, one in judged)))
    return matching, left


def ids_of(wanted: Filter, path: str) -> list[str]:
    """The ids in those values of a filter by ``href`` that documents of the collection at ``path`` may have."""
    found = [unquote(value.rpartition("/")[2]) for value in wanted.values]
    return [each for each in found if href(path, each) in wanted.values]


def page_of(
    connection: Connection,
    matching: Select[Any],
    ordering: Sequence[ColumnElement[Any]],
    as_document: Callable[[Row[Any]], Document],
    query: ListQuery,
    left: Collection[Condition] = (),
) -> Page:
    """The page of ``matching`` that ``query`` asks for, in ``ordering``.

    ``left`` are the filters that ``matching`` does not have in it: with one of them every row is read, some at a time.
    """
    ordered = matching.order_by(*ordering)
    if not left:
        total = connection.scalar(select(func.count()).select_from(matching.order_by(None).subquery()))
        rows = connection.execute(ordered.offset(query.offset).limit(query.limit))
        return Page(total or 0, [as_document(row) for row in rows])
    documents: list[Document] = []
    total = 0
    with connection.execute(ordered.execution_options(stream_results=True)) as rows_in_turn:
        for part in rows_in_turn.partitions(READ_AT_ONCE):
            for document in map(as_document, part):
                if admits(left, document):
                    if query.offset <= total < query.offset + query.limit:
                        documents.append(document)
                    total += 1
    return Page(total, documents)
