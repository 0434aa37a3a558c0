"""List queries asked of the database: what a filter and an order by an attribute are in SQL, and how a page is read.

Where an attribute has a column, or rows of its own, that is asked; any other is looked for in the documents. There
PostgreSQL has an index for `eq`; what else is asked of documents reads each that the other filters leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Numeric,
    Row,
    Select,
    String,
    Subquery,
    Table,
    and_,
    case,
    cast,
    collate,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.sql.elements import UnaryExpression

from store.counts import counted, skipped
from store.database import Database
from store.documents import DATES, REFERENCES, TEXTS, as_key, write_json, written_instant
from store.errors import ListTimeoutError, QueryError, StoreError, StoreUnavailableError
from store.functions import written_filter
from store.matching import COMPARISONS, Bound, bounds, candidates
from store.patterns import MAX_TEXT, pattern
from store.query import Condition, Filter, ListQuery, Operator, Page, Sort, filters_of
from store.tables import order_references, orders

_JSON_TYPES = ("number", "string", "boolean")
"""JSON types that a list can be sorted by, in their order."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A table that can be listed: its `kind`, `id` and `document`, and what of the document is found without it."""

    table: Table
    columns: Mapping[str, Column[Any]]
    """By the path of an attribute, as in `productOrder.id`."""
    age: Column[Any]
    """The time by which the newest come first."""
    dates: frozenset[str] = field(default=frozenset())
    """The paths whose columns hold times."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Path of an attribute → its name in `order_references`."""

    def in_documents(self, condition: Condition) -> bool:
        """Return whether a condition has to be looked for in the documents."""
        return any(map(self._is_in_documents, filters_of(condition)))

    def _is_in_documents(self, kept: Filter) -> bool:
        referred = kept.attribute in self.references and kept.operator in (Operator.EQ, Operator.NE)
        return kept.attribute not in self.columns and not referred


_ORDER_COLUMNS = {path: orders.c[name] for path, name in ({"id": "id"} | TEXTS | DATES).items()}
ORDERS = Listed(orders, _ORDER_COLUMNS, orders.c.order_date, frozenset(DATES), REFERENCES)

# An alias, so that a filter by another reference can have the table for itself.
_referring = order_references.alias("referring")
_IN_REFERENCES = {"id": _referring.c.order_id, "orderDate": _referring.c.order_date}
"""What of an order stands in each row that says what it refers to."""


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows that a list is read from, which of them match, and their order."""

    rows: FromClause
    listed: Listed
    wanted: list[ColumnElement[bool]]
    order_by: list[UnaryExpression[Any]]


async def find_page(database: Database, listed: Listed, kind: StrEnum, query: ListQuery) -> Page:
    """Return the part of a list that the query asks for, with the count of all that match.

    Raises:
        QueryError: when the database would have to read too many documents for it.
        StoreUnavailableError: when the database cannot serve.
    """
    try:
        return await database.list(partial(_page, listed=listed, kind=kind, query=query))
    except ListTimeoutError as error:
        raise _too_broad(listed, query, error) from error


def _page(connection: Connection, listed: Listed, kind: StrEnum, query: ListQuery) -> Page:
    dialect = connection.dialect.name
    source = _source(listed, kind, query, dialect)
    rows = _rows(connection, dialect, listed, kind, query, source)
    documents = [query.project(row[0]) for row in rows]
    if 0 < len(rows) < query.limit or (not rows and query.offset == 0):
        return Page(query.offset + len(rows), documents)
    if rows and rows[0].total is not None:
        return Page(rows[0].total, documents)
    return Page(connection.scalar(_count(listed, kind, query, source)) or 0, documents)


def _rows(
    connection: Connection, dialect: str, listed: Listed, kind: StrEnum, query: ListQuery, source: _Source
) -> Sequence[Row[Any]]:
    """Return the documents of a page, each with the total where that is found with them."""
    rows: Sequence[Row[Any]] = []
    for part in _parts(connection, listed, kind, query, source):
        if len(rows) < query.limit:
            rows = connection.execute(_documents(listed, kind, query, dialect, part)).all()
    return rows


def _parts(connection: Connection, listed: Listed, kind: StrEnum, query: ListQuery, source: _Source) -> list[Subquery]:
    """Return where the ids of a page are found: in the first that fills it, else in the last."""
    if any(map(listed.in_documents, query.filters)):
        return [_part_of_all(source, query)]
    begin = None if listed is not ORDERS else skipped(connection, kind, query)
    offset, further = begin or (query.offset, None)
    if further is not None:
        source = replace(source, wanted=[*source.wanted, further])
    return [_part(each, offset, query.limit) for each in (*_sorted_by_index(source, query), source)]


def _part(source: _Source, offset: int, limit: int) -> Subquery:
    """Return the ids of a page, found in the order of the list."""
    part = select(source.listed.columns["id"].label("id"), null().label("total")).select_from(source.rows)
    return part.where(*source.wanted).order_by(*source.order_by).offset(offset).limit(limit).subquery("part")


def _part_of_all(source: _Source, query: ListQuery) -> Subquery:
    """Return the ids of a page with the total, after all that match are found, which is what takes the time then.

    PostgreSQL guesses that many documents match: it would go through all in the order of the list to find the first.
    """
    place = func.row_number().over(order_by=source.order_by)
    matching = (
        select(source.listed.columns["id"].label("id"), place.label("place"), func.count().over().label("total"))
        .select_from(source.rows)
        .where(*source.wanted)
        .cte("matching")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    in_part = matching.c.place.between(query.offset + 1, query.offset + query.limit)
    return select(matching.c.id, matching.c.total).where(in_part).subquery("part")


def _documents(listed: Listed, kind: StrEnum, query: ListQuery, dialect: str, part: Subquery) -> Select[Any]:
    """Return what is asked for of the documents of a page, which are read only now that it is known which they are."""
    table = listed.table
    return (
        select(_projected(table.c.document, query.fields, dialect), part.c.total)
        .join_from(table, part, and_(table.c.kind == kind.value, table.c.id == part.c.id))
        .order_by(*ordering(query, dialect, listed))
    )


def _source(listed: Listed, kind: StrEnum, query: ListQuery, dialect: str) -> _Source:
    """Return what a list is read from: the rows that refer to one key where it asks for one, else the table itself.

    Those rows stand in the order of the list, and an index of them tells page and number without the orders.
    """
    by_key = next((each for each in query.filters if isinstance(each, Filter) and _is_one_key(each, listed)), None)
    if by_key is None:
        conditions = [condition(each, dialect, listed) for each in query.filters]
        wanted = [listed.table.c.kind == kind.value, *conditions]
        return _Source(listed.table, listed, wanted, ordering(query, dialect, listed))
    listed = replace(listed, columns={**listed.columns, **_IN_REFERENCES}, age=_referring.c.order_date)
    others = [each for each in query.filters if each is not by_key]
    wanted = [_referring.c.kind == kind.value, *_refers(_referring, listed, by_key)]
    wanted += [condition(each, dialect, listed) for each in others]
    order_by = ordering(query, dialect, listed)
    asked = {kept.attribute for each in others for kept in filters_of(each)}
    if asked | {each.attribute for each in query.sort} <= _IN_REFERENCES.keys():
        return _Source(_referring, listed, wanted, order_by)
    own = and_(
        orders.c.kind == _referring.c.kind,
        orders.c.id == _referring.c.order_id,
        # The dates are the same anyway; asked for, they let indexes of both, which go by date, be read side by side.
        orders.c.order_date == _referring.c.order_date,
    )
    return _Source(_referring.join(orders, own), listed, [*wanted, orders.c.kind == kind.value], order_by)


def _sorted_by_index(source: _Source, query: ListQuery) -> Iterator[_Source]:
    """Yield, for a descending sort, the rows that have what they are sorted by: they fill a page unless it is the last.

    An index read backwards begins with the rows that lack it, which the list has at its end; it serves these alone.
    """
    first = query.sort[0] if query.sort else None
    if first is not None and first.descending and first.attribute in source.listed.columns:
        column = source.listed.columns[first.attribute]
        if column.nullable:
            order_by = [column.desc(), *source.order_by[1:]]
            yield replace(source, wanted=[*source.wanted, column.is_not(None)], order_by=order_by)


def _is_one_key(kept: Filter, listed: Listed) -> bool:
    # An order refers to one key once; of several keys it may have more than one.
    return kept.attribute in listed.references and kept.operator == Operator.EQ and len(kept.values) == 1


def _count(listed: Listed, kind: StrEnum, query: ListQuery, source: _Source) -> Select[Any]:
    """Return the quickest way to count what matches."""
    if listed is ORDERS and (sums := counted(kind, query.filters)) is not None:
        return select(sums)
    return select(func.count()).select_from(source.rows).where(*source.wanted)


def _projected(document: ColumnElement[Any], fields: Sequence[str] | None, dialect: str) -> ColumnElement[Any]:
    """Return the document, or what is asked for of it where the database can cut it."""
    if fields is None or dialect != "postgresql":
        return document
    each = func.jsonb_each(document).table_valued("key", "value")
    cut = (
        select(func.jsonb_object_agg(each.c.key, each.c.value, type_=JSONB))
        .where(each.c.key.in_(["id", "href", *fields]))
        .scalar_subquery()
    )
    return func.coalesce(cut, cast("{}", JSONB), type_=JSONB)


def _too_broad(listed: Listed, query: ListQuery, error: ListTimeoutError) -> StoreError:
    """Return what a list that took too long is answered with: what the client can change, where it can."""
    asked = [kept for each in query.filters for kept in filters_of(each)]
    filters = [_parameter(each) for each in asked if listed.in_documents(each)]
    sorts = [f"sort by {each.attribute}" for each in query.sort if each.attribute not in listed.columns]
    if not filters and not sorts:
        return StoreUnavailableError(f"the order store cannot serve: {error}")
    quick = ", ".join([*listed.columns, *listed.references])
    return QueryError(
        (filters or ["sort"])[0],
        f"takes over {error.seconds:g} s, since every document is read for {' and '.join(filters + sorts)}; "
        f"add a filter that leaves fewer of them, by one of {quick}",
    )


def _parameter(kept: Filter) -> str:
    return kept.attribute if kept.operator == Operator.EQ else f"{kept.attribute}.{kept.operator}"


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
    if dialect == "postgresql":
        return _in_document(listed.table.c.document, kept)
    return func.document_admits(listed.table.c.document, written_filter(kept)) == 1


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
        select(order_references.c.kind, order_references.c.order_id).where(*_refers(order_references, listed, each))
        for each in filters
    )
    first, *others = rows
    return tuple_(orders.c.kind, orders.c.id).in_(union_all(first, *others) if others else first)


def _refers_to_none(listed: Listed, kept: Filter) -> ColumnElement[bool]:
    referred = _refers(order_references, listed, kept)
    of_order = and_(order_references.c.kind == orders.c.kind, order_references.c.order_id == orders.c.id)
    return not_(exists(select(literal(1)).where(*referred, of_order).correlate(orders)))


def _refers(rows: FromClause, listed: Listed, kept: Filter) -> list[ColumnElement[bool]]:
    keys = [as_key(each) for each in kept.values]
    return [rows.c.name == listed.references[kept.attribute], rows.c.key.in_(keys)]


def _in_document(document: ColumnElement[Any], kept: Filter) -> ColumnElement[bool]:
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
    document, names = listed.table.c.document, sort.attribute.split(".")
    if dialect != "postgresql":
        return [func.document_sort_key(document, write_json(names))]
    types = " || ".join(f'@.type() == "{each}"' for each in _JSON_TYPES)
    path = cast(f"{_json_path(names)}[*] ? ({types})", JSONPATH)
    value = func.jsonb_path_query_first(document, path, type_=JSONB)
    json_type = func.jsonb_typeof(value, type_=String())
    rank = case({each: place for place, each in enumerate(_JSON_TYPES)}, value=json_type)
    number = case((json_type == "number", cast(_as_text(value), Numeric)))
    return [rank, number, collate(case((json_type != "number", _as_text(value))), "C")]
