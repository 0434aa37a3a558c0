"""The caller: the one place that tells clients apart, and administrators from everybody else."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.dependencies import GatewayDep
from api.http.errors import ForbiddenError, UnauthorizedError

ANONYMOUS = "anonymous"

_ADMINISTRATOR = HTTPBearer(
    auto_error=False, scheme_name="administrator", description="The token that ORDERSAGA_ADMIN_TOKEN sets."
)


def client_of(_request: Request) -> str:
    """Return the id of the client that sent the request; without authentication, all are one."""
    return ANONYMOUS


def author_of(request: Request, author: str | None) -> str:
    """Return who is to be noted for what the request asks: whom its body names, or else the client."""
    return author or client_of(request)


async def require_admin(
    gateway: GatewayDep, bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_ADMINISTRATOR)]
) -> None:
    """Let a request pass that bears the administrators' token; a dependency of routes that are theirs.

    Raises:
        ForbiddenError: when the gateway has no such token, so that nobody may.
        UnauthorizedError: when the request bears none, or another one.
    """
    if gateway.admin_token is None:
        raise ForbiddenError("no administrator is known here: ORDERSAGA_ADMIN_TOKEN is not set")
    if bearer is None:
        raise UnauthorizedError("this is an administrator's: send `Authorization: Bearer` with the token")
    if not is_same_secret(bearer.credentials, gateway.admin_token.get_secret_value()):
        raise UnauthorizedError("the token is not that of the administrators")


def is_same_secret(given: str, known: str) -> bool:
    """Tell whether two secrets are the same, in a time that says nothing of how much of them is."""
    return secrets.compare_digest(given.encode(), known.encode())
