"""What people do with builds of the workers: see them, have one take the orders, know when an old one can be stopped.

Temporal keeps the builds of a deployment, and sends each workflow's tasks to the build that it belongs to. Posted
orders and listeners go to the current build, or for a share of them to the one that is ramping; pinned ones stay.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentInfo, WorkerDeploymentVersion
from temporalio.api.enums.v1 import RoutingConfigUpdateState, WorkerDeploymentVersionStatus
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.contracts import policies
from workflows.versioning import PINNED

_IN_WORDS = {
    WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT: "current",
    WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING: "ramping",
}
_AT_ONCE = 20
"""How many workflows are pinned or let go at a time."""
_INDEXED: Final = 2.0
"""Seconds after which what a worker has done stands in Temporal's index of workflows, with a server that keeps up."""
_SPREAD, _LOOK = 30.0, 0.1
"""Seconds that Temporal may take to tell all queues which build tasks go to, and between two looks."""
_UNTIL_INDEXED = 5
"""How often the index is looked at again after a change, until nothing new is found."""
_MADE = ", ".join(f"'{each}'" for each in sorted(PINNED))
_RUNNING = "ExecutionStatus = 'Running'"


class DeploymentError(Exception):
    """What is asked of a build cannot be done; the message says why, and what can."""


class NotReadyError(DeploymentError):
    """The workers of a build are not all there yet."""


@dataclass(frozen=True)
class Build:
    """A build of the workers, as Temporal knows it."""

    id: str
    state: str
    """`current`, `ramping`, or `old`: one that gets no new orders."""
    share: float
    """Per cent of the orders that go to it."""
    first_seen: datetime
    pinned: int
    """How many workflows run that end on it, and on no other."""

    @property
    def takes_orders(self) -> bool:
        return self.state != "old"


class Deployment:
    """The builds of the workers of one installation."""

    def __init__(self, client: Client, name: str, task_queue: str) -> None:
        self._client = client
        self.name = name
        self._queues = {
            task_queue,
            *(policies.task_queue(task_queue, each) for each in policies.QUEUES if each != policies.WORKFLOWS),
        }

    async def builds(self) -> list[Build]:
        """Return all builds, the newest first; none before a worker of the deployment has been there.

        Raises:
            RPCError: when Temporal cannot be reached or refuses.
        """
        info = await _info(self._client, self.name)
        if info is None:
            return []
        routing, now = info.routing_config, datetime.now(UTC)
        ramping = routing.ramping_version_percentage if routing.ramping_deployment_version.build_id else 0.0
        found = []
        for each in info.version_summaries:
            state = _IN_WORDS.get(each.status, "old")
            build_id = each.deployment_version.build_id
            share = {"current": 100 - ramping, "ramping": ramping}.get(state, 0.0)
            first = each.create_time.ToDatetime(UTC) if each.HasField("create_time") else now
            found.append(Build(build_id, state, share, first, await self.count(self._pinned_to(build_id))))
        return sorted(found, key=lambda build: build.first_seen, reverse=True)

    async def promote(self, build_id: str, ramp: float | None = None) -> str:
        """Have a build take the orders, or with `ramp` that share of them in per cent; return what was done, in words.

        An order that a newer build has worked on may have gone a way that the older one does not know. So on the way
        back to an older build such orders stay with the newer one; a build that is newer still takes them over.

        Raises:
            NotReadyError: when there is no such build, or a queue has no workers of it.
            DeploymentError: when Temporal refuses for good.
            RPCError: when Temporal cannot be reached or refuses.
        """
        builds = {each.id: each for each in await self.builds()}
        if build_id not in builds:
            raise NotReadyError(
                f"no worker of the build {build_id} has been there; known builds: {', '.join(builds) or 'none'}"
            )
        await self._check_queues(build_id)
        chosen = builds[build_id]
        newer = [each for each in builds.values() if each.first_seen > chosen.first_seen]
        staying = [each.id for each in newer if each.takes_orders]
        if ramp is not None and ramp < chosen.share:
            staying.append(build_id)
        # Before as well: an order must not be given to a build that does not know its way.
        kept = await self._keep_all(staying)
        if ramp is None:
            await self._make_current(build_id)
        else:
            await self._ramp(build_id, ramp)
        await self._known_to_all_queues()
        kept += await self._keep_what_comes_late(staying)
        older = [each.id for each in builds.values() if each not in newer]
        released = 0 if staying or ramp is not None else await self._release(older)
        return "; ".join(_said(build_id, ramp, kept, staying, released))

    async def needing(self, build_id: str, most: int = 10) -> tuple[int, list[str]]:
        """Return how many workflows still need a build, and the ids of some.

        Raises:
            RPCError: when Temporal cannot be reached or refuses.
        """
        query = self._pinned_to(build_id)
        ids = [each.id async for each in self._client.list_workflows(query, limit=most)]
        return max(await self.count(query), len(ids)), ids

    async def is_drained(self, build_id: str) -> bool:
        """Return whether nothing needs a build: looked at twice, for the index of workflows lags behind.

        Raises:
            RPCError: when Temporal cannot be reached or refuses.
        """
        for pause in (_INDEXED, 0.0):
            if (await self.needing(build_id, 1))[0]:
                return False
            await asyncio.sleep(pause)
        return True

    async def count(self, query: str) -> int:
        """Return how many workflows a query of Temporal's index finds."""
        return (await self._client.count_workflows(query)).count

    def _pinned_to(self, build_id: str) -> str:
        return f"{self._version_is(build_id)} AND TemporalWorkflowVersioningBehavior = 'Pinned' AND {_RUNNING}"

    def _version_is(self, build_id: str) -> str:
        return f"TemporalWorkerDeploymentVersion = '{self.name}:{build_id}'"

    async def _check_queues(self, build_id: str) -> None:
        request = DescribeWorkerDeploymentVersionRequest(
            namespace=self._client.namespace,
            deployment_version=WorkerDeploymentVersion(deployment_name=self.name, build_id=build_id),
        )
        try:
            answer = await self._client.workflow_service.describe_worker_deployment_version(request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                # It is in the list of builds before it is there itself.
                raise NotReadyError(f"workers of the build {build_id} are only just there: wait a moment") from None
            raise
        missing = sorted(self._queues - {each.name for each in answer.version_task_queues})
        if missing:
            raise NotReadyError(
                f"no worker of the build {build_id} serves {' and '.join(missing)}: start them first, or wait for them"
            )

    async def _make_current(self, build_id: str) -> None:
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=self._client.namespace, deployment_name=self.name, build_id=build_id
        )
        if await current_build(self._client, self.name) == build_id:
            await self._ramp("", 0)
            return
        try:
            await self._client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            raise _refused(error) from None

    async def _ramp(self, build_id: str, percentage: float) -> None:
        request = SetWorkerDeploymentRampingVersionRequest(
            namespace=self._client.namespace,
            deployment_name=self.name,
            build_id=build_id,
            percentage=percentage,
        )
        try:
            await self._client.workflow_service.set_worker_deployment_ramping_version(request)
        except RPCError as error:
            raise _refused(error) from None

    async def _known_to_all_queues(self) -> None:
        """Wait until no task goes by what was said before."""
        end = time.monotonic() + _SPREAD
        while (info := await _info(self._client, self.name)) and time.monotonic() < end:
            if info.routing_config_update_state != RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS:
                return
            await asyncio.sleep(_LOOK)

    async def _keep_what_comes_late(self, builds: Sequence[str]) -> int:
        """Keep what builds have worked on at last, once the index has it."""
        kept = 0
        for _ in range(_UNTIL_INDEXED if builds else 0):
            await asyncio.sleep(_INDEXED)
            new = await self._keep_all(builds)
            kept += new
            if not new:
                break
        return kept

    async def _keep_all(self, builds: Iterable[str]) -> int:
        """Have what builds have worked on end there; return how much that is."""
        kept = 0
        for each in builds:
            used = f"TemporalUsedWorkerDeploymentVersions = '{self.name}:{each}'"
            query = f"{used} AND TemporalWorkflowVersioningBehavior = 'AutoUpgrade' AND {_RUNNING}"
            pinned = VersioningOverride.PinnedOverride(
                behavior=VersioningOverride.PinnedOverrideBehavior.PINNED_OVERRIDE_BEHAVIOR_PINNED,
                version=WorkerDeploymentVersion(deployment_name=self.name, build_id=each),
            )
            options = WorkflowExecutionOptions(versioning_override=VersioningOverride(pinned=pinned))
            kept += await self._override(query, options)
        return kept

    async def _release(self, builds: Iterable[str]) -> int:
        """Let posted orders and listeners go that were kept with builds; return how many those are."""
        released = 0
        for each in builds:
            query = f"{self._pinned_to(each)} AND NOT WorkflowType IN ({_MADE})"
            released += await self._override(query, WorkflowExecutionOptions())
        return released

    async def _override(self, query: str, options: WorkflowExecutionOptions) -> int:
        ids = [each.id async for each in self._client.list_workflows(query)]
        done = 0
        for start in range(0, len(ids), _AT_ONCE):
            done += sum(await asyncio.gather(*(self._set(each, options) for each in ids[start : start + _AT_ONCE])))
        return done

    async def _set(self, workflow_id: str, options: WorkflowExecutionOptions) -> bool:
        try:
            await self._client.workflow_service.update_workflow_execution_options(
                UpdateWorkflowExecutionOptionsRequest(
                    namespace=self._client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=workflow_id),
                    workflow_execution_options=options,
                    update_mask=FieldMask(paths=["versioning_override"]),
                )
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True


async def current_build(client: Client, deployment: str) -> str | None:
    """Return the build that takes orders; None before one was promoted.

    Raises:
        RPCError: when Temporal cannot be reached or refuses.
    """
    info = await _info(client, deployment)
    return (info.routing_config.current_deployment_version.build_id or None) if info else None


async def _info(client: Client, deployment: str) -> WorkerDeploymentInfo | None:
    try:
        answer = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return answer.worker_deployment_info


def _said(build_id: str, ramp: float | None, kept: int, staying: Sequence[str], released: int) -> Iterator[str]:
    """Yield what was done, in words."""
    yield f"{build_id} takes the orders now" if ramp is None else f"{ramp:g} % of the orders go to {build_id} now"
    if kept:
        yield f"{kept} that {' and '.join(staying)} had worked on are finished there"
    if released:
        yield f"{released} that had stayed with an older build move on"


def _refused(error: RPCError) -> Exception:
    """Return a refusal in words; another fault as it is."""
    if error.status in (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT):
        return DeploymentError(f"Temporal refuses: {error.message}")
    return error
