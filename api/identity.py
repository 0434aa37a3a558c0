"""Who calls: the one place that tells clients apart."""

from __future__ import annotations

import secrets

from fastapi import HTTPException, Request

ANONYMOUS = "anonymous"


def client_of(_request: Request) -> str:
    """Return the id of the client that sent the request; without authentication, all are one."""
    return ANONYMOUS


def author_of(request: Request, author: str | None) -> str:
    """Return who is to be noted for what the request asks: whom its body names, or else the client."""
    return author or client_of(request)


def require_admin(request: Request) -> None:
    """Let only an administrator pass, who shows the gateway's administrator token.

    Raises:
        HTTPException: 401 without a bearer token, 403 with another one, or where no administrator is set up.
    """
    token: str | None = request.app.state.gateway.admin_token
    if token is None:
        raise HTTPException(403, "no administrator is set up here")
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not shown:
        raise HTTPException(401, "an administrator's bearer token is needed", {"WWW-Authenticate": "Bearer"})
    if not secrets.compare_digest(shown.strip().encode(), token.encode()):
        raise HTTPException(403, "this is no administrator's token")
