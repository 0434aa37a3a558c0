"""The Compose file holds together: its shape, its commands, its variables, what waits for what."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.core import TyperGroup
from typer.main import get_command

from cli import app
from settings import SYSTEMS, Settings
from tests.deploy.repository import ROOT, read
from worker import QUEUES

COMPOSE = ROOT / "deploy" / "compose.yaml"
HANDED_ON = re.compile(r"TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|TLS(_[A-Z_]+)?)|PGPASSWORD")
"""Variables of ours that the SDK of Temporal and the driver of PostgreSQL read by themselves."""
INTERPOLATED = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?::?[-?][^}]*)?\}")

compose: dict[str, Any] = YAML(typ="safe").load(COMPOSE)
services: dict[str, dict[str, Any]] = compose["services"]
ours = {name: service for name, service in services.items() if service["image"].startswith("ordersaga:")}


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in service.get("volumes", []):
        source, target, *_ = volume.split(":")
        if source.startswith("."):
            yield source, target


def test_file_fits_the_published_schema_of_compose() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_part_of_the_production_shape_is_there() -> None:
    assert set(ours) == {
        *("gateway", "worker", "worker-activation", "worker-events", "worker-previous"),
        *("promote", "migrate", "register", *SYSTEMS),
    }
    assert set(services) - set(ours) == {
        *("postgres", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui"),
    }


@pytest.mark.parametrize("name", ours)
def test_commands_are_ones_that_the_image_understands(name: str) -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    command, *arguments = ours[name]["command"]
    group.commands[command].make_context(command, list(arguments))


def test_systems_are_the_reference_systems_each_at_the_port_that_others_look_for_it() -> None:
    for name in SYSTEMS:
        command = ours[name]["command"]
        assert command[:2] == ["system", name]
        port = command[command.index("--port") + 1]
        assert f"http://{name}:{port}" in ours["gateway"]["environment"][f"ORDERSAGA_{name.upper()}_URL"]
        assert f"http://127.0.0.1:{port}/health" in ours[name]["healthcheck"]["test"]


def test_workers_serve_every_task_queue_between_them() -> None:
    served = [
        word for name in ours for word in ours[name]["command"] if ours[name]["command"][:2] == ["worker", "--queue"]
    ]
    assert sorted(word for word in served if word not in ("worker", "--queue")) == sorted(QUEUES)
    assert ours["worker-previous"]["command"] == ["worker"]


def test_workers_of_the_release_before_are_of_its_image_and_have_all_else_as_the_new_ones() -> None:
    previous, new = ours["worker-previous"], ours["worker"]
    assert "build" not in previous
    assert previous["image"] != new["image"]
    assert previous["environment"] == new["environment"]
    assert previous["stop_grace_period"] == new["stop_grace_period"]


def test_all_workers_and_who_promotes_them_are_of_one_deployment() -> None:
    working = [each["environment"] for each in ours.values() if each["command"][0] == "worker"]
    assert len(working) == 5
    assert {each["ORDERSAGA_DEPLOYMENT"] for each in working} == {"${DEPLOYMENT:-ordersaga}"}


def test_whoever_writes_links_is_given_the_address_that_others_reach_the_gateway_by() -> None:
    writers = [each["environment"] for each in ours.values() if each["command"][0] in ("gateway", "worker")]
    assert {each["ORDERSAGA_PUBLIC_URL"] for each in writers} == {"${PUBLIC_URL:-http://gateway:8620}"}


@pytest.mark.parametrize("name", ours)
def test_our_services_are_given_only_variables_that_something_reads(name: str) -> None:
    known = {f"ORDERSAGA_{field.upper()}" for field in Settings.model_fields}
    unread = {each for each in ours[name]["environment"] if each not in known and not HANDED_ON.fullmatch(each)}
    assert not unread


def test_every_variable_of_the_file_is_explained_in_the_example_and_the_other_way_round() -> None:
    asked = set(INTERPOLATED.findall(read("deploy/compose.yaml")))
    handed_on = {name for each in ours.values() for name, value in each["environment"].items() if value is None}
    offered = set(re.findall(r"^#?([A-Z_]+)=", read("deploy/.env.example"), re.MULTILINE))
    assert offered == asked | handed_on | {"COMPOSE_PROFILES"}


def test_defaults_in_the_example_are_those_of_the_file() -> None:
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", read("deploy/compose.yaml")))
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", read("deploy/.env.example"), re.MULTILINE))
    assert {name: shown[name] for name in defaults} == defaults


def test_passwords_come_from_the_environment_and_have_no_default() -> None:
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|_PWD", name):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?set it in \.env\}", value), name
    assert not re.search(r"://[^/@\s]+:[^/@\s]+@", read("deploy/compose.yaml"))


def test_profiles_that_the_example_chooses_are_all_there_are() -> None:
    chosen = re.search(r"^COMPOSE_PROFILES=(.*)$", read("deploy/.env.example"), re.MULTILINE)
    assert chosen
    profiles = {each for service in services.values() for each in service.get("profiles", [])}
    assert set(chosen[1].split(",")) == profiles - {"previous"}


@pytest.mark.parametrize("name", services)
def test_what_a_service_waits_for_can_become_true(name: str) -> None:
    for other, wait in services[name].get("depends_on", {}).items():
        awaited = services[other]
        if wait["condition"] == "service_completed_successfully":
            assert awaited["restart"].startswith("on-failure"), f"{other} would never be over"
        else:
            assert wait["condition"] == "service_healthy"
            assert "test" in awaited["healthcheck"]
        optional = set(awaited.get("profiles", [])) - set(services[name].get("profiles", []))
        assert wait.get("required", True) is not bool(optional), f"{name} waits for {other}, which may be left out"


@pytest.mark.parametrize("name", ours)
def test_our_containers_can_write_nowhere_but_to_tmp_and_gain_no_privileges(name: str) -> None:
    service = ours[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [name for name in services if services[name]["restart"] == "unless-stopped"])
def test_what_keeps_running_has_limits_and_bounded_logs(name: str) -> None:
    service = services[name]
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["logging"]["options"]["max-size"]
    if name in ours:
        assert service["healthcheck"]["test"][2] == "/opt/ordersaga/healthcheck.py"


def test_a_worker_is_given_longer_to_stop_than_its_activities_to_finish() -> None:
    for name in ("worker", "worker-activation"):
        assert ours[name]["environment"]["ORDERSAGA_GRACEFUL_SHUTDOWN"] == "PT30S"
        assert ours[name]["stop_grace_period"] == "45s"


def test_mounted_scripts_and_files_are_there() -> None:
    for service in services.values():
        for source, target in mounts(service):
            folder = COMPOSE.parent / source
            named = " ".join([*service.get("entrypoint", []), *map(str, service["environment"].values())])
            for file in re.findall(rf"{re.escape(target)}/(\S+)", named):
                assert (folder / file).is_file(), file
            assert any(folder.iterdir())
