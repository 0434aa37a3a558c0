"""Group commit: what is to be written while a transaction runs goes into the next one, all of it together.

Who writes while nothing runs is not kept waiting. A write that fails fails alone: the others of its transaction are
run again without it, so a write must have no effects but on the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
A = TypeVar("A")

Work = Callable[[Connection, Sequence[A]], Sequence[T]]
"""Writes several arguments, and returns a result of each."""

_MOST_TOGETHER = 100
"""How many writes a transaction has at most: other processes wait for it."""


class Transact(Protocol):
    """Runs a function in a transaction that is committed at its end, or rolled back on an error."""

    def __call__(self, work: Callable[[Connection], T], /, *, durable: bool) -> Awaitable[T]: ...


@dataclass(slots=True, eq=False)
class _Write:
    work: Work[Any, Any]
    argument: Any
    durable: bool
    apart: bool = False
    """Whether its arguments are to be written by themselves, since those of a call that it was part of failed."""
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class _FailedError(Exception):
    def __init__(self, writes: Sequence[_Write]) -> None:
        self.writes = writes


class Writer:
    """Runs writes in one transaction after another."""

    def __init__(self, transact: Transact) -> None:
        self._transact = transact
        self._waiting: list[_Write] = []
        self._running: asyncio.Task[None] | None = None

    async def write(self, work: Work[A, T], argument: A, *, durable: bool = True) -> T:
        """Have an argument written by `work`, and return the result of it once it is committed.

        `work` is called once in a transaction, for all that wait to have something written by it; the calls of a
        transaction follow each other as the first of each came. Who stops waiting, by being cancelled, may find it
        written or not.

        Args:
            durable: whether it must outlast a power cut from then on; else that may cost what was written last.
        """
        write = _Write(work, argument, durable)
        self._waiting.append(write)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        result: T = await write.done
        return result

    async def close(self) -> None:
        """Return when all is written that was to be."""
        if self._running is not None:
            await asyncio.shield(self._running)

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            await self._commit([write for write in batch if not write.done.done()])
        self._running = None

    async def _commit(self, writes: Sequence[_Write]) -> None:
        """Run writes in one transaction, without those that fail, which are told so once the others are through."""
        failed: list[tuple[_Write, Exception]] = []
        while writes:
            try:
                durable = any(write.durable for write in writes)
                results = await self._transact(partial(_run_all, writes=writes), durable=durable)
            except _FailedError as failure:
                if len(failure.writes) > 1:
                    for write in failure.writes:
                        write.apart = True
                    continue
                failed += [(write, _cause(failure)) for write in failure.writes]
                writes = [write for write in writes if write not in failure.writes]
            except Exception as error:
                failed += [(write, error) for write in writes]
                break
            else:
                _settle(writes, results)
                break
        for write, reason in failed:
            if not write.done.done():
                write.done.set_exception(reason)


def _run_all(connection: Connection, writes: Sequence[_Write]) -> list[Any]:
    """Run writes, and return their results in the order of the writes.

    Raises:
        _FailedError: when a call failed, by what it failed.
    """
    results: dict[int, Any] = {}
    for some in _calls(writes):
        try:
            found = some[0].work(connection, [write.argument for write in some])
        except Exception as error:
            raise _FailedError(some) from error
        results |= {id(write): result for write, result in zip(some, found, strict=True)}
    return [results[id(write)] for write in writes]


def _calls(writes: Sequence[_Write]) -> Iterator[list[_Write]]:
    """Yield the writes that one call is to write together."""
    calls: dict[object, list[_Write]] = {}
    for write in writes:
        calls.setdefault(write if write.apart else write.work, []).append(write)
    yield from calls.values()


def _settle(writes: Sequence[_Write], results: Sequence[Any]) -> None:
    for write, result in zip(writes, results, strict=True):
        if not write.done.done():
            write.done.set_result(result)


def _cause(failure: _FailedError) -> Exception:
    assert isinstance(failure.__cause__, Exception)
    return failure.__cause__
