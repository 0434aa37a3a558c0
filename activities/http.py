"""One downstream system over HTTP: answers as JSON, and every fault as an error that says where and what.

What is worth another try (no answer, 408, 423, 425, 429, 5xx) is retryable, after the time that `Retry-After` names;
any other refusal, and any answer that makes no sense, is permanent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from temporalio.exceptions import ApplicationError

_RETRYABLE = frozenset({408, 423, 425, 429})
_QUOTED = 300


class DownstreamError(ApplicationError):
    """A downstream system did not do what it was asked. `retryable` tells whether trying again may help."""

    def __init__(
        self, system: str, message: str, *, retryable: bool, status: int | None = None, delay: timedelta | None = None
    ) -> None:
        super().__init__(message, type="DownstreamError", non_retryable=not retryable, next_retry_delay=delay)
        self.system, self.status, self.retryable = system, status, retryable


class DownstreamSystem:
    """Calls one system. Hold one for each system and process: the client keeps its connections."""

    def __init__(self, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self._client = client

    async def get(self, path: str, **params: str) -> Any:
        return (await self.call("GET", path, params=params))[1]

    async def find(self, path: str, **params: str) -> dict[str, Any] | None:
        """Return the document at `path`, or None where the system says that there is none."""
        status, body = await self.call("GET", path, params=params, accept=(404,))
        return None if status == 404 else body

    async def list(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        return list((await self.call("GET", path, params=params))[1])

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> tuple[int, Any]:
        """Send a request and return its status and its JSON body (None where it has none).

        `key` makes it idempotent: the system absorbs repeats. `accept` names refusals that are answers to the caller.

        Raises:
            DownstreamError: when there is no answer, or one that is not a success.
        """
        asked = f"{method} {path}"
        headers = {"Idempotency-Key": key} if key else {}
        try:
            response = await self._client.request(method, path, json=body, params=params, headers=headers)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise DownstreamError(
                self.name, f"{self.name} gave no answer to {asked}: {reason}", retryable=True
            ) from error
        if response.status_code in accept:
            return response.status_code, None
        if not response.is_success:
            raise self._refusal(asked, response)
        if response.status_code == 204 or not response.content:
            return response.status_code, None
        return response.status_code, self._json(asked, response)

    def _json(self, asked: str, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise DownstreamError(
                self.name,
                f"{self.name} answered {response.status_code} to {asked} with something that is not JSON: "
                f"{response.text[:_QUOTED]!r}",
                retryable=False,
                status=response.status_code,
            ) from error

    def _refusal(self, asked: str, response: httpx.Response) -> DownstreamError:
        status = response.status_code
        return DownstreamError(
            self.name,
            f"{self.name} answered {status} to {asked}: {_reason(response)}",
            retryable=status >= 500 or status in _RETRYABLE,
            status=status,
            delay=_retry_after(response),
        )


def _reason(response: httpx.Response) -> str:
    """Return what a refusal says: the reason and message of a TMF error, or the first of whatever came."""
    try:
        body = response.json()
    except ValueError:
        return response.text[:_QUOTED]
    if not isinstance(body, dict):
        return response.text[:_QUOTED]
    parts = [str(body[name]) for name in ("reason", "message") if body.get(name)]
    return ": ".join(dict.fromkeys(parts))[:_QUOTED] or response.text[:_QUOTED]


def _retry_after(response: httpx.Response) -> timedelta | None:
    seconds = response.headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() and int(seconds) > 0 else None
