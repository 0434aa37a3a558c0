"""TM Forum documents kept as JSON, with an index on the paths they are searched by."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.common.errors import Refusal
from systems.common.queries import Document, ListQuery, texts_at
from systems.common.tables import document as documents
from systems.common.tables import document_index as index


class Collection:
    """The documents of one kind.

    ``searched_by`` are the dotted paths that are indexed. Every method works in the caller's transaction.
    """

    def __init__(self, kind: str, path: str, searched_by: Sequence[str]) -> None:
        self.kind = kind
        self.path = path
        self._searched_by = tuple(searched_by)

    def href(self, document_id: str) -> str:
        """Where the document is read: a path on this system."""
        return f"{self.path}/{document_id}"

    async def add(self, connection: AsyncConnection, body: Document) -> Document:
        """Keep a new document and return it with its href. Raises Refusal 409 when its id is taken."""
        kept = {**body, "href": self.href(body["id"])}
        try:
            async with connection.begin_nested():
                await connection.execute(insert(documents).values(kind=self.kind, id=kept["id"], body=kept))
        except IntegrityError:
            raise Refusal(409, "idTaken", f"{self.kind} {kept['id']} exists already") from None
        await self._index(connection, kept)
        return kept

    async def find(self, connection: AsyncConnection, document_id: str, *, lock: bool = False) -> Document | None:
        """The document, or None; ``lock`` keeps other writers off it until the transaction ends."""
        query = select(documents.c.body).where(documents.c.kind == self.kind, documents.c.id == document_id)
        body: Document | None = await connection.scalar(query.with_for_update() if lock else query)
        return body

    async def get(self, connection: AsyncConnection, document_id: str, *, lock: bool = False) -> Document:
        """The document. Raises Refusal 404 when there is none."""
        body = await self.find(connection, document_id, lock=lock)
        if body is None:
            raise self.absent(document_id)
        return body

    def absent(self, document_id: str) -> Refusal:
        """The refusal that says there is no such document."""
        return Refusal(404, "notFound", f"no {self.kind} {document_id}")

    async def replace(self, connection: AsyncConnection, body: Document) -> Document:
        """Keep ``body`` in place of the document with its id, and return it."""
        mine = (documents.c.kind == self.kind, documents.c.id == body["id"])
        await connection.execute(update(documents).where(*mine).values(body=body))
        await self._forget_index(connection, body["id"])
        await self._index(connection, body)
        return body

    async def remove(self, connection: AsyncConnection, document_id: str) -> None:
        """Remove the document. Raises Refusal 404 when there is none."""
        mine = (documents.c.kind == self.kind, documents.c.id == document_id)
        removed = await connection.execute(delete(documents).where(*mine))
        if removed.rowcount == 0:
            raise self.absent(document_id)
        await self._forget_index(connection, document_id)

    async def search(self, connection: AsyncConnection, query: ListQuery | None = None) -> list[Document]:
        """The documents, oldest first, that pass the indexed filters of ``query``; the others are for the caller."""
        found = select(documents.c.body).where(documents.c.kind == self.kind).order_by(documents.c.sequence)
        for path, values in (query.filters if query else {}).items():
            if path == "id":
                found = found.where(documents.c.id.in_(values))
            elif path in self._searched_by:
                having = select(index.c.id).where(index.c.kind == self.kind, index.c.path == path)
                found = found.where(documents.c.id.in_(having.where(index.c.value.in_(values))))
        return list(await connection.scalars(found))

    async def _index(self, connection: AsyncConnection, body: Document) -> None:
        rows = [
            {"kind": self.kind, "id": body["id"], "path": path, "value": value}
            for path in self._searched_by
            for value in sorted(set(texts_at(body, path)))
        ]
        if rows:
            await connection.execute(insert(index), rows)

    async def _forget_index(self, connection: AsyncConnection, document_id: str) -> None:
        await connection.execute(delete(index).where(index.c.kind == self.kind, index.c.id == document_id))


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, everything else (arrays too) replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def patched(document: Document, patch: Document) -> Document:
    """``document`` after a merge-patch. Raises Refusal 400 when it would change the id or the href."""
    for name in ("id", "href"):
        if name in patch and patch[name] != document[name]:
            raise Refusal(400, "notPatchable", f"{name} cannot be changed")
    merged: Document = merge_patch(document, patch)
    return merged
