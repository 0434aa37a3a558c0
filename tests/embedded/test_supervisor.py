"""The supervisor, with tiny commands: starts in order, restarts what dies, ends everything, says what went wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from embedded.process import Part
from embedded.supervisor import PartFailedError, Supervisor

pytestmark = pytest.mark.anyio

LIVES = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).write_text('up'); signal.pause()"
DIES = "import sys; print('the shelf is empty'); sys.exit(3)"
STUBBORN = (
    "import pathlib, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "pathlib.Path(sys.argv[1]).write_text('up')\nwhile True: signal.pause()"
)


def part(name: str, code: str, tmp_path: Path, after: tuple[str, ...] = (), stop_within: float = 5) -> Part:
    mark = tmp_path / f"{name}.up"
    return Part(
        name=name,
        command=[sys.executable, "-S", "-c", code, str(mark)],
        ready=exists(mark),
        after=after,
        stop_within=stop_within,
    )


def exists(mark: Path) -> Callable[[int], Awaitable[bool]]:
    async def check(_pid: int) -> bool:
        return says_up(mark)

    return check


def says_up(mark: Path) -> bool:
    return mark.exists() and mark.read_text() == "up"


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def eventually(condition: Callable[[], bool], within: float = 10) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # what is waited for is another process
            await asyncio.sleep(0.01)


async def test_parts_start_after_those_they_need_and_end_before_them(tmp_path: Path) -> None:
    order: list[str] = []
    supervisor = Supervisor(tmp_path, order.append, changed=lambda pids: order.append(list(pids)[-1]))
    await supervisor.start([part("engine", LIVES, tmp_path), part("worker", LIVES, tmp_path, after=("engine",))])
    assert order == ["engine", "worker"]
    pids = supervisor.pids
    assert list(pids) == ["engine", "worker"]
    await supervisor.stop()
    assert not any(is_running(pid) for pid in pids.values())
    assert supervisor.pids == {}


async def test_a_part_that_is_killed_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor(tmp_path, told.append, first_pause=0.01)
    await supervisor.start([part("worker", LIVES, tmp_path)])
    try:
        first = supervisor.pids["worker"]
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: len(told) == 2)
        second = supervisor.pids["worker"]
        assert second != first
        assert told == [
            "worker ended (SIGKILL); it starts again in 0.01 s",
            f"worker is up again, pid {second}",
        ]
    finally:
        await supervisor.stop()


async def test_pauses_between_restarts_grow_when_a_part_keeps_dying(tmp_path: Path) -> None:
    told: list[str] = []
    dying = part("worker", DIES, tmp_path)
    (tmp_path / "worker.up").write_text("up")
    supervisor = Supervisor(tmp_path, told.append, first_pause=0.01)
    await supervisor.start([dying])
    try:
        await eventually(lambda: sum("starts again" in line for line in told) >= 3)
    finally:
        await supervisor.stop()
    pauses = [line.rpartition(" in ")[2] for line in told if "starts again" in line]
    assert pauses[:3] == ["0.01 s", "0.02 s", "0.04 s"]


async def test_a_part_that_dies_at_its_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _line: None)
    with pytest.raises(PartFailedError) as failed:
        await supervisor.start([part("inventory", DIES, tmp_path)])
    await supervisor.stop()
    assert str(failed.value) == (
        f"inventory ended at its start (exit code 3); its log {tmp_path / 'inventory.log'} ends:\nthe shelf is empty"
    )


async def test_the_log_of_an_earlier_run_is_not_shown_as_the_last_words(tmp_path: Path) -> None:
    (tmp_path / "inventory.log").write_text("long ago\n")
    supervisor = Supervisor(tmp_path, lambda _line: None)
    with pytest.raises(PartFailedError) as failed:
        await supervisor.start([part("inventory", "raise SystemExit(1)", tmp_path)])
    await supervisor.stop()
    assert str(failed.value).strip().endswith("its log " + str(tmp_path / "inventory.log") + " is empty")


async def test_a_part_that_is_never_up_is_given_up(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _line: None, start_within=0.2)
    with pytest.raises(PartFailedError, match="worker was not up after 0 seconds"):
        await supervisor.start([part("worker", "import signal; signal.pause()", tmp_path)])
    pid = supervisor.pids["worker"]
    await supervisor.stop()
    assert not is_running(pid)


async def test_when_one_part_fails_the_others_are_ended_by_stop(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _line: None)
    with pytest.raises(PartFailedError):
        await supervisor.start([part("engine", LIVES, tmp_path), part("worker", DIES, tmp_path, after=("engine",))])
    pid = supervisor.pids["engine"]
    await supervisor.stop()
    assert not is_running(pid)


async def test_a_part_that_does_not_listen_to_sigterm_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _line: None)
    await supervisor.start([part("worker", STUBBORN, tmp_path, stop_within=0.1)])
    pid = supervisor.pids["worker"]
    await supervisor.stop()
    assert not is_running(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
async def test_no_part_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from embedded.process import Part
from embedded.supervisor import Supervisor
async def ready(pid): return pathlib.Path(sys.argv[1]).exists()
async def main():
    s = Supervisor(pathlib.Path({str(tmp_path)!r}), print)
    await s.start([Part("p", [sys.executable, "-S", "-c", {LIVES!r}, sys.argv[1]], ready)])
    print(s.pids["p"], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "p.up"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    await parent.communicate()
    await eventually(lambda: not is_running(pid) or is_zombie(pid))


def is_zombie(pid: int) -> bool:
    """A process whose parent died may wait for the init process of a container to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
