"""The layout of an embedded stack: where each part is, worked out before anything is started."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalogs.loader import default_catalogs
from embedded.errors import StackError
from embedded.ports import LOOPBACK, Ports
from settings import LOOPBACK_NETWORKS, SYSTEMS, Settings

TEMPORAL, GATEWAY, WORKER = "temporal", "gateway", "worker"
PARTS = (TEMPORAL, *SYSTEMS, WORKER, GATEWAY)


@dataclass(frozen=True, slots=True)
class Layout:
    """Addresses and files of a stack, and which parts of it run here."""

    state_dir: Path
    """Databases, logs and process ids; absolute."""
    ports: Ports
    parts: frozenset[str]
    """Which of PARTS this stack starts; the others are elsewhere, or are left to a person."""
    store_url: str
    systems: Mapping[str, str]
    """Base URL of each of SYSTEMS."""
    gateway_url: str
    temporal_address: str
    namespace: str
    task_queue: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of worker and gateway, by the names of their variables."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secrets of the gateway that were set, by the names of their variables; the stack has its own for the others."""

    @property
    def logs(self) -> Path:
        return self.state_dir / "logs"

    @property
    def ui_url(self) -> str | None:
        """The Temporal Web UI's address, where this stack serves it."""
        return f"http://{LOOPBACK}:{self.ports.ui_port}" if TEMPORAL in self.parts else None


def layout(settings: Settings, ports: Ports, environment: Mapping[str, str] | None = None) -> Layout:
    """Lay out the stack of `ordersaga up`.

    What the settings place elsewhere is not started here: Temporal by TEMPORAL_ADDRESS, a downstream system by its
    URL; the order store may be any database. All else lives in the state directory.
    """
    environment = os.environ if environment is None else environment
    chosen = settings.model_fields_set
    state_dir = settings.state_dir.resolve()
    elsewhere = {name for name in SYSTEMS if f"{name}_url" in chosen}
    address = environment.get("TEMPORAL_ADDRESS") or ""
    return Layout(
        state_dir=state_dir,
        ports=ports,
        parts=frozenset(PARTS) - elsewhere - ({TEMPORAL} if address else set()),
        store_url=settings.store_url if "store_url" in chosen else _sqlite(state_dir, "store"),
        systems={name: _system_url(settings, ports, name, name in elsewhere) for name in SYSTEMS},
        gateway_url=f"http://{LOOPBACK}:{ports.port}",
        temporal_address=address or f"{LOOPBACK}:{ports.temporal_port}",
        namespace=environment.get("TEMPORAL_NAMESPACE") or "default",
        task_queue=settings.task_queue,
        settings=_reaching_this_machine(settings) | _sharing_fairly(settings, own_temporal=not address),
        secrets={
            f"ORDERSAGA_{name.upper()}": getattr(settings, name).get_secret_value()
            for name in ("admin_token", "callback_secret")
            if name in chosen and getattr(settings, name)
        },
    )


def _reaching_this_machine(settings: Settings) -> dict[str, str]:
    """Return the setting that lets events be sent to listeners on this machine, where nobody has decided otherwise."""
    if "event_forbidden_networks" in settings.model_fields_set:
        return {}
    networks = settings.event_forbidden_networks.split(",")
    allowed = [each for each in networks if each not in LOOPBACK_NETWORKS]
    return {"ORDERSAGA_EVENT_FORBIDDEN_NETWORKS": ",".join(allowed)}


def _sharing_fairly(settings: Settings, *, own_temporal: bool) -> dict[str, str]:
    """Return the setting by which customers share fairly, on our own server, where nobody decided otherwise."""
    return {"ORDERSAGA_FAIRNESS": "true"} if own_temporal and "fairness" not in settings.model_fields_set else {}


def leave_out(complete: Layout, names: Iterable[str]) -> Layout:
    """Return the layout with some parts left to be started by hand.

    Raises:
        StackError: when a name is not that of a part.
    """
    left_out = set(names)
    if unknown := sorted(left_out - set(PARTS)):
        raise StackError(f"{unknown[0]} is not a part of the stack; its parts are {', '.join(PARTS)}")
    return replace(complete, parts=complete.parts - left_out)


def isolated_layout(state_dir: Path, environment: Mapping[str, str] | None = None) -> Layout:
    """Lay out a stack that touches nothing of any other: free ports, own files, own task queue.

    A Temporal named by TEMPORAL_ADDRESS is used all the same, since all that is kept there is told apart by id.
    """
    ports = Ports.free()
    settings = Settings.model_construct(
        _fields_set=set(), state_dir=state_dir, task_queue=f"ordersaga-{ports.port}", store_url=""
    )
    isolated = layout(settings, ports, environment)
    own = {
        "ORDERSAGA_CATALOGS": str(default_catalogs()),
        "ORDERSAGA_HOST": LOOPBACK,
        "ORDERSAGA_PUBLIC_URL": isolated.gateway_url,
        "ORDERSAGA_LOG_LEVEL": "INFO",
    }
    return replace(isolated, settings={**isolated.settings, **own})


def database(layout_: Layout, name: str) -> str:
    """Return the URL of a reference system's database."""
    return _sqlite(layout_.state_dir, name)


def _sqlite(state_dir: Path, name: str) -> str:
    return f"sqlite:///{state_dir / name}.db"


def _system_url(settings: Settings, ports: Ports, name: str, elsewhere: bool) -> str:
    if elsewhere:
        return str(getattr(settings, f"{name}_url")).rstrip("/")
    return f"http://{LOOPBACK}:{getattr(ports, f'{name}_port')}"
