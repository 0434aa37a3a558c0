"""Builds of the workers: by what name Temporal knows one, and which workflows stay with the build that began them.

Service and resource orders below another order, and reconciliations, are pinned: they end on the build on which they
began. Posted orders and listeners live for months, and move on to the build that is current; their code says by
`workflow.patched` where it goes another way than before. Workers without a deployment take any task, as all did before
there were builds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    WorkerDeploymentConfig,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)

PINNED = frozenset({"ServiceOrder", "ResourceOrder", "Reconciliation"})
"""The types of workflows that end on the build on which they began."""

_ROOT = Path(__file__).parents[1]
_CODE = ("tmf", "orders", "catalogs", "store", "application", "activities", "workflows")
"""What workers run. Catalogs are data: each order has the version that it was planned with."""
_LIBRARIES = ("temporalio", "pydantic")
"""Those that a workflow's way may depend on."""
_DIGITS = 10


def own_build(version: str | None = None) -> str:
    """Return the build of the code that runs here: the product's version, and a digest of what workers run."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for library in _LIBRARIES:
        digest.update(f"{library} {metadata.version(library)}".encode())
    return f"{version or _version()}-{digest.hexdigest()[:_DIGITS]}"


def versioned(deployment: str | None, build: str, runner: WorkflowRunner) -> dict[str, Any]:
    """Return the options of a worker by which it is one of a build; without a deployment it takes any task."""
    if not deployment:
        return {"workflow_runner": runner}
    return {
        "deployment_config": WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(deployment_name=deployment, build_id=build),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        ),
        "workflow_runner": _Pinning(runner),
    }


class _Pinning(WorkflowRunner):
    """Runs workflows, and pins those that are to be.

    The classes do not say so themselves: Temporal refuses a behaviour from workers without a deployment.
    """

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: Any) -> None:
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        if det.defn.name in PINNED:
            det = replace(det, defn=replace(det.defn, versioning_behavior=VersioningBehavior.PINNED))
        return self._runner.create_instance(det)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        self._runner.set_worker_level_failure_exception_types(types)


def _sources() -> Iterator[Path]:
    yield _ROOT / "worker.py"
    for package in _CODE:
        yield from sorted((_ROOT / package).rglob("*.py"))


def _version() -> str:
    try:
        return metadata.version("ordersaga")
    except metadata.PackageNotFoundError:
        return "0"
