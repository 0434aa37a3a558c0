"""What an order comes down to, as a fixed script: a tree of units, and the calls of systems that each makes.

Recorded once of a real order by `python -m bench.record`, with placeholders `${name}` for what differs from order to
order: `order` and `customer`, and what systems answered to earlier calls.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, Field

from application.connections import Connection, PooledConnection, connected

SCRIPTS = Path(__file__).parents[1] / "scripts"
PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")

Known = dict[str, str]
"""Values of placeholders by name."""

_LOOKS_SECONDS = 0.02
_TIMEOUT = timedelta(seconds=30)


class Call(BaseModel):
    """One request to a system. All its texts may have placeholders."""

    key: str
    after: list[str] = Field(default_factory=list)
    """Keys of the calls of the same layer that come before it."""
    system: str
    method: str
    path: str
    """With its query."""
    idempotency_key: str | None = None
    body: str | None = None
    """JSON."""
    uses: list[str] = Field(default_factory=list)
    """Names of the placeholders in it."""
    keeps: dict[str, str] = Field(default_factory=dict)
    """Name of a placeholder → dotted path of its value in the answer."""
    until: str | None = None
    """The `state` until which it is repeated; once where none is named."""


class Layer(BaseModel):
    """Calls of one unit that nothing else has to come between. Without calls, a point that others wait for."""

    key: str
    after: list[str] = Field(default_factory=list)
    """Keys of the layers and children of the same unit that come before it."""
    calls: list[Call] = Field(default_factory=list)


class Child(BaseModel):
    """A part of a unit that is a unit of its own."""

    key: str
    after: list[str] = Field(default_factory=list)
    unit: Unit


class Unit(BaseModel):
    """What one workflow does: an order, one of its service orders, or a resource order of these."""

    kind: Literal["order", "service", "resource"]
    key: str
    """Unique within the script; that of the order is empty."""
    parts: list[Layer | Child]
    uses: list[str] = Field(default_factory=list)
    """Names of the placeholders in its calls, and those of its children, that others keep."""
    keeps: list[str] = Field(default_factory=list)
    """Names of the placeholders that it keeps and others use."""

    def units(self) -> Iterator[Unit]:
        """Yield this unit and all below it, parents first."""
        yield self
        for part in self.parts:
            if isinstance(part, Child):
                yield from part.unit.units()

    def calls(self) -> Iterator[Call]:
        """Yield the calls of this unit and of all below it."""
        for unit in self.units():
            for part in unit.parts:
                if isinstance(part, Layer):
                    yield from part.calls


def load(name: str) -> Unit:
    """Return the script of an order, by the name of its example."""
    return Unit.model_validate_json((SCRIPTS / f"{name}.json").read_text())


def names() -> list[str]:
    """Return the names of the scripts that there are."""
    return sorted(path.stem for path in SCRIPTS.glob("*.json"))


class _Step(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def after(self) -> list[str]: ...


S = TypeVar("S", bound=_Step)


async def in_order(steps: Sequence[S], do: Callable[[S], Awaitable[None]]) -> None:
    """Do all steps, each once those that it comes after are done; earlier ones stand before later ones."""
    done: dict[str, asyncio.Task[None]] = {}

    async def run(step: S) -> None:
        for key in step.after:
            await done[key]
        await do(step)

    for step in steps:
        done[step.key] = asyncio.ensure_future(run(step))
    await asyncio.gather(*done.values())


def pick(known: Mapping[str, str], names: Sequence[str]) -> Known:
    """Return what is known by these names."""
    return {name: known[name] for name in names}


@asynccontextmanager
async def connections_of(urls: Mapping[str, str]) -> AsyncIterator[dict[str, PooledConnection]]:
    """Yield connections to systems as ours has them, by name: all contenders pay the same for a request."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(connected(url, _TIMEOUT)) for name, url in urls.items()}


class Systems:
    """The reference systems, as a script calls them."""

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        self._connections = connections

    async def call(self, call: Call, known: Mapping[str, str]) -> Known:
        """Make one call; return what it keeps.

        Raises:
            NoResponseError: when the system does not answer.
            RuntimeError: when it refuses.
        """
        while True:
            answer = await self._send(call, known)
            if call.until is None or answer["state"] == call.until:
                return {name: str(at(answer, path)) for name, path in call.keeps.items()}
            await asyncio.sleep(_LOOKS_SECONDS)

    async def calls(self, layer: Layer, known: Mapping[str, str]) -> Known:
        """Make all calls of a layer; return what they keep."""
        seen, kept = dict(known), {}

        async def do(call: Call) -> None:
            new = await self.call(call, seen)
            seen.update(new)
            kept.update(new)

        await in_order(layer.calls, do)
        return kept

    async def _send(self, call: Call, known: Mapping[str, str]) -> Any:
        headers = {"Content-Type": "application/json"}
        if call.idempotency_key:
            headers["Idempotency-Key"] = fill(call.idempotency_key, known)
        content = fill(call.body, known).encode() if call.body else None
        target = fill(call.path, known)
        response = await self._connections[call.system].send(call.method, target, headers, content)
        if not 200 <= response.status < 300:
            raise RuntimeError(f"{call.system} answered {response.status} to {call.method} {target}: {response.text}")
        return json.loads(response.content) if response.content else {}


def fill(text: str, known: Mapping[str, str]) -> str:
    """Return a text with its placeholders replaced."""
    return PLACEHOLDER.sub(lambda found: known[found[1]], text)


def at(document: Any, path: str) -> Any:
    """Return what is at a dotted path; numbers count in lists."""
    for part in path.split("."):
        document = document[int(part) if isinstance(document, list) else part]
    return document


def dumps(unit: Unit) -> str:
    return json.dumps(unit.model_dump(exclude_defaults=True), indent=1, ensure_ascii=False) + "\n"
