"""Connections to the downstream systems: a pool of aiohttp each, which costs a tenth of httpx2's CPU."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from tmf.words import reason_of

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that are read at most: a customer's whole installed base has some of them."""
_CONNECT_TIMEOUT = 10
"""Seconds. A system that is there is connected at once."""
_KEPT_IDLE = 4
"""Seconds. Servers give idle connections up after five and more: one that is about to close must not be used again."""
_QUOTED = 200
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError)
"""Errors before anything of a request is sent."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: status, headers by names of any case, body."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False
    """Whether the body is only the first of one that is too large."""

    @property
    def text(self) -> str:
        """The body, for people."""
        return self.content.decode(errors="replace")


class NoResponseError(Exception):
    """Nothing came back that could be read as HTTP.

    `passing` tells whether another try may help, `sent` whether the request, or some of it, may have been sent.
    """

    def __init__(self, why: str, *, passing: bool = True, sent: bool = True) -> None:
        super().__init__(why)
        self.passing, self.sent = passing, sent


class Connection(Protocol):
    """Carries requests to one system."""

    async def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes | None) -> Response:
        """Send a request to `target`, a path with its query, both percent-encoded, and return what came back.

        Raises:
            NoResponseError: when nothing did.
        """
        ...


class PooledConnection:
    """A connection over the network, of as many sockets as are used at a time.

    Of each answer it reads `answer_limit` bytes at most, within `timeout` in all, however slowly it comes. `at_once`
    requests run at a time, all that come where it is None.
    """

    def __init__(
        self,
        base_url: str,
        session: aiohttp.ClientSession,
        timeout: timedelta,
        answer_limit: int = ANSWER_LIMIT,
        at_once: int | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = session
        self._seconds, self._answer_limit = timeout.total_seconds(), answer_limit
        self._places = asyncio.Semaphore(at_once) if at_once else nullcontext()

    async def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes | None) -> Response:
        # `encoded` keeps the path as it is: an encoded dot or slash in an id must stay so.
        url = URL(self._base_url + target, encoded=True)
        try:
            # Who waits for a place has not asked yet: the time of the call begins behind it.
            async with (
                self._places,
                asyncio.timeout(self._seconds),
                self._session.request(method, url, headers=headers, data=content, allow_redirects=False) as response,
            ):
                body, is_cut = await self._body(response)
                return Response(response.status, body, response.headers, is_cut)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise NoResponseError(f"{error} is no address", passing=False, sent=False) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoResponseError(_why(error), sent=not isinstance(error, _NOT_CONNECTED)) from error

    async def _body(self, response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        """Return the body, and whether there is more of it than is read; its socket is given up then."""
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._answer_limit:
                return bytes(body[: self._answer_limit]), True
        return bytes(body), False


def _why(error: aiohttp.ClientError | TimeoutError) -> str:
    """Return why nothing came back, in words for people, of which the system's address is no part."""
    match error:
        case TimeoutError():
            return "timed out"
        case aiohttp.ClientConnectorError(errno=int(number)) if number > 0:
            return os.strerror(number).lower()
        case aiohttp.ClientConnectorError():
            return reason_of(error.os_error).lower()
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case aiohttp.ClientResponseError():
            return f"what came back is no HTTP: {' '.join(error.message.split())}"[:_QUOTED]
    return reason_of(error).lower()


def _proxy_to(base_url: str) -> str | None:
    """Return the proxy that the environment names for an address; aiohttp would look it up again for each call."""
    url = URL(base_url)
    return None if proxy_bypass(url.host or "") else getproxies().get(url.scheme)


@asynccontextmanager
async def connected(
    base_url: str, timeout: timedelta, answer_limit: int = ANSWER_LIMIT, at_once: int | None = None
) -> AsyncIterator[PooledConnection]:
    """Yield a connection to the system at `base_url`; see `PooledConnection` for its limits."""
    # How many calls there are at once is limited before: one that waited for a socket would make its system slow.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_IDLE)
    seconds = timeout.total_seconds()
    async with aiohttp.ClientSession(
        connector=connector,
        # Connecting ends before the call does, so that it is known that nothing was sent.
        timeout=aiohttp.ClientTimeout(total=None, connect=min(seconds / 2, _CONNECT_TIMEOUT)),
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=_proxy_to(base_url),
    ) as session:
        yield PooledConnection(base_url, session, timeout, answer_limit, at_once)
