"""The processes of a stack, which are started again whenever they end, and can be killed and frozen."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from embedded.process import Child, Part, describe_exit

_START_WITHIN = 90.0
_LOOKS = 0.1
_PAUSE = 0.3
"""Seconds between the end of a process and its next start."""


class NotUpError(Exception):
    """A process did not come up; the message ends with the end of its log."""


class Processes:
    """Runs parts, each with a log file of its own."""

    def __init__(self, logs: Path) -> None:
        self.ended: list[str] = []
        """What ended without having been killed or told to, and how."""
        self._logs = logs
        self._children: dict[str, Child] = {}
        self._wanted: dict[str, asyncio.Event] = {}
        """Part → whether it may run now."""
        self._told_to_end: set[str] = set()
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def names(self) -> list[str]:
        return list(self._children)

    async def start(self, parts: Iterable[Part]) -> None:
        """Start parts side by side, and return when each is up.

        Raises:
            NotUpError: when one is not in time.
        """
        parts = list(parts)
        for part in parts:
            self._children[part.name] = await self._spawned(part)
        await asyncio.gather(*(self._up(part) for part in parts))
        for part in parts:
            self._wanted[part.name] = asyncio.Event()
            self._wanted[part.name].set()
            self._keepers.append(asyncio.create_task(self._keep(part)))

    async def stop(self) -> None:
        """End all of them: they are not needed any more."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for child in self._children.values():
            _signal(child, signal.SIGKILL)
        await asyncio.gather(*(child.wait() for child in self._children.values()))

    def kill(self, name: str) -> None:
        """Kill a process and all that it has started; it stays away until `revive`."""
        self._wanted[name].clear()
        _signal(self._children[name], signal.SIGKILL)

    def revive(self, name: str) -> None:
        """Let a process run again that was killed."""
        self._wanted[name].set()

    def freeze(self, name: str) -> None:
        """Stop a process and all that it has started, in the middle of whatever they do."""
        _signal(self._children[name], signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a process go on."""
        _signal(self._children[name], signal.SIGCONT)

    async def restart(self, name: str) -> None:
        """End a process in an orderly way; it is started again."""
        self._told_to_end.add(name)
        await self._children[name].stop()

    async def all_up(self) -> None:
        """Wait until every process is up."""
        await asyncio.gather(*(self._up(child.part) for child in self._children.values()))

    async def _spawned(self, part: Part) -> Child:
        return await Child.start(part, self._logs / f"{part.name}.log")

    async def _up(self, part: Part) -> None:
        try:
            async with asyncio.timeout(_START_WITHIN):
                while not await self._answers(part):  # noqa: ASYNC110  # another process will tell nobody
                    await asyncio.sleep(_LOOKS)
        except TimeoutError:
            child = self._children[part.name]
            how = "" if child.exit_code is None else f" ({describe_exit(child.exit_code)})"
            raise NotUpError(f"{part.name} is not up{how}; its log ends:\n{child.last_words()}") from None

    async def _answers(self, part: Part) -> bool:
        try:
            return await part.ready(self._children[part.name].pid)
        except OSError:
            return False

    async def _keep(self, part: Part) -> None:
        while True:
            code = await self._children[part.name].wait()
            if self._wanted[part.name].is_set() and part.name not in self._told_to_end:
                self.ended.append(f"{part.name} ended by itself ({describe_exit(code)})")
            self._told_to_end.discard(part.name)
            await self._wanted[part.name].wait()
            await asyncio.sleep(_PAUSE)
            self._children[part.name] = await self._spawned(part)


def _signal(child: Child, number: signal.Signals) -> None:
    if child.exit_code is not None:
        return
    for pid in (child.pid, *descendants(child.pid)):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """Return the ids of the processes that one has started, and of those that these have."""
    parents = dict(_parents())
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # The name of the command may have anything in it, and ends with the last bracket.
                _, _, rest = (entry / "stat").read_text().rpartition(")")
                yield int(entry.name), int(rest.split()[1])
