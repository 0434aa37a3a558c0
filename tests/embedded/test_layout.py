"""What runs where: by default all of it here, and nothing here that the settings place elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.errors import StackError
from embedded.layout import PARTS, isolated_layout, layout, leave_out
from embedded.parts import environment, needed_ports, parts
from embedded.ports import Ports
from embedded.temporal_server import binary, client_environment, server_arguments
from embedded.up import commands_by_hand, facts
from settings import Settings
from workflows.contracts.search_attributes import TYPES


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "ORDERSAGA_STORE_URL", "ORDERSAGA_INVENTORY_URL"):
        monkeypatch.delenv(name, raising=False)


def test_by_default_every_part_runs_here_with_its_files_in_the_state_directory(tmp_path: Path) -> None:
    here = layout(Settings(), Ports(), {})
    assert here.parts == set(PARTS)
    assert here.store_url == f"sqlite:///{tmp_path}/.ordersaga/store.db"
    assert here.temporal_address == "127.0.0.1:7233"
    assert here.ui_url == "http://127.0.0.1:8233"
    assert [part.name for part in parts(here)] == list(PARTS)


def test_a_named_temporal_is_used_and_not_started() -> None:
    there = layout(Settings(), Ports(), {"TEMPORAL_ADDRESS": "cluster:7233", "TEMPORAL_NAMESPACE": "orders"})
    assert "temporal" not in there.parts
    assert "temporal_port" not in needed_ports(there)
    assert (there.temporal_address, there.namespace, there.ui_url) == ("cluster:7233", "orders", None)
    assert "TEMPORAL_ADDRESS" not in environment(there)


def test_a_system_of_ones_own_is_used_and_not_started() -> None:
    there = layout(Settings.model_validate({"inventory_url": "http://oss.test/inventory/"}), Ports(), {})
    assert "inventory" not in there.parts
    assert environment(there)["ORDERSAGA_INVENTORY_URL"] == "http://oss.test/inventory"
    assert environment(there)["ORDERSAGA_BILLING_URL"] == "http://127.0.0.1:9103"


def test_a_part_that_is_left_out_comes_with_the_command_that_runs_it() -> None:
    ports = Ports(port=8700)
    stack = leave_out(layout(Settings(), ports, {}), ["worker"])
    assert "worker" not in {part.name for part in parts(stack)}
    (told,) = commands_by_hand(stack)
    assert "not started here: worker" in told
    assert "ORDERSAGA_PORT=8700" in told
    assert told.endswith("ordersaga worker")
    (by_default,) = commands_by_hand(leave_out(layout(Settings(), Ports(), {}), ["worker"]))
    assert by_default.endswith("\n  ordersaga worker")


def test_only_parts_can_be_left_out() -> None:
    with pytest.raises(StackError, match="espresso is not a part of the stack; its parts are temporal, inventory"):
        leave_out(layout(Settings(), Ports(), {}), ["espresso"])


def test_an_isolated_stack_shares_nothing_with_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORDERSAGA_STORE_URL", "postgresql://production/orders")
    monkeypatch.setenv("ORDERSAGA_INVENTORY_URL", "http://oss.test")
    monkeypatch.setenv("ORDERSAGA_PORT", "8620")
    demo = isolated_layout(tmp_path / "demo", {})
    assert demo.parts == set(PARTS)
    told = environment(demo)
    assert told["ORDERSAGA_STORE_URL"] == f"sqlite:///{tmp_path}/demo/store.db"
    assert str(told["ORDERSAGA_INVENTORY_URL"]).startswith("http://127.0.0.1:")
    assert told["ORDERSAGA_PORT"] not in (None, "8620")
    assert told["ORDERSAGA_TASK_QUEUE"] != Settings().task_queue


def test_facts_name_all_that_a_person_needs() -> None:
    shown = dict(facts(layout(Settings(), Ports(), {})))
    assert shown["API pages"] == "http://127.0.0.1:8620/docs"
    assert shown["Web UI"] == "http://127.0.0.1:8233"
    assert "ordersaga submit" in shown["Try"]


def test_the_servers_arguments_register_every_search_attribute_and_quicken_its_queues(tmp_path: Path) -> None:
    words = server_arguments(tmp_path / "t.db", 7233, 8233, "orders")
    assert words[words.index("--namespace") + 1] == "orders"
    assert {f"{name}={kind}" for name, kind in TYPES.items()} <= set(words)
    assert "history.transferProcessorMaxPollRPS=200" in words
    assert {"journal_mode=wal", "synchronous=normal"} <= set(words)


def test_the_server_is_the_one_that_was_installed_with_the_product() -> None:
    assert binary().name == "temporal"
    assert binary().is_file()


def test_a_key_for_another_server_does_not_reach_the_embedded_one() -> None:
    told = client_environment("127.0.0.1:7", "default", ["TEMPORAL_API_KEY", "TEMPORAL_TLS", "HOME"])
    assert told["TEMPORAL_API_KEY"] is None
    assert told["TEMPORAL_TLS"] is None
    assert told["TEMPORAL_ADDRESS"] == "127.0.0.1:7"
    assert "HOME" not in told


def test_customers_share_our_own_temporal_fairly_unless_somebody_decides_otherwise() -> None:
    told = {
        "own": environment(layout(Settings(), Ports(), {})),
        "own, decided": environment(layout(Settings(fairness=False), Ports(), {})),
        "named": environment(layout(Settings(), Ports(), {"TEMPORAL_ADDRESS": "cluster:7233"})),
    }
    assert {name for name, each in told.items() if "ORDERSAGA_FAIRNESS" in each} == {"own"}
