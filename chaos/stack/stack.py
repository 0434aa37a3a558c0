"""The stack of a run: which processes, which proxies between them, and where each finds the others."""

from __future__ import annotations

import base64
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
from temporalio.client import Client

from catalogs.loader import default_catalogs
from chaos.part import KILLS, MUTATION
from chaos.proxy import Proxy, proxied
from chaos.stack import postgresql
from chaos.stack.processes import Processes
from embedded.layout import GATEWAY, TEMPORAL, WORKER, Layout, isolated_layout
from embedded.modules import module_command, module_environment
from embedded.parts import parts, temporal_client
from embedded.ports import LOOPBACK, Ports
from embedded.process import Part
from settings import SYSTEMS

POSTGRESQL, SQLITE = "postgresql", "sqlite"
DATABASES = (POSTGRESQL, SQLITE)
LISTENER = "listener"
_HTTP_TIMEOUT = "PT3S"
_TASK_TIMEOUT = "history.defaultWorkflowTaskTimeout"
_HASTY = {
    r"attemptTimeout: \w+": "attemptTimeout: 5s",
    r"\bbackoff: \w+": "backoff: 1s",
    r"maxBackoff: \w+": "maxBackoff: 3s",
    r"completionTimeout: \w+": "completionTimeout: 45s",
    r"settleAfter: \w+": "settleAfter: 12s",
}
"""What the catalogs' policies say here: the same steps as shipped, tried in seconds."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a stack is to be like."""

    database: str
    folder: Path
    """Where its files are; made, and left to whoever asked."""
    gateways: int = 2
    workers: int = 2
    mutation: str | None = None
    kills: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that runs. Whoever looks at it goes past the proxies."""

    processes: Processes
    links: Mapping[str, Proxy]
    gateways: Sequence[str]
    """Base URLs."""
    systems: Mapping[str, str]
    """System → base URL."""
    store_url: str
    queue: str
    temporal: Client
    http: httpx2.AsyncClient
    callback: str
    """Where the listener takes events, through its proxy."""
    secret: str
    """What events to it are signed with."""
    record: Path
    """Where the listener writes what it has got."""

    async def heal(self) -> None:
        """Mend every link, let every process run, and take all faults of the systems away."""
        for link in self.links.values():
            await link.heal()
        for name in self.processes.names:
            self.processes.thaw(name)
            self.processes.revive(name)
        await self.processes.all_up()
        for url in self.systems.values():
            (await self.http.delete(f"{url}/faults")).raise_for_status()


@asynccontextmanager
async def running(wish: Wish) -> AsyncIterator[Stack]:
    """Run a stack for the length of the block; every process of it is gone afterwards.

    Raises:
        NotUpError: when a part does not come up.
        NoPostgresError: when it is to be on PostgreSQL, and none is installed.
    """
    logs = wish.folder / "logs"
    logs.mkdir(parents=True)
    _hasty_catalogs(wish.folder / "catalogs")
    layout = isolated_layout(wish.folder, {})
    async with AsyncExitStack() as stack:
        processes = Processes(logs)
        stack.push_async_callback(processes.stop)
        links = Links(stack)
        database, store_port = [], Ports.free().port
        if wish.database == POSTGRESQL:
            database = [postgresql.made(_reachable(wish.folder), store_port)]
        whole = [_hasty_temporal(each) if each.name == TEMPORAL else each for each in parts(layout)]
        listener_port, secret = Ports.free().port, _secret()
        record = wish.folder / "received.jsonl"
        listener = _listener(listener_port, secret, record)
        await processes.start([*(each for each in whole if each.name in (TEMPORAL, *SYSTEMS)), *database, listener])
        callback = await links.to("workers", LISTENER, listener_port)
        ports = [layout.ports.port, *(Ports.free().port for _ in range(wish.gateways - 1))]
        public = await links.to("others", GATEWAY, ports[0])
        built = Built(layout, links, wish, f"http://{LOOPBACK}:{public}", store_port)
        gateways = [await built.part(GATEWAY, n, port) for n, port in enumerate(ports, 1)]
        workers = [await built.part(WORKER, n, layout.ports.port) for n in range(1, wish.workers + 1)]
        await processes.start([*gateways, *workers])
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=10, trust_env=False))
        yield Stack(
            processes=processes,
            links=links.proxies,
            gateways=[f"http://{LOOPBACK}:{port}" for port in ports],
            systems=layout.systems,
            store_url=postgresql.url(store_port) if database else layout.store_url,
            queue=layout.task_queue,
            temporal=await temporal_client(layout),
            http=http,
            callback=f"http://{LOOPBACK}:{callback}",
            secret=secret,
            record=record,
        )


class Links:
    """The proxies, by `from>to`."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.proxies: dict[str, Proxy] = {}
        self._stack = stack

    async def to(self, consumer: str, target: str, port: int) -> int:
        """Return the port at which a part reaches another, at its port, from now on."""
        proxy = await self._stack.enter_async_context(proxied((LOOPBACK, port)))
        self.proxies[f"{consumer}>{target}"] = proxy
        return proxy.port


@dataclass(frozen=True, slots=True)
class Built:
    """Makes gateways and workers, each with links of its own to all others."""

    layout: Layout
    links: Links
    wish: Wish
    public_url: str
    store_port: int

    async def part(self, kind: str, number: int, port: int) -> Part:
        """Return a gateway or worker; `port` is where it listens, if it does."""
        name = f"{kind}-{number}"
        ports = self.layout.ports
        systems = {
            each: f"http://{LOOPBACK}:{await self.links.to(name, each, getattr(ports, f'{each}_port'))}"
            for each in SYSTEMS
        }
        store_url = self.layout.store_url
        if self.wish.database == POSTGRESQL:
            store_url = postgresql.url(await self.links.to(name, "store", self.store_port))
        seen = replace(
            self.layout,
            ports=ports.model_copy(update={"port": port}),
            gateway_url=f"http://{LOOPBACK}:{port}",
            systems=systems,
            store_url=store_url,
            temporal_address=f"{LOOPBACK}:{await self.links.to(name, TEMPORAL, ports.temporal_port)}",
            settings={**self.layout.settings, **self._settings()},
        )
        (own,) = (each for each in parts(seen) if each.name == kind)
        module = "worker" if kind == WORKER else "api"
        environment = {**own.environment, MUTATION: self.wish.mutation}
        if self.wish.kills:
            environment[KILLS] = str(self.wish.kills)
        return replace(own, name=name, command=[*module_command("chaos.part"), module], environment=environment)

    def _settings(self) -> dict[str, str]:
        return {
            "ORDERSAGA_CATALOGS": str(self.wish.folder / "catalogs"),
            "ORDERSAGA_PUBLIC_URL": self.public_url,
            "ORDERSAGA_HTTP_TIMEOUT": _HTTP_TIMEOUT,
            "ORDERSAGA_EVENT_TIMEOUT": _HTTP_TIMEOUT,
            "ORDERSAGA_START_SWEEP_INTERVAL": "PT1S",
            "ORDERSAGA_GRACEFUL_SHUTDOWN": "PT2S",
            **self.wish.settings,
        }


def _hasty_temporal(part: Part) -> Part:
    """Return the server that gives a workflow task of a worker that died to another one after seconds, and not ten."""
    return replace(part, command=[*part.command, "--dynamic-config-value", f'{_TASK_TIMEOUT}="3s"'])


def _listener(port: int, secret: str, record: Path) -> Part:
    async def ready(_pid: int) -> bool:
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as client:
            try:
                return (await client.get(f"http://{LOOPBACK}:{port}/health")).is_success
            except httpx2.TransportError:
                return False

    command = [*module_command("chaos.listener"), "--port", str(port), "--record", str(record)]
    environment = {"CHAOS_SECRET": secret, **module_environment()}
    return Part(name=LISTENER, command=command, ready=ready, environment=environment)


def _secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _reachable(folder: Path) -> Path:
    """Return a folder for the database, which its user can reach whoever runs this."""
    folder.chmod(0o755)
    return folder / "postgresql"


def _hasty_catalogs(folder: Path) -> None:
    shutil.copytree(default_catalogs(), folder)
    for file in folder.rglob("*.yaml"):
        text = file.read_text()
        for pattern, said in _HASTY.items():
            text = re.sub(pattern, said, text)
        file.write_text(text)
