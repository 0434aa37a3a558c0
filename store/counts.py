"""How many orders match, from the counts that the database keeps by kind, state and day, where they can tell.

They tell exactly for filters by `state` and by spans of `orderDate`; of the days at which a span begins and ends, the
orders themselves are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from sqlalchemy import Column, ColumnElement, false, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.query import COMPARISONS, Filter, ListQuery, Operator, Sort, bounds
from store.tables import order_counts, orders

_FAR = 1000
"""How many orders a page leaves out at least for the counts to be asked which days they fill."""
_AFTER_DAY = "U"
"""Put behind a day, it sorts after all times of that day, which go on with a T, and before the next day."""


def counted(kind: StrEnum, filters: Sequence[Filter]) -> ColumnElement[int] | None:
    """Return how many orders pass the filters, as a sum of counts; None where counts cannot tell."""
    states = [each for each in filters if _is_state(each)]
    spans = [each for each in filters if _is_span(each)]
    if len(states) + len(spans) < len(filters):
        return None
    days = sorted({_instant(each)[:10] for each in spans})
    whole = (COMPARISONS[each.operator](order_counts.c.day, _instant(each)[:10]) for each in spans)
    not_cut = [order_counts.c.day.not_in(days)] if days else []
    total: ColumnElement[int] = _sum(kind, states, *whole, *not_cut)
    for day in days:
        total = total + _within(kind, day, states, spans)
    return total


async def skipped(
    connection: AsyncConnection, kind: StrEnum, query: ListQuery
) -> tuple[int, ColumnElement[bool]] | None:
    """Return how to come to a far part of a list by date: from which day on, and how many to leave out from there.

    None where counts cannot tell, or where it is not far.
    """
    by_date = query.sort in ((), (Sort("orderDate"),), (Sort("orderDate", descending=True),))
    if query.offset < _FAR or not by_date or not all(map(_is_state, query.filters)):
        return None
    ascending = query.sort == (Sort("orderDate"),)
    counts = order_counts.c
    by_day = (
        select(counts.day, func.sum(counts.number))
        .where(counts.kind == kind.value, *_in_states(counts.state, query.filters))
        .group_by(counts.day)
        .order_by(counts.day.asc() if ascending else counts.day.desc())
    )
    offset = query.offset
    for day, of_day in await connection.execute(by_day):
        if of_day > offset:
            return offset, orders.c.order_date >= day if ascending else orders.c.order_date < day + _AFTER_DAY
        offset -= of_day
    return 0, false()


def _is_state(kept: Filter) -> bool:
    return kept.attribute == "state" and kept.operator in (Operator.EQ, Operator.NE)


def _is_span(kept: Filter) -> bool:
    limits = bounds(kept.values)
    return (
        kept.attribute == "orderDate" and kept.operator in COMPARISONS and len(limits) == 1 and bool(limits[0].instant)
    )


def _instant(span: Filter) -> str:
    return bounds(span.values)[0].instant or ""


def _in_states(column: Column[str], states: Sequence[Filter]) -> Iterator[ColumnElement[bool]]:
    for each in states:
        yield column.in_(each.values) if each.operator == Operator.EQ else column.not_in(each.values)


def _sum(kind: StrEnum, states: Sequence[Filter], *days: ColumnElement[bool]) -> ColumnElement[int]:
    counts = order_counts.c
    number = select(func.sum(counts.number)).where(counts.kind == kind.value, *_in_states(counts.state, states), *days)
    return func.coalesce(number.scalar_subquery(), 0)


def _within(kind: StrEnum, day: str, states: Sequence[Filter], spans: Sequence[Filter]) -> ColumnElement[int]:
    """Return how many orders of one day pass the filters."""
    date = orders.c.order_date
    of_day = (orders.c.kind == kind.value, date >= day, date < day + _AFTER_DAY)
    inside = (COMPARISONS[each.operator](date, _instant(each)) for each in spans)
    return select(func.count()).where(*of_day, *inside, *_in_states(orders.c.state, states)).scalar_subquery()
