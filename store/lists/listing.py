"""List queries in SQL: what a filter and an order by an attribute are.

Where an attribute has a column, or rows of its own, that is asked; any other is looked for in the documents. There
PostgreSQL has an index for `eq`; what else is asked of documents reads each that the other filters leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    String,
    and_,
    any_,
    case,
    cast,
    collate,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH
from sqlalchemy.sql.elements import UnaryExpression

from orders.lifecycle.states import ITEM_LISTS
from store.documents import DATES, REFERENCES, TEXTS, as_key, write_json
from store.order_entries import GROWING
from store.sql.functions import written_filter
from store.sql.tables import order_entries, order_references, orders
from tmf.query.matching import COMPARISONS, Bound, bounds, candidates
from tmf.query.patterns import MAX_TEXT, pattern
from tmf.query.query import Condition, Filter, ListQuery, Operator, Sort, filters_of
from tmf.query.values import written_instant

_JSON_TYPES = ("number", "string", "boolean")
"""JSON types that a list can be sorted by, in their order."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A table that can be listed: its `kind`, `id` and `document`, and what of the document is found without it."""

    table: FromClause
    columns: Mapping[str, Column[Any]]
    """By the path of an attribute, as in `productOrder.id`."""
    age: Column[Any]
    """The time by which the newest come first."""
    dates: frozenset[str] = field(default=frozenset())
    """The paths whose columns hold times."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Path of an attribute → its name in `order_references`."""
    has_entries: bool = False
    """Whether these are orders, whose lists may have their entries in `order_entries`."""

    def in_documents(self, condition: Condition) -> bool:
        """Return whether a condition has to be looked for in the documents."""
        return any(map(self._is_in_documents, filters_of(condition)))

    def _is_in_documents(self, kept: Filter) -> bool:
        referred = kept.attribute in self.references and kept.operator in (Operator.EQ, Operator.NE)
        return kept.attribute not in self.columns and not referred


_ORDER_COLUMNS = {path: orders.c[name] for path, name in ({"id": "id"} | TEXTS | DATES).items()}
ORDERS = Listed(orders, _ORDER_COLUMNS, orders.c.order_date, frozenset(DATES), REFERENCES, has_entries=True)
_LISTS = frozenset({*ITEM_LISTS.values(), *GROWING})
"""The attributes whose entries may have rows."""
_OF_ORDER = order_entries.c.kind == orders.c.kind, order_entries.c.order_id == orders.c.id


def condition(asked: Condition, dialect: str, listed: Listed = ORDERS) -> ColumnElement[bool]:
    """Return what is asked for in SQL: by column or reference where there is one, else by search in the document."""
    filters = filters_of(asked)
    if all(each.operator == Operator.EQ and each.attribute in listed.references for each in filters):
        return _among_referring(listed, filters)
    return or_(*(_one_condition(each, dialect, listed) for each in filters))


def _one_condition(kept: Filter, dialect: str, listed: Listed) -> ColumnElement[bool]:
    path = kept.attribute
    if path in listed.columns:
        return _on_column(listed.columns[path], kept, dialect, is_date=path in listed.dates)
    if not listed.in_documents(kept):
        return _refers_to_none(listed, kept) if kept.operator == Operator.NE else _among_referring(listed, [kept])
    if not listed.has_entries or kept.path[0] not in _LISTS:
        return _in_document(listed.table.c.document, kept, dialect)
    if kept.operator == Operator.NE:
        return not_(_in_order(replace(kept, operator=Operator.EQ), dialect))
    return _in_order(kept, dialect)


def _in_order(kept: Filter, dialect: str) -> ColumnElement[bool]:
    """Return a filter of entries of a list as it is looked for in documents of orders, and in the rows of large ones.

    What PostgreSQL has an index for comes as one array, which it makes once; else the rows of each order are looked at.
    """
    in_documents = _in_document(orders.c.document, kept, dialect)
    depth, within = _within_entry(kept.path)
    if not within:
        return in_documents
    has_it = _in_document(order_entries.c.document, replace(kept, path=tuple(within)), dialect)
    wanted = order_entries.c.name == kept.path[0], order_entries.c.depth == depth, has_it
    if dialect == "postgresql" and kept.operator == Operator.EQ:
        # No two orders have the same id, of whatever kind they are.
        found = select(order_entries.c.order_id).distinct().where(*wanted).correlate(None)
        return or_(in_documents, orders.c.id == any_(func.array(found.scalar_subquery(), type_=ARRAY(String))))
    found_in = exists(select(literal(1)).where(*_OF_ORDER, *wanted).correlate(orders))
    return or_(in_documents, and_(orders.c.entries_size.is_not(None), found_in))


def _within_entry(path: Sequence[str]) -> tuple[int, list[str]]:
    """Return how deep those entries are nested that a path is about, and the path within them."""
    within = list(dropwhile(lambda name: name == path[0], path))
    return len(path) - len(within) - 1, within


def _in_document(document: ColumnElement[Any], kept: Filter, dialect: str) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return _in_jsonb(document, kept)
    return func.document_admits(document, written_filter(kept)) == 1


def _on_column(column: Column[Any], kept: Filter, dialect: str, *, is_date: bool) -> ColumnElement[bool]:
    match kept.operator:
        case Operator.EQ | Operator.NE:
            values = [written_instant(each) or each if is_date else as_key(each) for each in kept.values]
            if kept.operator == Operator.EQ:
                return column.in_(values)
            return or_(column.is_(None), column.not_in(values)) if column.nullable else column.not_in(values)
        case Operator.REGEX:
            return _matches(column, kept, dialect)
        case _:
            return _compares(column, kept, is_date=is_date)


def _compares(text: ColumnElement[str], kept: Filter, *, is_date: bool) -> ColumnElement[bool]:
    """Return whether text compares with any of a filter's values, as a time with those that are times."""
    holds = COMPARISONS[kept.operator]
    return or_(
        *(
            holds(text, each.text) if each.instant is None else holds(_instant(text, is_date), each.instant)
            for each in bounds(kept.values)
        )
    )


def _instant(text: ColumnElement[str], is_date: bool) -> ColumnElement[str]:
    return text if is_date else func.order_instant(text)


def _matches(text: ColumnElement[str], kept: Filter, dialect: str) -> ColumnElement[bool]:
    if dialect == "postgresql":
        beginning = collate(func.left(text, MAX_TEXT), "C")
        return or_(*(beginning.op("~", is_comparison=True)(pattern(each).postgresql()) for each in kept.values))
    return or_(*(func.matches_pattern(text, each) == 1 for each in kept.values))


def _among_referring(listed: Listed, filters: Sequence[Filter]) -> ColumnElement[bool]:
    """Return the orders that refer to any key that is asked for.

    They are one set: with a set for each filter, and OR between them, PostgreSQL would go through all orders.
    """
    rows = (
        select(order_references.c.kind, order_references.c.order_id).where(*refers(order_references, listed, each))
        for each in filters
    )
    first, *others = rows
    return tuple_(orders.c.kind, orders.c.id).in_(union_all(first, *others) if others else first)


def _refers_to_none(listed: Listed, kept: Filter) -> ColumnElement[bool]:
    referred = refers(order_references, listed, kept)
    of_order = and_(order_references.c.kind == orders.c.kind, order_references.c.order_id == orders.c.id)
    return not_(exists(select(literal(1)).where(*referred, of_order).correlate(orders)))


def refers(rows: FromClause, listed: Listed, kept: Filter) -> list[ColumnElement[bool]]:
    """Return which rows of `order_references` refer to any key that a filter asks for."""
    keys = [as_key(each) for each in kept.values]
    return [rows.c.name == listed.references[kept.attribute], rows.c.key.in_(keys)]


def _in_jsonb(document: ColumnElement[Any], kept: Filter) -> ColumnElement[bool]:
    """Return a filter as PostgreSQL looks for it in a document; its index on documents serves `@?` with `==`."""
    path = _json_path(kept.path)
    match kept.operator:
        case Operator.EQ | Operator.NE:
            wanted = " || ".join(f"@ == {write_json(each)}" for each in candidates(kept.values))
            found = document.op("@?", is_comparison=True)(cast(f"{path} ? ({wanted})", JSONPATH))
            return found if kept.operator == Operator.EQ else not_(found)
        case Operator.REGEX:
            text = _text_at(document, path, "string")
            return exists(select(literal(1)).where(_matches(text, kept, "postgresql")))
        case _:
            return or_(*(_in_bound(document, path, kept.operator, each) for each in bounds(kept.values)))


def _in_bound(document: ColumnElement[Any], path: str, compared: Operator, bound: Bound) -> ColumnElement[bool]:
    if bound.instant is not None:
        instant = collate(func.order_instant(_text_at(document, path, "string")), "C")
        return exists(select(literal(1)).where(COMPARISONS[compared](instant, bound.instant)))
    sign = _JSON_PATH_SIGNS[compared]
    scalars = [bound.text] if bound.number is None else [bound.text, bound.number]
    wanted = " || ".join(f"@ {sign} {write_json(each)}" for each in scalars)
    return func.jsonb_path_exists(document, cast(f"{path} ? ({wanted})", JSONPATH))


_JSON_PATH_SIGNS = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


def _json_path(names: Sequence[str]) -> str:
    return "lax $" + "".join(f".{write_json(each)}" for each in names)


def _text_at(document: ColumnElement[Any], path: str, json_type: str) -> ColumnElement[str]:
    """Return each value of a type at a path, as text: a set, for a subquery to go through."""
    typed = cast(f'{path}[*] ? (@.type() == "{json_type}")', JSONPATH)
    value = func.jsonb_path_query(document, typed, type_=JSONB).column_valued("value")
    return _as_text(value)


def _as_text(value: ColumnElement[Any]) -> ColumnElement[str]:
    return func.jsonb_build_array(value, type_=JSONB).op("->>", return_type=String())(literal(0, Integer()))


def ordering(query: ListQuery, dialect: str, listed: Listed = ORDERS) -> list[UnaryExpression[Any]]:
    """Return what the list is sorted by; the id decides between equals, so that pages never overlap."""
    row_id = listed.columns["id"]
    if not query.sort:
        return [listed.age.desc(), row_id.desc()]
    return [*(key for each in query.sort for key in _sort_keys(each, dialect, listed)), row_id.asc()]


def _sort_keys(sort: Sort, dialect: str, listed: Listed) -> Iterator[UnaryExpression[Any]]:
    has_column = sort.attribute in listed.columns
    for key in [listed.columns[sort.attribute]] if has_column else _document_keys(sort, dialect, listed):
        directed = key.desc() if sort.descending else key.asc()
        # Where nothing is missing, an index that does not say where it would be serves both ways.
        yield directed if isinstance(key, Column) and not key.nullable else directed.nulls_last()


def _document_keys(sort: Sort, dialect: str, listed: Listed) -> list[ColumnElement[Any]]:
    names = sort.attribute.split(".")
    value = _sort_value(listed.table.c.document, names, dialect)
    depth, within = _within_entry(names)
    if listed.has_entries and names[0] in _LISTS and within:
        of_entry = _sort_value(order_entries.c.document, within, dialect)
        wanted = order_entries.c.name == names[0], order_entries.c.depth == depth, of_entry.is_not(None)
        first = (
            select(of_entry).where(*_OF_ORDER, *wanted).order_by(order_entries.c.position).limit(1).correlate(orders)
        )
        value = func.coalesce(value, first.scalar_subquery(), type_=value.type)
    if dialect != "postgresql":
        return [value]
    json_type = func.jsonb_typeof(value, type_=String())
    rank = case({each: place for place, each in enumerate(_JSON_TYPES)}, value=json_type)
    number = case((json_type == "number", cast(_as_text(value), Numeric)))
    return [rank, number, collate(case((json_type != "number", _as_text(value))), "C")]


def _sort_value(document: ColumnElement[Any], names: Sequence[str], dialect: str) -> ColumnElement[Any]:
    """Return the first value in a document that it can be sorted by."""
    if dialect != "postgresql":
        return func.document_sort_key(document, write_json(names))
    types = " || ".join(f'@.type() == "{each}"' for each in _JSON_TYPES)
    path = cast(f"{_json_path(names)}[*] ? ({types})", JSONPATH)
    return func.jsonb_path_query_first(document, path, type_=JSONB)
