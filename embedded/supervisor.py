"""Keeps the parts of a stack running: started in order, watched, restarted with back-off, ended in reverse order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from embedded.errors import StackError
from embedded.process import Child, Part, describe_exit

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
SETTLED = 60.0
"""Seconds that a part must run for its next death to count as a first one."""
_POLL = 0.05


class PartFailedError(StackError):
    """A part did not come up; the message ends with the end of its log."""

    def __init__(self, child: Child, how: str) -> None:
        words = child.last_words()
        super().__init__(f"{child.part.name} {how}; its log {child.log} {'ends:' if words else 'is empty'}\n{words}")
        self.part = child.part.name


class Supervisor:
    """Runs parts, each with its own log file in `logs`.

    Usage:
        supervisor = Supervisor(logs, tell=print)
        try:
            await supervisor.start(parts)
            await stop_event.wait()
        finally:
            await supervisor.stop()
    """

    def __init__(
        self,
        logs: Path,
        tell: Callable[[str], None],
        *,
        start_within: float = 60.0,
        first_pause: float = FIRST_PAUSE,
        changed: Callable[[dict[str, int]], None] | None = None,
    ) -> None:
        self._logs, self._tell, self._changed = logs, tell, changed
        self._start_within, self._first_pause = start_within, first_pause
        self._children: dict[str, Child] = {}
        self._up: dict[str, asyncio.Event] = {}
        self._watchers: list[asyncio.Task[None]] = []

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the parts that run, by name, in the order of their start."""
        return {name: child.pid for name, child in self._children.items() if child.exit_code is None}

    async def start(self, parts: Iterable[Part]) -> None:
        """Start all parts, side by side where none waits for another, and return when every one is up.

        Raises:
            PartFailedError: when one ends at its start, or is not up in time; the others run until `stop`.
            OSError: when a command cannot be run.
        """
        parts = list(parts)
        self._up = {part.name: asyncio.Event() for part in parts}
        starts = [asyncio.create_task(self._bring_up(part)) for part in parts]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for each in starts:
                each.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            raise
        self._watchers = [asyncio.create_task(self._keep_up(part)) for part in parts]

    async def stop(self) -> None:
        """End every part within its own time, none before those that wait for it at their start."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        gone = {name: asyncio.Event() for name in self._children}
        await asyncio.gather(*(self._end(child, gone) for child in self._children.values()))

    async def _end(self, child: Child, gone: dict[str, asyncio.Event]) -> None:
        try:
            for other in self._children.values():
                if child.part.name in other.part.after:
                    await gone[other.part.name].wait()
            await child.stop()
        finally:
            gone[child.part.name].set()

    async def _bring_up(self, part: Part) -> None:
        for name in part.after:
            if name in self._up:
                await self._up[name].wait()
        await self._spawn(part)
        await self._wait_until_ready(part)
        self._up[part.name].set()

    async def _spawn(self, part: Part) -> None:
        self._children[part.name] = await Child.start(part, self._logs / f"{part.name}.log")
        if self._changed:
            self._changed(self.pids)

    async def _wait_until_ready(self, part: Part) -> None:
        child = self._children[part.name]
        deadline = time.monotonic() + self._start_within
        while not await _answers(child):
            if child.exit_code is not None:
                raise PartFailedError(child, f"ended at its start ({describe_exit(child.exit_code)})")
            if time.monotonic() > deadline:
                raise PartFailedError(child, f"was not up after {self._start_within:.0f} seconds")
            await asyncio.sleep(_POLL)

    async def _keep_up(self, part: Part) -> None:
        pause = self._first_pause
        while True:
            started = time.monotonic()
            how = describe_exit(await self._children[part.name].wait())
            if time.monotonic() - started > SETTLED:
                pause = self._first_pause
            self._tell(f"{part.name} ended ({how}); it starts again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            await self._restart(part)

    async def _restart(self, part: Part) -> None:
        try:
            await self._spawn(part)
            await self._wait_until_ready(part)
        except (PartFailedError, OSError) as error:
            self._tell(str(error).splitlines()[0])
        else:
            self._tell(f"{part.name} is up again, pid {self._children[part.name].pid}")


async def _answers(child: Child) -> bool:
    try:
        return await child.part.ready(child.pid)
    except OSError:
        return False
