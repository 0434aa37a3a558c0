"""The project as it is installed: every module and every file that is read at run time is in the wheel, and works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.repository import ROOT, files

NOT_INSTALLED = ("tests/", "bench/", "chaos/", "docs/", "deploy/")

TRIAL = """
import asyncio, sys
import api.__main__, cli, worker
import systems.inventory.app, systems.activation.app, systems.billing.app
from catalogs.loader import default_catalogs, load_catalogs
from store.sql.migration import migrate
from systems.common.database import Database
from systems.inventory.app import STOCK

assert all(module.__file__.startswith(sys.argv[1]) for module in (cli, worker, api, systems)), cli.__file__
asyncio.run(migrate("sqlite:///store.db"))
print(len(load_catalogs(default_catalogs()).catalogs), STOCK.is_file())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel contains. It is built from a copy, for a build writes beside its source."""
    folder = tmp_path_factory.mktemp("wheel")
    for path in files():
        target = folder / "source" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target)
    built = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(folder / "source")),
        ],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("ordersaga-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_wheel_has_every_module_and_data_file_of_the_source_and_no_others(installed: Path) -> None:
    source = {
        path for path in files() if path.endswith((".py", ".mako", ".yaml")) and not path.startswith(NOT_INSTALLED)
    }
    packed = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert {path for path in packed if ".dist-info/" not in path} == source


def test_what_is_installed_works_without_the_source(installed: Path, tmp_path: Path) -> None:
    tried = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", TRIAL, str(installed)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert tried.returncode == 0, tried.stderr
    assert tried.stdout.split() == ["3", "True"]


def test_command_is_installed_by_its_name(installed: Path) -> None:
    [entry_points] = installed.glob("*.dist-info/entry_points.txt")
    assert "ordersaga = cli:run" in entry_points.read_text()
