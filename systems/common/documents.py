"""TM Forum documents kept as JSON, with an index on the paths they are searched by."""

from collections.abc import Sequence
from typing import Any, Literal, get_origin

from pydantic import BaseModel
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    select,
    text,
    update,
)

from systems.common import addresses
from systems.common.errors import Refusal
from systems.common.paging import ids_of, mentions, narrowed, page_of
from systems.common.tables import document as documents
from systems.common.tables import document_index as index
from tmf.bodies import Document
from tmf.query.attributes import attributes_of
from tmf.query.query import Filter, ListQuery, Operator, Page
from tmf.query.values import texts_at

LONGEST_INDEXED = 500

# Made once: to put a statement together takes longer than to run it. The first is the same on SQLite and PostgreSQL.
ADD = text("INSERT INTO document (kind, id, body) VALUES (:kind, :id, :body) ON CONFLICT DO NOTHING").bindparams(
    bindparam("body", type_=JSON)
)
_MINE = and_(documents.c.kind == bindparam("of_kind"), documents.c.id == bindparam("of_id"))
FIND = select(documents.c.body).where(_MINE)
FIND_LOCKED = FIND.with_for_update()
REPLACE = update(documents).where(_MINE)
REMOVE = delete(documents).where(_MINE)
INDEX = insert(index).inline()
FORGET_INDEX = delete(index).where(index.c.kind == bindparam("of_kind"), index.c.id == bindparam("of_id"))


class Collection:
    """The documents of one kind.

    ``searched_by`` are the dotted paths that are indexed; ``model`` is what the documents fit: lists are filtered by
    its attributes. Every method works in the caller's transaction.
    """

    def __init__(self, kind: str, path: str, searched_by: Sequence[str], model: type[BaseModel]) -> None:
        self.kind = kind
        self.path = path
        self._searched_by = tuple(searched_by)
        self.model = model

    def href(self, document_id: str) -> str:
        """Where the document is read, by the address by which the present request came."""
        return addresses.href(self.path, document_id)

    def add(self, connection: Connection, body: Document) -> Document:
        """Keep a new document and return it with its href. Raises Refusal 409 when its id is taken."""
        added = connection.execute(ADD, {"kind": self.kind, "id": body["id"], "body": body})
        if added.rowcount == 0:
            raise Refusal(409, "idTaken", f"{self.kind} {body['id']} exists already")
        self._index(connection, body)
        return self._read(body)

    def find(self, connection: Connection, document_id: str, *, lock: bool = False) -> Document | None:
        """The document, or None; ``lock`` keeps other writers off it until the transaction ends."""
        body: Document | None = connection.scalar(FIND_LOCKED if lock else FIND, self._mine(document_id))
        return None if body is None else self._read(body)

    def get(self, connection: Connection, document_id: str, *, lock: bool = False) -> Document:
        """The document. Raises Refusal 404 when there is none."""
        body = self.find(connection, document_id, lock=lock)
        if body is None:
            raise self.absent(document_id)
        return body

    def absent(self, document_id: str) -> Refusal:
        """The refusal that says there is no such document."""
        return Refusal(404, "notFound", f"no {self.kind} {document_id}")

    def replace(self, connection: Connection, body: Document) -> Document:
        """Keep ``body`` in place of the document with its id, and return it."""
        connection.execute(REPLACE, {**self._mine(body["id"]), "body": body})
        self._forget_index(connection, body["id"])
        self._index(connection, body)
        return self._read(body)

    def remove(self, connection: Connection, document_id: str) -> None:
        """Remove the document. Raises Refusal 404 when there is none."""
        removed = connection.execute(REMOVE, self._mine(document_id))
        if removed.rowcount == 0:
            raise self.absent(document_id)
        self._forget_index(connection, document_id)

    def all(self, connection: Connection) -> list[Document]:
        """Every document, oldest first."""
        mine = select(documents.c.body).where(documents.c.kind == self.kind).order_by(documents.c.sequence)
        return [self._read(body) for body in connection.scalars(mine)]

    def page(self, connection: Connection, query: ListQuery) -> Page:
        """The page that ``query`` asks for, oldest first where it does not sort."""
        mine = select(documents.c.body, documents.c.sequence).where(documents.c.kind == self.kind)
        by_reference = any(
            isinstance(each, Filter) and each.operator == Operator.EQ and len(each.path) > 1 for each in query.filters
        )
        matching, left = narrowed(
            mine,
            query.filters,
            lambda each: self._condition(each, by_reference),
            lambda each: mentions([documents.c.body], each),
        )
        return page_of(connection, matching, _ordering(query), lambda row: self._read(row.body), query, left)

    def _condition(self, wanted: Filter, by_reference: bool) -> ColumnElement[bool] | None:
        """The filter as the database answers it; None where it cannot.

        ``by_reference`` says that another filter leaves few documents: a state, which many have, is then read in those.
        """
        if wanted.operator not in (Operator.EQ, Operator.NE):
            return None
        path = wanted.attribute
        is_one_text = _is_text(self.model, wanted.path)
        indexed = path in self._searched_by and all(len(value) < LONGEST_INDEXED for value in wanted.values)
        if path == "id":
            having: ColumnElement[bool] = documents.c.id.in_(wanted.values)
        elif path == "href":
            having = documents.c.id.in_(ids_of(wanted, self.path))
        elif is_one_text and (by_reference or not indexed):
            having = func.coalesce(documents.c.body[wanted.path].as_string().in_(wanted.values), false())
        elif indexed:
            with_value = select(index.c.id).where(
                index.c.kind == self.kind, index.c.path == path, index.c.value.in_(wanted.values)
            )
            having = documents.c.id.in_(with_value)
        else:
            return None
        return having if wanted.operator == Operator.EQ else ~having

    def _read(self, body: Document) -> Document:
        """The document as it is given: with its href."""
        return {**body, "href": self.href(body["id"])}

    def _index(self, connection: Connection, body: Document) -> None:
        rows = [
            {"kind": self.kind, "id": body["id"], "path": path, "value": value}
            for path in self._searched_by
            for value in sorted({text[:LONGEST_INDEXED] for text in texts_at(body, path)})
        ]
        if rows:
            connection.execute(INDEX, rows)

    def _forget_index(self, connection: Connection, document_id: str) -> None:
        connection.execute(FORGET_INDEX, self._mine(document_id))

    def _mine(self, document_id: str) -> dict[str, str]:
        return {"of_kind": self.kind, "of_id": document_id}


def _is_text(model: type[BaseModel], path: Sequence[str]) -> bool:
    """Whether what ``model`` has at a path is one text where it is there at all; a date may be written in several."""
    attributes = attributes_of(model)
    kinds = [kind for kind in attributes.types(path) or () if kind is not type(None)]
    texts = bool(kinds) and all(kind is str or get_origin(kind) is Literal for kind in kinds)
    return texts and not attributes.is_repeated(path)


def _ordering(query: ListQuery) -> list[ColumnElement[Any]]:
    chosen = [(documents.c.body[wish.attribute].as_string(), wish.descending) for wish in query.sort]
    return [
        *((column.desc() if descending else column.asc()).nulls_last() for column, descending in chosen),
        documents.c.sequence,
    ]
