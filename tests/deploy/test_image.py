"""The image is built from what there is, contains what it runs, and runs it without privileges."""

from __future__ import annotations

import json
import re
import stat
import tomllib

import pytest

from tests.deploy.repository import ROOT, files, read

CONTAINERFILE = re.sub(r"\\\n\s*", "", read("deploy/Containerfile"))
INSTRUCTIONS = [
    line.split(maxsplit=1) for line in CONTAINERFILE.splitlines() if line.strip() and not line.startswith("#")
]
SENT = [line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")]
"""What the build is sent: the paths that .dockerignore makes exceptions of."""


def instructions(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def test_build_is_sent_nothing_but_what_is_listed() -> None:
    assert "*" in read(".dockerignore").splitlines()
    missing = [path for path in SENT if not (ROOT / path).exists()]
    assert not missing


def test_build_is_sent_every_module_and_package_of_the_project() -> None:
    tools = tomllib.loads(read("pyproject.toml"))["tool"]["setuptools"]
    packages = {path.split("/")[0] for path in files() if path.endswith("/__init__.py")} - {"tests", "bench", "chaos"}
    assert {pattern.rstrip("*") for pattern in tools["packages"]["find"]["include"]} == packages
    assert packages | {f"{module}.py" for module in tools["py-modules"]} <= set(SENT)


def test_what_is_copied_one_by_one_is_there_and_sent() -> None:
    sources = [
        source
        for copy in instructions("COPY")
        if not copy.startswith("--from")
        for source in copy.split()[:-1]
        if source != "."
    ]
    assert set(sources) == {"requirements.txt", "requirements-dev.txt", "deploy/healthcheck.py"}
    assert set(sources) <= set(SENT)


def test_packages_are_the_pinned_ones() -> None:
    installs = " ".join(instructions("RUN"))
    assert "install --requirement requirements.txt" in installs
    assert "install --no-deps /dist/*.whl" in installs
    assert "--constraint requirements-dev.txt setuptools" in installs
    for lock in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in read(lock).splitlines() if line and not line.lstrip().startswith("#")]
        assert all(re.fullmatch(r"[a-z0-9.-]+==\S+( ; .+)?", line) for line in lines)
    assert re.search(r"^setuptools==", read("requirements-dev.txt"), re.MULTILINE)


def test_image_runs_the_command_without_privileges_or_a_shell() -> None:
    [entrypoint], [command], [user] = instructions("ENTRYPOINT"), instructions("CMD"), instructions("USER")
    assert json.loads(entrypoint) == ["ordersaga"]
    assert json.loads(command) == ["gateway"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert "ordersaga = " in read("pyproject.toml")


def test_health_of_the_gateway_is_asked_at_its_own_port() -> None:
    [check] = instructions("HEALTHCHECK")
    asked = json.loads(check[check.index("[") :])
    assert asked == ["python", "/opt/ordersaga/healthcheck.py", "http://127.0.0.1:8620/health/live"]
    assert instructions("EXPOSE") == ["8620"]


@pytest.mark.parametrize(
    "path", [".ci/run", "deploy/postgres/10-databases.sh", "deploy/temporal/schema.sh", "deploy/temporal/namespace.sh"]
)
def test_scripts_can_be_run_and_stop_at_their_first_fault(path: str) -> None:
    assert (ROOT / path).stat().st_mode & stat.S_IXUSR
    assert re.search(r"^set -eu", read(path), re.MULTILINE)
