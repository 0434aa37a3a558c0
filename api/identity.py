"""Who calls: the one place that tells clients apart."""

from __future__ import annotations

import secrets

from fastapi import HTTPException, Request
from pydantic import SecretStr

ANONYMOUS = "anonymous"


def client_of(_request: Request) -> str:
    """Return the id of the client that sent the request; without authentication, all are one."""
    return ANONYMOUS


def author_of(request: Request, author: str | None) -> str:
    """Return who is to be noted for what the request asks: whom its body names, or else the client."""
    return author or client_of(request)


def require_admin(request: Request) -> None:
    """Let a request pass that bears the administrators' token; a dependency of routes that are theirs.

    Raises:
        HTTPException: 403 when the gateway has no such token, 401 when the request bears none, or another one.
    """
    token: SecretStr | None = request.app.state.gateway.admin_token
    if token is None:
        raise HTTPException(403, "no administrator is known here")
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    known = token.get_secret_value().encode()
    if scheme.lower() != "bearer" or not secrets.compare_digest(shown.strip().encode(), known):
        raise HTTPException(401, "this is an administrator's: send their bearer token", {"WWW-Authenticate": "Bearer"})
