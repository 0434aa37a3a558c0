"""Clients as a BSS would make them, by a generator from an OpenAPI file, and a gateway that they reach over HTTP."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.stage import Stage, eventually

Generate = Callable[[Path, str], Any]

GENERATOR = Path(sys.executable).parent / "openapi-generator-cli"
OPTIONS = [
    "--global-property=apiDocs=false,modelDocs=false,apiTests=false,modelTests=false",
    # The published file has a schema `Any` without a type; the generator would take it for an object.
    "--schema-mappings=Any=object",
]


@pytest.fixture(scope="session")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Generate:
    """Return a function that makes a Python client of an OpenAPI file, under a package name, and imports it."""
    if not GENERATOR.is_file():
        pytest.skip(f"the client generator is not at {GENERATOR}")
    folder = tmp_path_factory.mktemp("clients")
    if importlib.util.find_spec("dateutil") is None:
        # All that a client needs of that library.
        (folder / "dateutil").mkdir()
        (folder / "dateutil" / "__init__.py").touch()
        (folder / "dateutil" / "parser.py").write_text(
            "from datetime import datetime\n\nparse = datetime.fromisoformat\n"
        )
    sys.path.append(str(folder))

    def made(file: Path, package: str) -> Any:
        where = ["-i", str(file), "-o", str(folder), "--package-name", package]
        done = subprocess.run(
            [GENERATOR, "generate", "-g", "python", *where, *OPTIONS], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        importlib.invalidate_caches()
        return importlib.import_module(package)

    return made


@pytest.fixture
async def address(stage: Stage) -> AsyncIterator[str]:
    """Serve the stage's gateway over HTTP on a port of its own; give its address."""
    server = uvicorn.Server(uvicorn.Config(stage.app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving
