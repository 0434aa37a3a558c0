"""A connection to a system that runs in the test's own process: what httpx2 carries over ASGI, or is told to answer."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from application.connections import NoResponseError, Response
from tmf.words import reason_of

_NOT_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class HttpxConnection:
    """Sends what an activity asks through a client of httpx2."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes | None) -> Response:
        try:
            response = await self._client.request(method, target, headers=dict(headers), content=content)
        except httpx2.TransportError as error:
            raise NoResponseError(reason_of(error), sent=not isinstance(error, _NOT_CONNECTED)) from error
        return Response(response.status_code, response.content, response.headers)
