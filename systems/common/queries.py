"""TM Forum list queries: filters on attributes, ``fields``, ``offset`` and ``limit``, counts in headers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from systems.common.errors import Refusal

Document = dict[str, Any]
ALWAYS_GIVEN = ("id", "href")


@dataclass(frozen=True)
class ListQuery:
    """What a list request asks for. ``filters``: dotted path → the accepted values, as text; paths are ANDed."""

    filters: Mapping[str, frozenset[str]]
    fields: tuple[str, ...]
    offset: int
    limit: int | None

    def admits(self, document: Document) -> bool:
        """Whether ``document`` passes every filter; on a list, one element that passes is enough."""
        return all(not wanted.isdisjoint(texts_at(document, path)) for path, wanted in self.filters.items())

    def answer(self, documents: Iterable[Document]) -> JSONResponse:
        """The page of those ``documents`` that pass: 200, or 206 when it does not hold them all."""
        admitted = [document for document in documents if self.admits(document)]
        end = None if self.limit is None else self.offset + self.limit
        page = [self.only_fields(document) for document in admitted[self.offset : end]]
        headers = {"X-Total-Count": str(len(admitted)), "X-Result-Count": str(len(page))}
        return JSONResponse(page, status_code=200 if len(page) == len(admitted) else 206, headers=headers)

    def only_fields(self, document: Document) -> Document:
        """``document`` with the fields asked for, and its id and href; all of it when none are."""
        if not self.fields:
            return document
        return {name: value for name, value in document.items() if name in self.fields or name in ALWAYS_GIVEN}


def texts_at(document: Any, path: str) -> Iterator[str]:
    """The scalar values at dotted ``path``, as text, across every element of the lists on the way."""
    yield from _texts(document, path.split("."))


def _texts(node: Any, path: list[str]) -> Iterator[str]:
    if isinstance(node, list):
        for element in node:
            yield from _texts(element, path)
    elif path:
        if isinstance(node, dict) and path[0] in node:
            yield from _texts(node[path[0]], path[1:])
    elif node is not None and not isinstance(node, dict):
        yield as_text(node)


def as_text(value: Any) -> str:
    """A scalar as a query string writes it: ``true``, ``250``, ``BER-1``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _query_of(request: Request) -> ListQuery:
    parameters = request.query_params
    fields = parameters.get("fields", "")
    paths = {name for name in parameters if name not in ("fields", "offset", "limit")}
    return ListQuery(
        filters={path: frozenset(_alternatives(parameters.getlist(path))) for path in paths},
        fields=tuple(name.strip() for name in fields.split(",") if name.strip()),
        offset=_count(parameters.get("offset")) or 0,
        limit=_count(parameters.get("limit")),
    )


def _alternatives(values: list[str]) -> Iterator[str]:
    for value in values:
        bare = value.strip('"')
        yield bare
        yield from bare.split(",")


def _count(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isdecimal():
        raise Refusal(400, "invalidQuery", f"offset and limit are whole numbers, not {value!r}")
    return int(value)


ListQueryDep = Annotated[ListQuery, Depends(_query_of)]
