"""The sagas of a graph's nodes: at hand, or in the saga log, where an earlier run of the workflow has written them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from activities.expectations import Expectation
from workflows.contracts.carried import UndoState
from workflows.saga.saga import Saga

Recall = Callable[[Collection[str]], Awaitable[Mapping[str, Saga]]]
"""Returns the sagas of nodes that were done in earlier runs of the workflow."""


class Sagas:
    """What each node of a graph has registered to be undone."""

    def __init__(self) -> None:
        self.unlogged: dict[str, None] = {}
        """Nodes of which the saga log does not have all that they did."""
        self.forgotten: set[str] = set()
        """Nodes that were done in earlier runs, and whose sagas are in the saga log still."""
        self._at_hand: dict[str, Saga] = {}
        self._recall: Recall | None = None
        self._recalling = asyncio.Lock()

    def __contains__(self, key: str) -> bool:
        return key in self._at_hand

    def __getitem__(self, key: str) -> Saga:
        return self._at_hand[key]

    def begin(self, key: str) -> Saga:
        """Return the saga of a node that begins, or goes on, and does more than the saga log has."""
        self.unlogged[key] = None
        return self._at_hand.setdefault(key, Saga())

    def drop(self, key: str) -> None:
        """Forget a node that is undone, and will be done anew."""
        del self._at_hand[key]

    def know(self, key: str, saga: Saga) -> None:
        """Take what a node has done in earlier runs."""
        known = self._at_hand.setdefault(key, Saga())
        known.steps[:0] = saga.steps
        known.expected[:0] = saga.expected

    def recall_by(self, recall: Recall) -> None:
        """Have the sagas of nodes that earlier runs have done by this."""
        self._recall = recall

    async def remember(self, keys: Iterable[str]) -> None:
        """Have what nodes did in earlier runs at hand again, where they did anything."""
        if self._recall is None or self.forgotten.isdisjoint(keys := list(keys)):
            return
        async with self._recalling:
            forgotten = sorted(self.forgotten.intersection(keys))
            for key, saga in (await self._recall(forgotten)).items():
                self.know(key, saga)
            self.forgotten.difference_update(forgotten)


@dataclass(eq=False)
class UndoneTogether:
    """Nodes that are undone together."""

    keys: list[str]
    started: list[str]
    """Those of them that had started, first to last."""
    stopping: dict[str, asyncio.Task[None]]
    """Those that still run, until what they do now is done."""
    anew: bool = False
    """Whether they are done anew afterwards."""
    undone: set[str] = field(default_factory=set)
    expected: list[Expectation] = field(default_factory=list)
    """What systems must show of those that are undone."""

    def state(self) -> UndoState:
        undone, stopping = sorted(self.undone), list(self.stopping)
        return UndoState(keys=self.keys, stopping=stopping, undone=undone, expected=self.expected)
