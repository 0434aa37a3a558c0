"""A PostgreSQL server that lives as long as a measurement."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTINGS = """
listen_addresses = '127.0.0.1'
shared_buffers = 2GB
effective_cache_size = 8GB
maintenance_work_mem = 1GB
random_page_cost = 1.1
max_wal_size = 8GB
"""
"""Those of a small server with a fast disk."""


@contextmanager
def postgresql() -> Iterator[tuple[str, bool]]:
    """Give the URL of a database, and whether it is the one that ORDERSAGA_BENCH_POSTGRES names.

    Else it is an empty one of a server made for it, and goes with that.
    """
    if given := os.environ.get("ORDERSAGA_BENCH_POSTGRES"):
        yield given, True
        return
    programs = _programs()
    home = Path(tempfile.mkdtemp(prefix="ordersaga-bench-"))
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    port = _free_port()
    try:
        _run(programs / "initdb", "--pgdata", home / "data", "--auth", "trust", "--username", "ordersaga", "--no-sync")
        with (home / "data" / "postgresql.conf").open("a") as settings:
            settings.write(f"{_SETTINGS}port = {port}\nunix_socket_directories = '{home}'\n")
        _run(programs / "pg_ctl", "start", "--silent", "--wait", "--pgdata", home / "data", "--log", home / "log")
        try:
            yield f"postgresql://ordersaga@127.0.0.1:{port}/postgres", False
        finally:
            _run(programs / "pg_ctl", "stop", "--silent", "--mode", "immediate", "--pgdata", home / "data")
    finally:
        shutil.rmtree(home)


def _programs() -> Path:
    """Return the folder of the newest server's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        raise SystemExit("PostgreSQL is not installed; ORDERSAGA_BENCH_POSTGRES can name a server instead")
    return Path(initdb).parent


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _run(*command: str | Path) -> None:
    # PostgreSQL refuses to run as root.
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd="/")
