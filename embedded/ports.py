"""The ports of the embedded stack: fixed ones that settings change, or free ones beside every other stack."""

from __future__ import annotations

import socket

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from embedded.errors import StackError

LOOPBACK = "127.0.0.1"


class PortTakenError(StackError):
    """Another process listens at a port that the stack needs; the message names the setting that moves it."""

    def __init__(self, what: str, port: int, setting: str) -> None:
        flag = setting.lower().replace("_", "-")
        super().__init__(
            f"port {port}, meant for {what}, is taken by another process; choose another with --{flag} "
            f"or ORDERSAGA_{setting.upper()}, or stop what listens there"
        )
        self.port = port


class Ports(BaseSettings):
    """Where each part of the embedded stack listens, on the loopback address alone."""

    model_config = SettingsConfigDict(env_prefix="ORDERSAGA_", env_file=".env", extra="ignore")

    port: int = Field(default=8620, gt=0, le=65535)
    """The gateway's."""
    temporal_port: int = Field(default=7233, gt=0, le=65535)
    ui_port: int = Field(default=8233, gt=0, le=65535)
    """The Temporal Web UI's."""
    inventory_port: int = Field(default=9101, gt=0, le=65535)
    activation_port: int = Field(default=9102, gt=0, le=65535)
    billing_port: int = Field(default=9103, gt=0, le=65535)

    @classmethod
    def free(cls) -> Ports:
        """Return ports that no process listens at now."""
        return cls.model_validate(dict(zip(cls.model_fields, _free_ports(len(cls.model_fields)), strict=True)))

    def require_free(self, needed: dict[str, str]) -> None:
        """Check the ports of `needed`: name of the field → what is to listen there.

        Raises:
            PortTakenError: for the first one that is taken.
        """
        for setting, what in needed.items():
            port = getattr(self, setting)
            if is_taken(port):
                raise PortTakenError(what, port, setting)


def is_taken(port: int) -> bool:
    """Tell whether a server could not listen at `port` now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier one that linger do not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
