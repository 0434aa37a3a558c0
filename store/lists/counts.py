"""Counts of orders, from those that the database keeps by kind, state and day, where they can tell.

They tell exactly for filters by `state`, by spans of `orderDate`, and by one of the attributes by whose values orders
are counted as well; of the days at which a span begins and ends, the orders themselves are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    String,
    Table,
    exists,
    false,
    func,
    literal,
    select,
    union_all,
)

from store.documents import REFERENCES, as_key
from store.sql.tables import COUNTED, order_count_changes, order_counts, order_references, orders
from tmf.query.matching import COMPARISONS, bounds
from tmf.query.query import Condition, Filter, ListQuery, Operator, Sort

_FAR = 1000
"""How many orders a page leaves out at least for the counts to be asked which days they fill."""
_AFTER_DAY = "U"
"""Put behind a day, it sorts after all times of that day, which go on with a T, and before the next day."""

_counts = union_all(select(order_counts), select(order_count_changes)).subquery("counts").c


@dataclass(frozen=True, slots=True)
class _Counted:
    """Filters that counts can tell of: all must hold, and `value` is by one of `COUNTED`."""

    kind: str
    states: Sequence[Filter]
    spans: Sequence[Filter]
    value: Filter | None


def counted(kind: str, filters: Sequence[Condition]) -> ColumnElement[int] | None:
    """Return how many orders pass the filters, as a sum of counts; None where counts cannot tell."""
    told = _told(kind, filters)
    if told is None:
        return None
    if told.value is None or told.value.operator == Operator.EQ:
        return _total(told)
    others = replace(told.value, operator=Operator.EQ)
    return _total(replace(told, value=None)) - _total(replace(told, value=others))


def skipped(connection: Connection, kind: str, query: ListQuery) -> tuple[int, ColumnElement[bool]] | None:
    """Return how to come to a far part of a list by date: from which day on, and how many to leave out from there.

    None where counts cannot tell, or where it is not far.
    """
    by_date = query.sort in ((), (Sort("orderDate"),), (Sort("orderDate", descending=True),))
    told = _told(kind, query.filters)
    if query.offset < _FAR or not by_date or told is None:
        return None
    if told.value is not None and (told.value.operator == Operator.NE or _is_reference(told.value)):
        return None
    ascending = query.sort == (Sort("orderDate"),)
    days = _by_day(told).subquery("days").c
    nearest = days.day.asc() if ascending else days.day.desc()
    offset = query.offset
    for day, of_day in connection.execute(select(days.day, days.number).order_by(nearest)):
        if of_day > offset:
            return offset, orders.c.order_date >= day if ascending else orders.c.order_date < day + _AFTER_DAY
        offset -= of_day
    return 0, false()


def _told(kind: str, conditions: Sequence[Condition]) -> _Counted | None:
    """Return the filters by what they are about; None where counts cannot tell."""
    filters = [each for each in conditions if isinstance(each, Filter)]
    if len(filters) < len(conditions):
        return None
    states = [each for each in filters if _is_equality(each, "state")]
    spans = [each for each in filters if _is_span(each)]
    values = [each for each in filters if _is_value(each)]
    if len(values) > 1 or len(states) + len(spans) + len(values) < len(filters):
        return None
    return _Counted(kind, states, spans, values[0] if values else None)


def _is_equality(kept: Filter, *attributes: str) -> bool:
    return kept.attribute in attributes and kept.operator in (Operator.EQ, Operator.NE)


def _is_value(kept: Filter) -> bool:
    # An order has several offerings: it would be counted once for each.
    one_each = not _is_reference(kept) or (kept.operator == Operator.EQ and len(kept.values) == 1)
    return _is_equality(kept, *COUNTED) and one_each


def _is_reference(value: Filter) -> bool:
    return value.attribute in REFERENCES


def _is_span(kept: Filter) -> bool:
    limits = bounds(kept.values)
    return (
        kept.attribute == "orderDate" and kept.operator in COMPARISONS and len(limits) == 1 and bool(limits[0].instant)
    )


def _total(told: _Counted) -> ColumnElement[int]:
    number = select(func.sum(_by_day(told).subquery("days").c.number))
    return func.coalesce(number.scalar_subquery(), 0)


def _by_day(told: _Counted) -> CompoundSelect[tuple[str, int]]:
    """Return the days on which orders pass the filters, with how many: of days that a span cuts, the orders count."""
    cut = sorted({_instant(each)[:10] for each in told.spans})
    whole = (COMPARISONS[each.operator](_counts.day, _instant(each)[:10]) for each in told.spans)
    attribute, keys = ("", [""]) if told.value is None else (COUNTED[told.value.attribute], _keys(told.value))
    of_whole_days = (
        select(_counts.day, func.sum(_counts.number).label("number"))
        .where(
            _counts.kind == told.kind,
            _counts.attribute == attribute,
            _counts.value.in_(keys),
            *_in_states(_counts.state, told.states),
            *whole,
            *([_counts.day.not_in(cut)] if cut else []),
        )
        .group_by(_counts.day)
    )
    return union_all(of_whole_days, *(select(literal(day, String()), _within(day, told)) for day in cut))


def _within(day: str, told: _Counted) -> ColumnElement[int]:
    """Return how many orders of one day pass the filters."""
    rows: Table = orders if told.value is None or not _is_reference(told.value) else order_references
    date = rows.c.order_date
    of_day = (rows.c.kind == told.kind, date >= day, date < day + _AFTER_DAY)
    inside = (COMPARISONS[each.operator](date, _instant(each)) for each in told.spans)
    states = list(_in_states(orders.c.state, told.states))
    value = _has(told.value) if told.value else []
    if rows is order_references and states:
        states = [_of_order(*states)]
    return select(func.count()).where(*of_day, *inside, *value, *states).scalar_subquery()


def _has(value: Filter) -> list[ColumnElement[bool]]:
    """Return whether a row has a value: one of `orders`, or of `order_references` where the value stands there."""
    name = COUNTED[value.attribute]
    if _is_reference(value):
        return [order_references.c.name == name, order_references.c.key.in_(_keys(value))]
    return [orders.c[name].in_(_keys(value))]


def _of_order(*states: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether the order that a reference is of is in one of the states."""
    # All that the index by state holds is given, so that each order costs one look at it.
    pairs = (("kind", "kind"), ("order_date", "order_date"), ("id", "order_id"))
    same = (orders.c[own] == order_references.c[referring] for own, referring in pairs)
    return exists(select(literal(1)).select_from(orders).where(*same, *states).correlate(order_references))


def _instant(span: Filter) -> str:
    return bounds(span.values)[0].instant or ""


def _keys(value: Filter) -> list[str]:
    return [as_key(each) for each in value.values]


def _in_states(column: Column[str] | ColumnElement[str], states: Sequence[Filter]) -> Iterator[ColumnElement[bool]]:
    for each in states:
        yield column.in_(each.values) if each.operator == Operator.EQ else column.not_in(each.values)
