"""Who calls: the one place that tells clients apart."""

from __future__ import annotations

from fastapi import Request

ANONYMOUS = "anonymous"


def client_of(_request: Request) -> str:
    """Return the id of the client that sent the request; without authentication, all are one."""
    return ANONYMOUS


def author_of(request: Request, author: str | None) -> str:
    """Return who is to be noted for what the request asks: whom its body names, or else the client."""
    return author or client_of(request)
