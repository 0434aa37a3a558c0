"""The parts of the embedded stack: what command each is, what it is told, and how it is seen to be up."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import httpx2
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from embedded.layout import GATEWAY, TEMPORAL, WORKER, Layout, database
from embedded.modules import module_command, module_environment
from embedded.ports import LOOPBACK
from embedded.process import Part
from embedded.secrets import gateway_secrets
from embedded.temporal_server import client_environment, temporal_part
from settings import SYSTEMS
from workflows.connection import DATA_CONVERTER, connect

_WORKER_STOPS_WITHIN = 15.0


def parts(layout: Layout) -> list[Part]:
    """Return the parts that run here, in the order of their start.

    Raises:
        TemporalMissingError: when Temporal is to run here and is not installed.
    """
    built: list[Part] = []
    if TEMPORAL in layout.parts:
        built.append(
            temporal_part(
                layout.state_dir / "temporal.db", layout.ports.temporal_port, layout.ports.ui_port, layout.namespace
            )
        )
    built += [_system(layout, name) for name in SYSTEMS if name in layout.parts]
    if WORKER in layout.parts:
        built.append(_worker(layout))
    if GATEWAY in layout.parts:
        built.append(_gateway(layout))
    return built


def needed_ports(layout: Layout) -> dict[str, str]:
    """Return the ports that must be free: field of Ports → what is to listen there."""
    needed = {f"{name}_port": f"the {name} system" for name in SYSTEMS if name in layout.parts}
    if TEMPORAL in layout.parts:
        needed |= {"temporal_port": "Temporal", "ui_port": "the Temporal Web UI"}
    if GATEWAY in layout.parts:
        needed["port"] = "the gateway"
    return needed


def environment(layout: Layout) -> dict[str, str | None]:
    """Return the variables by which gateway and worker find all others; None takes a variable away."""
    own: dict[str, str | None] = {
        "ORDERSAGA_STATE_DIR": str(layout.state_dir),
        "ORDERSAGA_STORE_URL": layout.store_url,
        "ORDERSAGA_PORT": str(layout.ports.port),
        "ORDERSAGA_TASK_QUEUE": layout.task_queue,
        # One worker, whatever its build: nobody is to have it promoted.
        "ORDERSAGA_DEPLOYMENT": "",
        **{f"ORDERSAGA_{name.upper()}_URL": url for name, url in layout.systems.items()},
        **layout.settings,
    }
    if TEMPORAL in layout.parts:
        own |= client_environment(layout.temporal_address, layout.namespace, os.environ)
        own["ORDERSAGA_TEMPORAL_UI_URL"] = layout.ui_url
    return own


async def temporal_client(layout: Layout) -> Client:
    """Connect to the stack's Temporal.

    Raises:
        RuntimeError: when it cannot be reached.
    """
    if TEMPORAL in layout.parts:
        return await Client.connect(layout.temporal_address, namespace=layout.namespace, data_converter=DATA_CONVERTER)
    return await connect()


def _system(layout: Layout, name: str) -> Part:
    port = getattr(layout.ports, f"{name}_port")
    return Part(
        name=name,
        command=[
            *module_command(f"systems.{name}"),
            *("--host", LOOPBACK, "--port", str(port), "--database", database(layout, name)),
        ],
        ready=_answers_ok(f"http://{LOOPBACK}:{port}/health"),
        environment=module_environment(),
    )


def _worker(layout: Layout) -> Part:
    return Part(
        name=WORKER,
        command=module_command("worker"),
        ready=_polls(layout),
        environment=environment(layout) | module_environment(),
        after=(TEMPORAL, *SYSTEMS),
        stop_within=_WORKER_STOPS_WITHIN,
    )


def _gateway(layout: Layout) -> Part:
    return Part(
        name=GATEWAY,
        command=module_command("api"),
        ready=_answers_ok(f"{layout.gateway_url}/health/ready"),
        environment=environment(layout) | gateway_secrets(layout) | module_environment(),
        after=(TEMPORAL, *SYSTEMS),
    )


def _answers_ok(url: str) -> Callable[[int], Awaitable[bool]]:
    async def check(_pid: int) -> bool:
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            try:
                return (await client.get(url)).status_code == httpx2.codes.OK
            except httpx2.TransportError:
                return False

    return check


def _polls(layout: Layout) -> Callable[[int], Awaitable[bool]]:
    """Return a check that the worker of the given process id polls the task queue of the workflows."""
    clients: list[Client] = []

    async def check(pid: int) -> bool:
        try:
            if not clients:
                clients.append(await temporal_client(layout))
            answer = await clients[0].workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=layout.namespace,
                    task_queue=TaskQueue(name=layout.task_queue),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                )
            )
        except (RuntimeError, RPCError):
            return False
        return any(poller.identity.startswith(f"{pid}@") for poller in answer.pollers)

    return check
