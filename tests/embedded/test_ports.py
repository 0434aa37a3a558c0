"""The stack's ports: what is taken is said, with the setting that moves it; a demo's are free ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from embedded.ports import LOOPBACK, Ports, PortTakenError


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_its_purpose_and_the_settings_that_move_it(listener: int) -> None:
    ports = Ports(temporal_port=listener)
    with pytest.raises(PortTakenError) as refused:
        ports.require_free({"temporal_port": "Temporal"})
    assert str(refused.value) == (
        f"port {listener}, meant for Temporal, is taken by another process; choose another with --temporal-port "
        "or ORDERSAGA_TEMPORAL_PORT, or stop what listens there"
    )


def test_ports_that_are_not_needed_may_be_taken(listener: int) -> None:
    chosen = Ports.free().model_copy(update={"billing_port": listener})
    chosen.require_free({"port": "the gateway"})


def test_a_port_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERSAGA_UI_PORT", "18299")
    assert Ports().ui_port == 18299


def test_free_ports_are_all_different_and_free_whatever_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERSAGA_PORT", "8620")
    chosen = Ports.free()
    numbers = list(chosen.model_dump().values())
    assert len(set(numbers)) == len(numbers)
    assert chosen.port != 8620
    chosen.require_free(dict.fromkeys(Ports.model_fields, "a part"))
