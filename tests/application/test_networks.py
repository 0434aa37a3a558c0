"""No listener makes us call into networks that are not meant for it."""

from __future__ import annotations

import socket
from typing import Any

import httpx2
import pytest

from application.networks import ForbiddenAddressError, check_callback, listener_client
from settings import Settings

pytestmark = pytest.mark.anyio

FORBIDDEN = Settings(_env_file=None).forbidden_networks()


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
        ),
        *("[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]"),
        *("[2002:0a00:0001::]", "2130706433", "0x7f000001", "localhost", "100.64.0.1"),
    ],
)
async def test_addresses_in_forbidden_networks_are_refused_however_they_are_written(host: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        await check_callback(f"http://{host}:8080/hook", FORBIDDEN)


@pytest.mark.parametrize("host", ["93.184.216.34", "[2606:2800:220:1:248:1893:25c8:1946]", "no-such-host.invalid"])
async def test_public_addresses_and_names_that_nobody_knows_yet_are_let_in(host: str) -> None:
    await check_callback(f"https://{host}/hook", FORBIDDEN)


@pytest.mark.parametrize(
    "callback",
    [
        *("", "hook", "ftp://host/", "http://", "http://host:99999/", "http://[::1", "http://user:pw@93.184.216.34/"),
        *("http://93.184.216.34/?a=1", "http://93.184.216.34/#a", "http://93.184.216.34/a b", "http://a\x00b/"),
        *("http://93.184.216.34/\n", f"http://{'a' * 70}.example/", "http://a..b/"),
    ],
)
async def test_what_is_no_address_is_refused(callback: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        await check_callback(callback, FORBIDDEN)


async def test_a_name_that_changes_its_address_after_it_was_registered_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = ["93.184.216.34", "127.0.0.1"]

    def resolve(_host: str, port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    await check_callback("http://listener.example/hook", FORBIDDEN)
    async with listener_client(FORBIDDEN) as client:
        with pytest.raises(httpx2.ConnectError, match=r"127\.0\.0\.1"):
            await client.post("http://listener.example/hook")
