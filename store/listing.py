"""List queries asked of the database: what a filter and an order by an attribute are in SQL, and how a page is read.

Where an attribute has a column, or rows of its own, that is asked; any other is looked for in the documents. There
PostgreSQL has an index for `eq`; what else is asked of documents reads each that the other filters leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Numeric,
    Select,
    String,
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
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import UnaryExpression

from store.counts import counted, skipped
from store.database import Database
from store.documents import DATES, REFERENCES, TEXTS, as_key, write_json
from store.errors import ListTimeoutError, QueryError, StoreError, StoreUnavailableError
from store.functions import written_filter
from store.patterns import pattern
from store.query import COMPARISONS, Bound, Filter, ListQuery, Operator, Page, Sort, bounds, candidates, written_instant
from store.tables import order_references, orders

_JSON_TYPES = ("number", "string", "boolean")
"""JSON types that a list can be sorted by, in their order."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A table that can be listed: its `kind`, `id` and `document`, and what of the document is found without it."""

    table: Table
    columns: Mapping[str, str]
    """Path of an attribute, as in `productOrder.id` → column."""
    age: str
    """The column with the time by which the newest come first."""
    dates: frozenset[str] = field(default=frozenset())
    """The paths whose columns hold times."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Path of an attribute → its name in `order_references`."""

    def column(self, attribute: str) -> Column[Any]:
        return self.table.c[self.columns[attribute]]

    def in_documents(self, kept: Filter) -> bool:
        """Return whether a filter has to be looked for in the documents."""
        referred = kept.attribute in self.references and kept.operator in (Operator.EQ, Operator.NE)
        return kept.attribute not in self.columns and not referred


ORDERS = Listed(orders, {"id": "id"} | TEXTS | DATES, "order_date", frozenset(DATES), REFERENCES)


async def find_page(database: Database, listed: Listed, kind: StrEnum, query: ListQuery) -> Page:
    """Return the part of a list that the query asks for, with the count of all that match.

    Raises:
        QueryError: when the database would have to read too many documents for it.
        StoreUnavailableError: when the database cannot serve.
    """
    try:
        async with database.list() as connection:
            return await _page(connection, database.dialect, listed, kind, query)
    except ListTimeoutError as error:
        raise _too_broad(listed, query, error) from error


async def _page(connection: AsyncConnection, dialect: str, listed: Listed, kind: StrEnum, query: ListQuery) -> Page:
    table = listed.table
    wanted = [table.c.kind == kind.value, *(condition(each, dialect, listed) for each in query.filters)]
    in_documents = any(map(listed.in_documents, query.filters))
    begin = None if in_documents or listed is not ORDERS else await skipped(connection, kind, query)
    offset, further = begin or (query.offset, None)
    # All that match are found at once, and counted, where finding them is what takes the time.
    total = func.count().over() if in_documents else null()
    part = (
        select(table.c.id, total.label("total"))
        .where(*wanted, *([] if further is None else [further]))
        .order_by(*ordering(query, dialect, listed))
        .offset(offset)
        .limit(query.limit)
        .subquery("part")
    )
    page = (
        select(_projected(table.c.document, query.fields, dialect), part.c.total)
        .join_from(table, part, and_(table.c.kind == kind.value, table.c.id == part.c.id))
        .order_by(*ordering(query, dialect, listed))
    )
    rows = (await connection.execute(page)).all()
    documents = [query.project(row[0]) for row in rows]
    if 0 < len(rows) < query.limit or (not rows and query.offset == 0):
        return Page(query.offset + len(rows), documents)
    if rows and rows[0].total is not None:
        return Page(rows[0].total, documents)
    return Page(await connection.scalar(_count(listed, kind, query, wanted)) or 0, documents)


def _count(listed: Listed, kind: StrEnum, query: ListQuery, wanted: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return the quickest way to count what matches."""
    if listed is ORDERS and (sums := counted(kind, query.filters)) is not None:
        return select(sums)
    if len(query.filters) == 1 and (only := query.filters[0]).operator == Operator.EQ:
        name = listed.references.get(only.attribute)
        if name is not None:
            # An order refers to one key once; only of several keys the same order may have more than one.
            order_id = order_references.c.order_id
            number = func.count() if len(only.values) == 1 else func.count(order_id.distinct())
            return _referring(name, only, number).where(order_references.c.kind == kind.value)
    return select(func.count()).select_from(listed.table).where(*wanted)


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
    filters = [_parameter(each) for each in query.filters if listed.in_documents(each)]
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


def condition(kept: Filter, dialect: str, listed: Listed = ORDERS) -> ColumnElement[bool]:
    """Return a filter as a condition: by column or reference where there is one, else by search in the document."""
    path = kept.attribute
    if path in listed.columns:
        return _on_column(listed.column(path), kept, dialect, is_date=path in listed.dates)
    if not listed.in_documents(kept):
        return _on_references(listed.references[path], kept)
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
        return or_(*(collate(text, "C").op("~", is_comparison=True)(pattern(v).postgresql()) for v in kept.values))
    return or_(*(func.matches_pattern(text, each) == 1 for each in kept.values))


def _on_references(name: str, kept: Filter) -> ColumnElement[bool]:
    if kept.operator == Operator.EQ:
        referring = _referring(name, kept, order_references.c.kind, order_references.c.order_id)
        return tuple_(orders.c.kind, orders.c.id).in_(referring)
    of_order = and_(order_references.c.kind == orders.c.kind, order_references.c.order_id == orders.c.id)
    return not_(exists(_referring(name, kept, literal(1)).where(of_order).correlate(orders)))


def _referring(name: str, kept: Filter, *what: ColumnElement[Any]) -> Select[Any]:
    keys = [as_key(each) for each in kept.values]
    return select(*what).where(order_references.c.name == name, order_references.c.key.in_(keys))


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
    table = listed.table
    if not query.sort:
        return [table.c[listed.age].desc(), table.c.id.desc()]
    return [*(key for each in query.sort for key in _sort_keys(each, dialect, listed)), table.c.id.asc()]


def _sort_keys(sort: Sort, dialect: str, listed: Listed) -> Iterator[UnaryExpression[Any]]:
    has_column = sort.attribute in listed.columns
    for key in [listed.column(sort.attribute)] if has_column else _document_keys(sort, dialect, listed):
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
