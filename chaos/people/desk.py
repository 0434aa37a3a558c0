"""The desk of those who settle what falls out, and who do the work of people."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from contextlib import suppress
from typing import Any

from chaos.people.counter import Counter, NoAnswerError
from chaos.people.journal import Journal
from orders.model.task import TaskAction
from tmf.bodies import Document

_LOOKS = 1.0
_GIVES_UP_AFTER = 6
"""How often people have the steps of one order tried again before they let one fail."""


class Desk:
    """Settles each open task as the story of its order says: by another try, or by letting it fail."""

    def __init__(self, counter: Counter, journal: Journal) -> None:
        self._counter, self._journal = counter, journal
        self._settled: Tally[str] = Tally()

    async def work(self) -> None:
        """Settle tasks for ever."""
        while True:
            with suppress(NoAnswerError):
                await self.once()
            await asyncio.sleep(_LOOKS)

    async def once(self) -> None:
        """Settle every task that is open now.

        Raises:
            NoAnswerError: when nobody answers.
        """
        for task in await self._counter.listed("/fallout/v1/task?state=open"):
            await self._say(task, "fallout", "resolution", {"action": self._action(task)})
        for task in await self._counter.listed("/manual/v1/task?state=open"):
            await self._say(task, "manual", "completion", {"values": values_for(task)})

    async def _say(self, task: Document, api: str, word: str, body: dict[str, Any]) -> None:
        answer = await self._counter.ask("POST", f"/{api}/v1/task/{task['id']}/{word}", {"author": "chaos", **body})
        if answer.is_success:
            self._settled[task["rootId"]] += 1
            self._journal.settled += 1

    def _action(self, task: Document) -> str:
        placed = self._journal.placed.get(task["rootId"])
        before = self._settled[task["rootId"]]
        wish = placed.plot.settled_by if placed and not before else TaskAction.RETRY
        return action_for(task, wish, patient=before < _GIVES_UP_AFTER)


def action_for(task: Document, wish: TaskAction, *, patient: bool) -> str:
    """Return how a task is settled: an undo is tried again always, since giving it up leaves something behind."""
    ways: list[str] = task["actions"]
    if task.get("undoing"):
        wish = TaskAction.RETRY
    elif not patient:
        wish = TaskAction.FAIL
    return wish.value if wish.value in ways else ways[0]


def values_for(task: Document) -> dict[str, Any]:
    """Return values that a task of people wants, of the types that it wants."""
    known = {"integer": 1, "number": 1.5, "boolean": True}
    return {each["name"]: known.get(each.get("valueType", ""), "T-1") for each in task.get("wanted") or []}
