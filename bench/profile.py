"""Where a process takes its time: flame graphs of a run."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

_SAMPLES_A_SECOND = 200


@asynccontextmanager
async def profiled(pids: Mapping[str, int], names: Sequence[str], folder: Path) -> AsyncIterator[None]:
    """Sample processes of Python for the length of the block; `folder` then has `<name>.svg` of each."""
    running = []
    for name in names:
        command = _command(pids[name], folder / f"{name}.svg")
        running.append(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL))
    try:
        yield
    finally:
        for process in running:
            process.send_signal(signal.SIGINT)
            await process.wait()


def _command(pid: int, output: Path) -> list[str]:
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--output", str(output)]
    return [*command, "--rate", str(_SAMPLES_A_SECOND), "--duration", "unlimited", "--threads"]
