"""Pages of lists: how the documents that a list query asks for are found, counted and read, so many bytes at most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    LargeBinary,
    Row,
    Select,
    String,
    Subquery,
    and_,
    cast,
    func,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import UnaryExpression

from store.documents import write_json
from store.errors import ListTimeoutError, StoreError, StoreUnavailableError
from store.lists.counts import counted, skipped
from store.lists.listing import ORDERS, Listed, condition, ordering, refers
from store.order_entries import lists, with_entries
from store.sql.database import Database
from store.sql.tables import order_references, orders
from tmf.bodies import Document
from tmf.query.query import Filter, ListQuery, Operator, Page, QueryError, filters_of

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


async def find_page(database: Database, listed: Listed, kind: str, query: ListQuery) -> Page:
    """Return the part of a list that the query asks for, with the count of all that match.

    The part ends early, with one document at least, before its documents have more bytes than the database's pages.

    Raises:
        QueryError: when the database would have to read too many documents for it.
        StoreUnavailableError: when the database cannot serve.
    """
    page = partial(_page, listed=listed, kind=str(kind), query=query, most_bytes=database.page_bytes)
    try:
        return await database.list(page)
    except ListTimeoutError as error:
        raise _too_broad(listed, query, error) from error


def _page(connection: Connection, listed: Listed, kind: str, query: ListQuery, most_bytes: int) -> Page:
    dialect = connection.dialect.name
    source = _source(listed, kind, query, dialect)
    found: Sequence[Row[Any]] = []
    for part in _parts(connection, listed, kind, query, source):
        if len(found) < query.limit:
            found = connection.execute(_measured(listed, kind, query, dialect, part)).all()
    documents = _documents(connection, listed, kind, query, found, most_bytes)
    if 0 < len(found) < query.limit or (not found and query.offset == 0):
        return Page(query.offset + len(found), documents)
    if found and found[0].total is not None:
        return Page(found[0].total, documents)
    return Page(connection.scalar(_count(listed, kind, query, source)) or 0, documents)


def _documents(
    connection: Connection, listed: Listed, kind: str, query: ListQuery, found: Sequence[Row[Any]], most_bytes: int
) -> list[Document]:
    """Return what is asked for of the documents that were found, up to a number of bytes, and no less than one."""
    documents, left = list[Document](), most_bytes
    # Of whole documents, the first batch is the page.
    for some in islice(batches(found, most_bytes), 1 if query.fields is None else None):
        by_id = read_documents(connection, listed, kind, query, [each.id for each in some])
        for each in some:
            document = query.project(by_id[each.id])
            left -= each.size if query.fields is None else len(write_json(document))
            if left < 0 and documents:
                return documents
            documents.append(document)
    return documents


def read_documents(
    connection: Connection, listed: Listed, kind: str, query: ListQuery, ids: Sequence[str]
) -> dict[str, Document]:
    """Return documents by their ids, cut to the fields that are asked for where the database can do so."""
    table = listed.table
    document = projected(table.c.document, query.fields, connection.dialect.name)
    chosen = select(table.c.id, document).where(table.c.kind == kind, table.c.id.in_(ids))
    if not (names := asked_lists(listed, kind, query.fields)):
        return {row.id: row[1] for row in connection.execute(chosen)}
    rows = connection.execute(chosen.add_columns(table.c.entries_size)).all()
    split = {row_id: found for row_id, found, entries_size in rows if entries_size is not None}
    return {row_id: found for row_id, found, _ in rows} | with_entries(connection, kind, split, names)


def asked_lists(listed: Listed, kind: str, fields: Sequence[str] | None) -> list[str]:
    """Return which lists of orders are asked for whose entries may have rows of their own."""
    return [name for name in lists(kind) if fields is None or name in fields] if listed.has_entries else []


def batches(found: Sequence[Row[Any]], most_bytes: int) -> Iterator[list[Row[Any]]]:
    """Yield what was found, each with its `size`, in parts of so many bytes at most, which are read one at a time.

    A part has one at least.
    """
    batch: list[Row[Any]] = []
    size = 0
    for each in found:
        if batch and size + each.size > most_bytes:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += each.size
    if batch:
        yield batch


def _parts(connection: Connection, listed: Listed, kind: str, query: ListQuery, source: _Source) -> list[Subquery]:
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


def _measured(listed: Listed, kind: str, query: ListQuery, dialect: str, part: Subquery) -> Select[Any]:
    """Return the ids of a page, with the size of each document, and with the total where that is found with them."""
    table = listed.table
    return (
        select(table.c.id, part.c.total, size_of(listed, kind, query.fields, dialect).label("size"))
        .join_from(table, part, and_(table.c.kind == kind, table.c.id == part.c.id))
        .order_by(*ordering(query, dialect, listed))
    )


def size_of(listed: Listed, kind: str, fields: Sequence[str] | None, dialect: str) -> ColumnElement[int]:
    """Return how many bytes are read of a document: as was noted, or else, for which it is read, as is counted."""
    table = listed.table
    if dialect == "postgresql":
        size: ColumnElement[int] = func.octet_length(cast(table.c.document, String))
    else:
        size = func.length(cast(table.c.document, LargeBinary))
    if "size" in table.c:
        size = func.coalesce(table.c.size, size)
    return size + func.coalesce(table.c.entries_size, 0) if asked_lists(listed, kind, fields) else size


def _source(listed: Listed, kind: str, query: ListQuery, dialect: str) -> _Source:
    """Return what a list is read from: the rows that refer to one key where it asks for one, else the table itself.

    Those rows stand in the order of the list, and an index of them tells page and number without the orders.
    """
    by_key = next((each for each in query.filters if isinstance(each, Filter) and _is_one_key(each, listed)), None)
    if by_key is None:
        conditions = [condition(each, dialect, listed) for each in query.filters]
        wanted = [listed.table.c.kind == kind, *conditions]
        return _Source(listed.table, listed, wanted, ordering(query, dialect, listed))
    listed = replace(listed, columns={**listed.columns, **_IN_REFERENCES}, age=_referring.c.order_date)
    others = [each for each in query.filters if each is not by_key]
    wanted = [_referring.c.kind == kind, *refers(_referring, listed, by_key)]
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
    return _Source(_referring.join(orders, own), listed, [*wanted, orders.c.kind == kind], order_by)


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


def _count(listed: Listed, kind: str, query: ListQuery, source: _Source) -> Select[Any]:
    """Return the quickest way to count what matches."""
    if listed is ORDERS and (sums := counted(kind, query.filters)) is not None:
        return select(sums)
    return select(func.count()).select_from(source.rows).where(*source.wanted)


def projected(document: ColumnElement[Any], fields: Sequence[str] | None, dialect: str) -> ColumnElement[Any]:
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


def _too_broad(listed: Listed, query: ListQuery, error: ListTimeoutError) -> StoreError | QueryError:
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
