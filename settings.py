"""Every setting of the product, read from the environment (prefix `ORDERSAGA_`) or a `.env` file.

Temporal's own settings (address, namespace, TLS, API key) come through the standard `TEMPORAL_*` variables and
profiles that the SDK and the `temporal` command share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orders.bounds import OrderLimits
from tmf.form_faults import wanted
from tmf.signatures import key_of

ADMIN_TOKEN_FILE = "admin-token"
"""The name of the file in the state directory in which the embedded stack keeps its administrators' token."""

SYSTEMS = ("inventory", "activation", "billing")
"""The downstream systems."""
_LIMIT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")

_EVERYWHERE = ("0.0.0.0", "::")
"""Hosts that are no address of a machine: who listens there listens on all of its addresses."""

LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")
_NOT_FOR_EVENTS = (
    *LOOPBACK_NETWORKS,
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::/128", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8"),
)
"""Where only this machine, or this network, is reached: IANA's special-purpose registries."""


class Settings(BaseSettings):
    """The settings of gateway, worker and command; each is documented in docs/operations.md."""

    model_config = SettingsConfigDict(env_prefix="ORDERSAGA_", env_file=".env", extra="ignore")

    store_url: str = "sqlite:///.ordersaga/store.db"
    """`sqlite:///path` or `postgresql://user:password@host/database`."""
    catalogs: Path | None = None
    """A folder of catalogs; the shipped ones where it is not set."""

    inventory_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:9101")
    """Where TMF637, 638, 639, 645 and the resource pools answer."""
    activation_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:9102")
    """Where TMF640, 653 and 702 answer."""
    billing_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:9103")
    http_timeout: timedelta = timedelta(seconds=20)
    """How long one call to a downstream system may take in all, until the last of its answer."""
    http_answer_limit: int = Field(default=64 * 1024 * 1024, ge=1024)
    """Bytes of the largest answer of a downstream system that is read."""
    calls_per_second: str = ""
    """Calls a second that all workers together make to a system, as in `billing=5,activation=20`; else as they come."""
    calls_at_once: str = ""
    """Calls that one process makes to a system at a time, as in `billing=5,activation=20`."""
    local_calls: str = ",".join(SYSTEMS)
    """The systems, separated by commas, that are called locally first; each other is called through its queue only."""
    local_calls_at_once: int = Field(default=100, gt=0)
    """How many local calls to one system a worker makes at a time."""
    local_call_slow: timedelta = Field(default=timedelta(seconds=2), gt=timedelta(0))
    """Where calls to a system take longer on average, the next go through its queue for a while."""

    host: str = "127.0.0.1"
    port: int = Field(default=8620, ge=0, le=65535)
    public_url: AnyHttpUrl | None = None
    """The gateway's address as others see it, for `href` and callbacks; `http://host:port` where it is not set."""
    temporal_ui_url: AnyHttpUrl | None = None
    """The address of the Temporal Web UI, to which the gateway's first page leads."""
    body_limit: int = Field(default=4 * 1024 * 1024, gt=0)
    """Bytes of the largest request body taken."""
    items_limit: int = Field(default=OrderLimits.items, gt=0)
    """Items that one order may have, nested ones counted."""
    depth_limit: int = Field(default=OrderLimits.depth, gt=0, le=40)
    """Levels of items that may be parts of each other."""
    quantity_limit: int = Field(default=OrderLimits.quantity, gt=0)
    """Products that one item may order by its quantity."""
    instances_limit: int = Field(default=OrderLimits.instances, gt=0)
    """Products that all items of an order together may order by their quantities."""
    text_limit: int = Field(default=OrderLimits.text, gt=0)
    """Characters that a text of an order may have, in characteristics excepted."""
    parts_limit: int = Field(default=OrderLimits.parts, gt=0)
    """Products, services and resources that an order may come down to."""
    nodes_limit: int = Field(default=OrderLimits.nodes, gt=0)
    """Parts of an order that one workflow may run."""
    parts_at_once: int = Field(default=4, gt=0)
    """How many parts of a large order begin or are undone at a time; those that have run for a minute do not count."""
    planning_processes: int = Field(default=1, gt=0)
    """How many large orders a gateway or a worker plans at a time, each in a process of its own."""
    planning_memory: int = Field(default=768 * 1024 * 1024, ge=128 * 1024 * 1024)
    """Bytes of address space that the planning of one large order may take."""
    planning_cpu_time: timedelta = Field(default=timedelta(seconds=60), ge=timedelta(seconds=1))
    """CPU time that the planning of one large order may take."""
    questions_at_once: int = Field(default=20, gt=0)
    """How many previews and qualifications a gateway works out at a time."""
    list_timeout: timedelta = Field(default=timedelta(seconds=5), gt=timedelta(0))
    """How long the order store may take for one list; what takes longer is refused."""
    page_bytes: int = Field(default=8 * 1024 * 1024, gt=0)
    """Bytes of the documents on one page of a list at most; a page ends early before it has more."""
    start_sweep_interval: timedelta = timedelta(seconds=5)
    """How often orders that were accepted while Temporal was down are tried again."""
    reconcile_every: timedelta = Field(default=timedelta(days=1), ge=timedelta(0))
    """How often orders, workflows and systems are compared by themselves; never where it is zero."""
    recovery: bool = False
    """Whether this gateway's sweeps only report, as after `ordersaga recovery on`."""
    qualification_retention: timedelta = timedelta(days=30)
    """How long after they were asked answered qualifications are kept."""

    event_timeout: timedelta = timedelta(seconds=10)
    """How long one delivery of an event to a listener may take."""
    event_give_up_after: timedelta = timedelta(days=3)
    """How long the delivery of an event is tried again, before those behind it go on without it."""
    event_retention: timedelta = timedelta(days=30)
    """How long events can be replayed."""
    listener_give_up_after: timedelta = Field(default=timedelta(days=7), gt=timedelta(0))
    """How long events are kept for a listener that takes nothing, or is paused, before it is given up."""
    listener_backlog_limit: int = Field(default=1_000_000, gt=0)
    """How many events are kept for a listener, before it is given up."""
    event_forbidden_networks: str = ",".join(_NOT_FOR_EVENTS)
    """Networks that no event is sent into, separated by commas."""

    admin_token: SecretStr | None = Field(default=None, min_length=16)
    """What administrators send as `Authorization: Bearer …`, for instance to delete orders; nobody may without it."""
    callback_secret: SecretStr | None = None
    """What events of downstream systems are signed with: `whsec_` and a key in base64; none are taken without it."""

    task_queue: str = "ordersaga"
    """The task queue of workflows; those of the downstream systems have their name behind it."""
    deployment: str | None = Field(default=None, pattern=r"^[^.:\s]*$", max_length=100)
    """By which name Temporal tells the builds of the workers apart; without it any worker takes any task."""
    build_id: str | None = Field(default=None, pattern=r"^[^:\s]*$", max_length=100)
    """The build of a worker; without it the version and a digest of its code."""
    fairness: bool = False
    """Whether customers whose orders have the same priority share the workers; Temporal must have it on, too."""
    graceful_shutdown: timedelta = timedelta(seconds=10)
    """How long a worker that was told to stop lets its activities finish."""
    cached_workflows: int = Field(default=2000, ge=0)
    """How many workflows a worker keeps in memory; others are replayed when they go on."""
    workflow_sandbox: bool = False
    """Whether workflows run in the SDK's sandbox, which finds what may not be done in them, and takes its time."""
    metrics_address: str | None = None
    """`host:port` at which the worker serves Prometheus metrics; none where it is not set."""

    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    state_dir: Path = Path(".ordersaga")
    """Where the embedded stack keeps its databases and logs."""

    @field_validator("store_url")
    @classmethod
    def _is_a_database(cls, written: str) -> str:
        scheme, _, rest = written.partition("://")
        # A password may hold what would end it elsewhere: #, / and ?.
        place = re.sub(r"^[^:/]*(?::[^@]*)?@", "", rest)
        try:
            port = urlsplit(f"//{place}").port
            known = scheme.partition("+")[0] in ("sqlite", "postgresql", "postgres") and port != 0
        except ValueError:
            known = False
        if not known:
            raise ValueError("must be sqlite:///path or postgresql://user:password@host/database")
        return written

    @field_validator("metrics_address")
    @classmethod
    def _is_an_address(cls, written: str | None) -> str | None:
        host, _, port = (written or "127.0.0.1:0").rpartition(":")
        try:
            ip_address(host.strip("[]"))
            known = int(port) in range(65536)
        except ValueError:
            known = False
        if not known:
            raise ValueError("must be an IP address and a port, as in 127.0.0.1:9090")
        return written

    @field_validator("event_forbidden_networks")
    @classmethod
    def _are_networks(cls, written: str) -> str:
        for each in _listed(written):
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"must be networks such as 10.0.0.0/8, and {shown(each)} is none") from None
        return written

    @field_validator("calls_per_second", "calls_at_once")
    @classmethod
    def _are_limits(cls, written: str, info: ValidationInfo) -> str:
        whole = info.field_name == "calls_at_once"
        for each in _listed(written):
            name, _, number = each.partition("=")
            if name not in SYSTEMS or not _LIMIT.fullmatch(number) or float(number) <= 0 or (whole and "." in number):
                kind = "whole numbers" if whole else "numbers"
                raise ValueError(f"must be systems with {kind} above 0, such as billing=5, and {shown(each)} is none")
        return written

    @field_validator("local_calls")
    @classmethod
    def _are_systems(cls, written: str) -> str:
        for each in _listed(written):
            if each not in SYSTEMS:
                raise ValueError(f"must be some of {', '.join(SYSTEMS)}, and {shown(each)} is none")
        return written

    def order_limits(self) -> OrderLimits:
        """Return how large an order may be."""
        return OrderLimits(
            items=self.items_limit,
            depth=self.depth_limit,
            quantity=self.quantity_limit,
            instances=self.instances_limit,
            text=self.text_limit,
            parts=self.parts_limit,
            nodes=self.nodes_limit,
        )

    def rates(self) -> dict[str, float]:
        """Return the calls a second of each system that has a limit."""
        return {name: float(number) for name, number in map(_pair, _listed(self.calls_per_second))}

    def at_once(self) -> dict[str, int]:
        """Return the calls at a time of each system that has a limit."""
        return {name: int(number) for name, number in map(_pair, _listed(self.calls_at_once))}

    def system_urls(self) -> dict[str, AnyHttpUrl]:
        """Return the address of each downstream system."""
        return dict(zip(SYSTEMS, (self.inventory_url, self.activation_url, self.billing_url), strict=True))

    def local_systems(self) -> set[str]:
        """Return the systems that are called locally first."""
        return set(_listed(self.local_calls))

    def forbidden_networks(self) -> list[IPv4Network | IPv6Network]:
        """Return the networks that no event is sent into."""
        return [ip_network(each) for each in _listed(self.event_forbidden_networks)]

    def known_admin_token(self) -> str | None:
        """Return what an administrator on this machine sends: as set, or as the embedded stack has kept it."""
        if self.admin_token:
            return self.admin_token.get_secret_value()
        file = self.state_dir / ADMIN_TOKEN_FILE
        return file.read_text().strip() if file.is_file() else None

    @field_validator("callback_secret")
    @classmethod
    def _is_a_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            key_of(secret.get_secret_value())
        return secret

    def gateway_url(self) -> str:
        """Return the address of the gateway, without a slash at its end; this machine's, where it listens on all."""
        host = "127.0.0.1" if self.host in _EVERYWHERE else f"[{self.host}]" if ":" in self.host else self.host
        return str(self.public_url or f"http://{host}:{self.port}").rstrip("/")


def faults_of(error: ValidationError) -> Iterator[str]:
    """Yield a sentence for each setting that makes no sense: which, what it is, and what it may be."""
    for fault in error.errors():
        name = "_".join(str(part) for part in fault["loc"])
        field = Settings.model_fields.get(name)
        secret = field is not None and SecretStr in get_args(field.annotation)
        value = "a secret" if secret else shown(str(fault["input"]))
        yield f"the setting ORDERSAGA_{name.upper()} is {value}: it {wanted(fault)}"


def _pair(written: str) -> tuple[str, str]:
    name, _, number = written.partition("=")
    return name, number


def _listed(written: str) -> list[str]:
    return [each.strip() for each in written.split(",") if each.strip()]


def shown(value: str) -> str:
    """Return the value of a setting in quotes, without the password of an address."""
    safe = re.sub(r"(://[^:/@]*:).*@", r"\1***@", value)
    return f'"{safe}"'
