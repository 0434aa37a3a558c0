"""Networks to which events may be sent: no listener may make us call into those that are not meant for it.

A name is looked up when a connection is made, each of its addresses is checked, and the connection goes to one that
was: so a name that changes its address in between gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2

from tmf.words import reason_of, shown

_TIMEOUT = httpx2.Timeout(None, connect=5)
"""Who sends says how long a delivery may take."""

_LOOK_UPS = ThreadPoolExecutor(8, thread_name_prefix="look-up")
"""A name server that does not answer holds up look-ups, and nothing else."""

_looking_up: dict[tuple[str, int], Future[list[Any]]] = {}

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class ForbiddenAddressError(Exception):
    """An address that events may not be sent to; the message says which, and why."""


async def check_callback(callback: str, forbidden: Sequence[Network]) -> None:
    """Return when events may be sent to a callback. A name that nobody knows now may be known later, and is let in.

    Raises:
        ForbiddenAddressError: when it is no http(s) address, or is in, or resolves into, a forbidden network.
    """
    if any(char.isspace() or not char.isprintable() for char in callback):
        raise ForbiddenAddressError("must have no spaces and no control characters")
    try:
        parts = urlsplit(callback)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ForbiddenAddressError(f"is no address: {reason_of(error)}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ForbiddenAddressError("must be an http or https address")
    if parts.username is not None or parts.password is not None or parts.fragment or parts.query:
        raise ForbiddenAddressError("must have no user, password, query or fragment")
    try:
        addresses = await _addresses(host, port or 0)
    except UnicodeError as error:
        raise ForbiddenAddressError(f"{shown(host)} is no name of a host") from error
    except OSError:
        return
    _check(host, addresses, forbidden)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Connects to no address in a forbidden network."""

    def __init__(self, forbidden: Sequence[Network], limits: httpx2.Limits) -> None:
        super().__init__(limits=limits, trust_env=False)
        # httpx2 has no way to say how its connections are made; httpcore2, which it makes them with, has.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_GuardedBackend(forbidden),
        )


def listener_client(forbidden: Sequence[Network]) -> httpx2.AsyncClient:
    """Return a client that sends events: into no forbidden network, and no further than it was told."""
    transport = GuardedTransport(forbidden, httpx2.Limits(max_connections=None, max_keepalive_connections=100))
    return httpx2.AsyncClient(transport=transport, timeout=_TIMEOUT, follow_redirects=False, trust_env=False)


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, forbidden: Sequence[Network]) -> None:
        self._forbidden = forbidden
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await _addresses(host, port)
            _check(host, addresses, self._forbidden)
        except (OSError, UnicodeError, ForbiddenAddressError) as error:
            raise httpcore2.ConnectError(reason_of(error)) from error
        failed: httpcore2.ConnectError | httpcore2.ConnectTimeout | None = None
        for address in addresses:
            try:
                return await self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore2.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _addresses(host: str, port: int) -> list[Address]:
    key = (host, port)
    looking = _looking_up.get(key)
    if looking is None:
        looking = _looking_up[key] = _LOOK_UPS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        looking.add_done_callback(lambda _: _looking_up.pop(key, None))
    # Whoever goes away must not take the answer from the others.
    found = await asyncio.shield(asyncio.wrap_future(looking))
    # A scope, as in fe80::1%eth0, is no part of the address.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _check(host: str, addresses: Iterable[Address], forbidden: Sequence[Network]) -> None:
    for address in addresses:
        plain = _plain(address)
        for network in forbidden:
            if plain.version == network.version and plain in network:
                named = host if host == str(plain) else f"{host} ({plain})"
                raise ForbiddenAddressError(f"{named} is in {network}, where no events are sent")


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, where it does."""
    if not isinstance(address, IPv6Address):
        return address
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address
