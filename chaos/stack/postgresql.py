"""A PostgreSQL server of a stack's own, as a part of it: it is killed and started again like any other."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from embedded.ports import LOOPBACK
from embedded.process import Part

NAME = "postgresql"
_SETTINGS = f"""
listen_addresses = '{LOOPBACK}'
max_connections = 200
"""
_USER = "postgres"


class NoPostgresError(Exception):
    """No PostgreSQL is installed."""


def programs() -> Path:
    """Return the folder of the newest server's programs; Debian keeps them off the PATH.

    Raises:
        NoPostgresError: when there is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        raise NoPostgresError("PostgreSQL is not installed: install it, or choose DATABASE=sqlite")
    return Path(initdb).parent


def url(port: int) -> str:
    """Return the URL of the database, at the server's port or that of a proxy before it."""
    return f"postgresql://{_USER}@{LOOPBACK}:{port}/postgres"


def made(home: Path, port: int) -> Part:
    """Make a server's files in a folder, which its user can reach, and return the server as a part.

    Raises:
        NoPostgresError: when PostgreSQL is not installed.
    """
    folder = programs()
    home.mkdir()
    if os.geteuid() == 0:
        shutil.chown(home, _USER, _USER)
    data = home / "data"
    command = [str(folder / "initdb"), "--pgdata", str(data), "--auth", "trust", "--username", _USER, "--no-sync"]
    subprocess.run([*_as_user(), *command], check=True, stdout=subprocess.DEVNULL, cwd="/")
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"{_SETTINGS}port = {port}\nunix_socket_directories = '{home}'\n")
    return Part(
        name=NAME, command=[*_as_user(), str(folder / "postgres"), "-D", str(data)], ready=_serves(folder, port)
    )


def _as_user() -> list[str]:
    """Return what begins a command that root must not run; the process dies with its parent all the same."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid", _USER, "--regid", _USER, "--clear-groups", "--pdeathsig", "SIGKILL"]


def _serves(folder: Path, port: int) -> Callable[[int], Awaitable[bool]]:
    async def check(_pid: int) -> bool:
        asking = [str(folder / "pg_isready"), "--quiet", "--host", LOOPBACK, "--port", str(port)]
        return await (await asyncio.create_subprocess_exec(*asking)).wait() == 0

    return check
