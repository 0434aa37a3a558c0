"""One child process of the embedded stack: its command, its log file, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the stack, as the supervisor sees it."""

    name: str
    command: list[str]
    ready: Callable[[int], Awaitable[bool]]
    """Tells, given the process id, whether the part is up; False and OSError mean not yet."""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    """What differs from the supervisor's own environment; None takes a variable away."""
    after: tuple[str, ...] = ()
    """Parts that must be up before this one starts."""
    stop_within: float = 10.0
    """Seconds from SIGTERM to SIGKILL."""


class Child:
    """A running process of a part. Its output goes to the end of `log`."""

    def __init__(self, part: Part, process: asyncio.subprocess.Process, log: Path, log_start: int) -> None:
        self.part, self.log = part, log
        self._process, self._log_start = process, log_start

    @classmethod
    async def start(cls, part: Part, log: Path) -> Child:
        """Start the part in a process group of its own, so that a terminal's Ctrl-C reaches the supervisor alone.

        Raises:
            OSError: when the command cannot be run.
        """
        with log.open("ab") as output:
            log_start = output.tell()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_TETHER), str(os.getpid())),
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=_environment(part),
                start_new_session=True,
            )
        return cls(part, process, log, log_start)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, minus the signal's number where one ended it, or None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self) -> None:
        """End the process and what it started: asked first, killed when its time is over."""
        if self.exit_code is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.part.stop_within):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            self._signal(signal.SIGKILL)
        await self._process.wait()

    def last_words(self) -> str:
        """Return the end of what this process wrote."""
        return tail(self.log, self._log_start)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _environment(part: Part) -> dict[str, str]:
    merged = {**os.environ, **part.environment}
    return {name: value for name, value in merged.items() if value is not None}


def tail(log: Path, start: int = 0, lines: int = 15) -> str:
    """Return the last lines of a file, none of them from before byte `start`."""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def describe_exit(code: int) -> str:
    """Say how a process ended: `exit code 1`, `SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
