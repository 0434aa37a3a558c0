"""Processes of the bench's own, and what processes take of the machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from embedded import tether
from embedded.modules import module_command, module_environment
from embedded.process import tail

READY = "ready"
"""The line that a process prints once it works."""
_STOPS_WITHIN_SECONDS = 5.0


@asynccontextmanager
async def module_running(name: str, arguments: Sequence[str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run one of our modules, from its word that it is ready to the end of the block. Its errors go to `log`.

    Raises:
        RuntimeError: when it ends before it is ready.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(*module_command(name)[:1], "-I", "-S", tether.__file__, str(os.getpid())),
            *module_command(name),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **module_environment()},
        )
    try:
        assert process.stdout is not None
        while (line := (await process.stdout.readline()).decode().strip()) != READY:
            if not line and process.stdout.at_eof():
                raise RuntimeError(f"{name} did not start:\n{tail(log)}")
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOPS_WITHIN_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds that each process has taken since its start, user and system."""
    times = {name: psutil.Process(pid).cpu_times() for name, pid in pids.items()}
    return {name: each.user + each.system for name, each in times.items()}


def resident_bytes(pid: int) -> int:
    """Return the memory of a process: its resident set."""
    resident: int = psutil.Process(pid).memory_info().rss
    return resident
