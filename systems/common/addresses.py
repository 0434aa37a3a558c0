"""The address by which a system is reached, what `href` begins with, and the address of each request."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from systems.common.errors import Refusal

_ADDRESS: ContextVar[str] = ContextVar("address", default="")
_IN_A_SEGMENT = "!$&'()*+,;=:@"
"""What a segment of a path may have as it is (RFC 3986), beside letters, digits and `-._~`."""


def here() -> str:
    """The address by which the present request reached the system, without a slash at its end."""
    return _ADDRESS.get()


def href(path: str, document_id: str) -> str:
    """Where the document of a collection is read, by the same address.

    Whatever the id has in it stays within one segment of a path, and within what a header may have.
    """
    return f"{here()}{path}/{quote(document_id, safe=_IN_A_SEGMENT)}"


@contextmanager
def reached_by(address: str) -> Iterator[None]:
    """What is done in the block was asked for by way of ``address``."""
    before = _ADDRESS.set(address)
    try:
        yield
    finally:
        _ADDRESS.reset(before)


class Addresses:
    """ASGI middleware that notes for each request by what address it came: ``public_url`` goes before.

    A slash at the end of a path changes nothing: clients, and TM Forum's own conformance kits, write both. It is left
    out rather than redirected: that loses bodies. A null character is refused: no database takes one.
    """

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        self._app = app
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _ADDRESS.set((self._public_url or str(Request(scope).base_url)).rstrip("/"))
        path, raw = scope["path"], scope.get("raw_path") or b""
        if "\0" in path or _has_null(scope["query_string"]):
            refusal = Refusal(400, "invalidRequest", "the address holds a null character")
            await refusal.response()(scope, receive, send)
            return
        # An encoded slash (%2F) is one of an id.
        if len(path) > 1 and path.endswith("/") and raw[-3:].upper() != b"%2F":
            scope = {**scope, "path": path[:-1], "raw_path": raw.removesuffix(b"/")}
        await self._app(scope, receive, send)


def _has_null(query: bytes) -> bool:
    return (b"%00" in query or b"\0" in query) and any("\0" in value for value in QueryParams(query).values())
