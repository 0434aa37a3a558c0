"""The examples of docs/systems.md do what the page says."""

import re
import shlex
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from systems.activation.app import create_app as create_activation
from systems.inventory.app import create_app as create_inventory
from tests.systems.conftest import running, sqlite

PAGE = Path(__file__).resolve().parents[2] / "docs" / "systems.md"


def examples() -> Iterator[httpx2.Request]:
    """The requests that the page makes with curl."""
    for block in re.findall(r"```sh\n(curl .*?)```", PAGE.read_text(), re.DOTALL):
        for command in block.replace("\\\n", " ").strip().split("\n"):
            yield _request(shlex.split(command)[1:])


def _request(words: list[str]) -> httpx2.Request:
    method, content, headers, url = None, None, {}, ""
    left = iter(words)
    for word in left:
        if word == "-X":
            method = next(left)
        elif word == "-d":
            content = next(left)
        elif word == "-H":
            name, _, value = next(left).partition(": ")
            headers[name] = value
        elif not word.startswith("-"):
            url = f"http://{word}"
    return httpx2.Request(method or ("POST" if content else "GET"), url, headers=headers, content=content)


@pytest.mark.anyio
async def test_every_example_succeeds(tmp_path: Path) -> None:
    requests = list(examples())
    assert len(requests) >= 10
    async with AsyncExitStack() as stack:
        apps = {9101: create_inventory(sqlite(tmp_path, "i")), 9102: create_activation(sqlite(tmp_path, "a"))}
        clients = {port: await stack.enter_async_context(running(app)) for port, app in apps.items()}
        for request in requests:
            answer = await clients[request.url.port or 0].send(request)
            assert answer.is_success, (request.method, str(request.url), answer.text)
