"""A stage of real processes, whose worker is killed where a test wants it; scenarios play on it as on any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from chaos.collect import checked, collected, listen, running
from chaos.facts import PlacedFact
from chaos.foreign import Foreign
from chaos.people.counter import Counter
from chaos.people.journal import Journal
from chaos.stack import stack as stacks
from chaos.stack.stack import SQLITE, Stack, Wish
from orders.intake import derived_id
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tests.stage import DELIVERY, ORDERS, Stage, eventually

_CLIENT = "anonymous"


@dataclass
class DeadlyStage(Stage):
    """Names its orders before they are placed, so that a worker can know where it is to die of which."""

    name: str = ""
    kills: Path = Path()
    at: tuple[int, str] | None = None
    """Which of the orders, and at which boundary of it."""
    placed: list[PlacedFact] = field(default_factory=list)
    faults: list[tuple[httpx2.AsyncClient, str]] = field(default_factory=list)

    async def submit(self, document: dict[str, Any]) -> str:
        kind = next(kind for kind, items in ITEM_LISTS.items() if items in document)
        number = len(self.submitted)
        order_id = self._id(number, kind)
        if self.at is not None and self.at[0] == number:
            (self.kills / order_id).write_text(self.at[1])
        headers = {"Idempotency-Key": self._key(number)}
        answer = await self.gateway.post(ORDERS[kind], json=document, headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.json()["id"] == order_id
        self.submitted.append(order_id)
        items = document[ITEM_LISTS[kind]]
        changed = [item["product"]["id"] for item in items if item.get("action") in ("modify", "delete")]
        self.placed.append(PlacedFact(order_id, kind.value, self.name, "", *changed))
        return order_id

    async def fault(self, system: httpx2.AsyncClient, **rule: Any) -> None:
        """Make a system fail for this scenario's next order alone: others play beside it."""
        match = {**rule.get("match", {}), "order": self._name_of_next()}
        answer = await system.post("/faults", json={"times": None, **rule, "match": match})
        assert answer.status_code == 201, answer.text
        self.faults.append((system, answer.json()["id"]))

    async def heal(self) -> None:
        while self.faults:
            system, fault = self.faults.pop()
            await system.delete(f"/faults/{fault}")

    def boundaries(self, number: int) -> list[str]:
        """Return the boundaries that one of the orders came to."""
        return (self.kills / f"{self.submitted[number]}.seen").read_text().splitlines()

    def died(self) -> bool:
        """Return whether the worker died where it was to die."""
        return self.at is not None and not (self.kills / self.submitted[self.at[0]]).exists()

    def _key(self, number: int) -> str:
        return f"{self.name}/{number}"

    def _id(self, number: int, kind: OrderKind) -> str:
        return derived_id(_CLIENT, "idempotencyKey", self._key(number), kind)

    def _name_of_next(self) -> str:
        """Return what is the same in the id of the next order whichever kind it has."""
        return self._id(len(self.submitted), OrderKind.PRODUCT)


@dataclass
class Theatre:
    """A stack on which many scenarios play at a time, and what is asked of it at the end."""

    stack: Stack
    counter: Counter
    foreign: Foreign
    kills: Path
    clients: dict[str, Any]
    """The gateway and the systems, by their names on a stage."""
    placed: list[PlacedFact] = field(default_factory=list)
    _stages: int = 0

    def stage(self, scenario: str, at: tuple[int, str] | None = None) -> DeadlyStage:
        """Return a stage for one playing of a scenario."""
        self._stages += 1
        nothing: Any = None  # what only tests within one process ask for
        return DeadlyStage(
            client=self.stack.temporal,
            **self.clients,
            queue=self.stack.queue,
            delivery=DELIVERY,
            orders=nothing,
            lock_releaser=nothing,
            assurance=nothing,
            setbacks=nothing,
            orphans=nothing,
            app=nothing,
            name=f"{scenario}/{self._stages}",
            kills=self.kills,
            at=at,
            placed=self.placed,
        )

    async def violations(self) -> dict[str, list[str]]:
        """Return what is wrong once all is quiet."""

        async def quiet() -> bool:
            return not await running(self.stack.temporal, self.stack.queue)

        await eventually(quiet)
        _, wrong = await checked(partial(collected, self.stack, self.counter, self.placed, self.foreign))
        return wrong


@asynccontextmanager
async def theatre(folder: Path) -> AsyncIterator[Theatre]:
    """Run a stack with one gateway and one worker, which can be told where to die."""
    kills = folder / "kills"
    kills.mkdir()
    wish = Wish(SQLITE, folder / "stack", gateways=1, workers=1, kills=kills)
    async with AsyncExitStack() as entered:
        stack = await entered.enter_async_context(stacks.running(wish))
        addresses = {"gateway": stack.gateways[0], **stack.systems}
        clients = {
            name: await entered.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False))
            for name, url in addresses.items()
        }
        counter, foreign = Counter(stack.gateways, stack.http, Journal(), 60), Foreign()
        await foreign.make(stack)
        await listen(stack, counter)
        yield Theatre(stack, counter, foreign, kills, clients)


async def side_by_side(number: int, *playing: Any) -> list[Any]:
    """Await things, so many at a time, and return what each came to, or the error that it ended with."""
    room = asyncio.Semaphore(number)

    async def one(each: Any) -> Any:
        async with room:
            return await each

    return await asyncio.gather(*map(one, playing), return_exceptions=True)
