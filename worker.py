"""The worker's process: `python -m worker`, or `ordersaga worker`. Puts the parts together, and nothing else.

It serves the task queue of the workflows and one for each downstream system; `--queue` chooses among them, so that a
system's calls can run in processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any, Final

import structlog
import uvloop
from pydantic import ValidationError
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import Interceptor, PollerBehaviorSimpleMaximum, UnsandboxedWorkflowRunner, Worker

from activities import places
from activities.activation import ActivationActivities
from activities.allowance import AllowanceHeaders
from activities.amendments import AmendmentActivities
from activities.attempts import AttemptWatch
from activities.billing import BillingActivities
from activities.cancellations import CancellationActivities
from activities.children import ChildActivities
from activities.events import EventActivities, SubscriptionActivities, count_set_aside
from activities.feasibility import QualificationActivities
from activities.inventory import InventoryActivities
from activities.limits import LocalCallGuard, LocalCalls, LocalLimits
from activities.listener_metrics import ListenerMetrics
from activities.planning import PlanningActivities
from activities.queue_limits import rate_limits_followed
from activities.reconciliation import ReconciliationActivities
from activities.records import RecordActivities
from activities.saga_log import SagaLogActivities
from activities.tasks import TaskActivities
from application.bounded_planning import BoundedPlanning, PlanningAllowance
from application.connections import connected
from application.feasibility import FeasibilityCheck
from application.filters import ignored_filters
from application.gates import SystemGate, states_followed
from application.http import DownstreamSystem
from application.listeners import Listeners
from application.networks import listener_client
from application.outbox_poller import OutboxPoller
from application.planner import Planner
from catalogs.loader import default_catalogs, load_catalogs
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.faults import CatalogFaultsError
from logs import configure_logging
from settings import Settings, faults_of
from store.begun_calls import BegunCalls
from store.cancellations import CancelStore
from store.differences import DifferenceStore
from store.errors import StoreError
from store.orders import OrderStore
from store.outbox import Outbox
from store.plans import PlanStore
from store.recovery import RecoveryStore
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from store.saga_log import SagaLog
from store.setbacks import Setbacks
from store.sql.database import Database, open_database
from store.sql.migration import migrate
from store.subscriptions import SubscriptionStore
from store.systems import SystemStates
from store.tasks import TaskStore
from workflows.comparisons import comparisons
from workflows.connection import connect, sandbox
from workflows.contracts import policies
from workflows.deployments import current_build
from workflows.direct_resource_order import DirectResourceOrderWorkflow
from workflows.direct_service_order import DirectServiceOrderWorkflow
from workflows.event_subscription import EventSubscriptionWorkflow
from workflows.product_order import ProductOrderWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.resource_order import ResourceOrderWorkflow
from workflows.schedules import see_to_schedule
from workflows.service_order import ServiceOrderWorkflow
from workflows.versioning import own_build, versioned

WORKFLOWS = [
    ProductOrderWorkflow,
    DirectServiceOrderWorkflow,
    DirectResourceOrderWorkflow,
    ServiceOrderWorkflow,
    ResourceOrderWorkflow,
    EventSubscriptionWorkflow,
    ReconciliationWorkflow,
]
QUEUES = policies.QUEUES

_WORKFLOW_TASKS: Final[dict[str, Any]] = {
    # Half of the pollers for new workflows: with the default, one of five, children wait for each other's start.
    "workflow_task_poller_behavior": PollerBehaviorSimpleMaximum(10),
    "nonsticky_to_sticky_poll_ratio": 0.5,
    # A workflow task holds its place while its local calls run: fewer places gained no CPU, and would wait for systems.
    "max_concurrent_workflow_tasks": 100,
}
_STORE_CALLS_AT_ONCE = 100
"""Local activities that find a place while each system has as many calls as it may: the store waits for no system."""
_HEARTBEATS = timedelta(seconds=1)
_CONNECT_PAUSE = timedelta(seconds=1)
_log = structlog.get_logger("worker")


def activities_of(instance: object) -> list[Any]:
    """Return the activities that a class of them defines."""
    names = [name for name in dir(type(instance)) if not name.startswith("_")]
    methods = [getattr(instance, name) for name in names]
    return [method for method in methods if hasattr(method, "__temporal_activity_definition")]


def activities_by_queue(
    database: Database,
    catalogs: CatalogSet,
    systems: Mapping[str, DownstreamSystem],
    listeners: Listeners,
    planning: BoundedPlanning | None = None,
) -> dict[str, list[Any]]:
    """Return what each queue's worker can do; `systems` has one entry for each of `policies.SYSTEMS`.

    The worker of the workflows can do what the systems' workers can, for the calls that are tried locally first.
    """
    outbox, subscriptions = Outbox(database, count_set_aside), SubscriptionStore(database)
    orders, plans, locks = OrderStore(database), PlanStore(database), ResourceLocks(database)
    inventory = systems[policies.INVENTORY]
    planner, feasibility = Planner(catalogs, inventory, planning), FeasibilityCheck(inventory)
    calls = {
        policies.INVENTORY: activities_of(InventoryActivities(inventory)),
        policies.ACTIVATION: activities_of(ActivationActivities(systems[policies.ACTIVATION], inventory)),
        policies.BILLING: activities_of(BillingActivities(systems[policies.BILLING])),
    }
    return {
        **calls,
        "workflows": [
            *chain(*calls.values()),
            *activities_of(RecordActivities(orders, plans, locks, BegunCalls(database))),
            *activities_of(PlanningActivities(planner, orders, plans, locks)),
            *activities_of(QualificationActivities(inventory, plans, orders)),
            *activities_of(AmendmentActivities(planner, feasibility, orders, plans, RevisionStore(database), locks)),
            *activities_of(TaskActivities(TaskStore(database))),
            *activities_of(CancellationActivities(CancelStore(database))),
            *activities_of(SagaLogActivities(SagaLog(database), BegunCalls(database))),
            *activities_of(ChildActivities()),
            *activities_of(
                ReconciliationActivities(
                    DifferenceStore(database), RecoveryStore(database), comparisons(database, catalogs, systems)
                )
            ),
            *activities_of(SubscriptionActivities(outbox, subscriptions)),
        ],
        policies.EVENTS: activities_of(EventActivities(outbox, subscriptions, OutboxPoller(outbox), listeners)),
    }


def local_calls(settings: Settings, queues: Collection[str], gates: Mapping[str, SystemGate]) -> dict[str, LocalCalls]:
    """Return what watches over the calls of each system. They are local only where the worker serves its queue, too."""
    on = settings.local_systems().intersection(queues)
    rates, at_once = settings.rates(), settings.at_once()

    def watch(name: str, gate: SystemGate) -> LocalCalls:
        most = min(settings.local_calls_at_once, at_once.get(name, settings.local_calls_at_once))
        limits = LocalLimits(at_once=most, slow=settings.local_call_slow, rate_limited=name in rates)
        return LocalCalls(name, limits, on=name in on, away=gate.is_closed)

    return {name: watch(name, gate) for name, gate in gates.items()}


def queue_limits(settings: Settings, queue: str) -> dict[str, Any]:
    """Return the options of a queue's worker by which its system is protected: Temporal counts calls of all workers."""
    options: dict[str, Any] = {}
    if rate := settings.rates().get(queue):
        options["max_task_queue_activities_per_second"] = rate
    if at_once := settings.at_once().get(queue):
        options["max_concurrent_activities"] = at_once
    return options


def guard(
    calls: Mapping[str, LocalCalls], activities: Mapping[str, Sequence[Any]], database: Database
) -> LocalCallGuard:
    """Return what applies the limits of each system to its activities, which are those of its queue."""
    by_type = {each.__name__: calls[system] for system in calls for each in activities[system]}
    return LocalCallGuard(by_type, BegunCalls(database).note)


def interceptors(
    calls: Mapping[str, LocalCalls], activities: Mapping[str, Sequence[Any]], database: Database
) -> list[Interceptor]:
    """Return what is done around each activity, the outermost first."""
    return [AttemptWatch(Setbacks(database)), guard(calls, activities, database), AllowanceHeaders()]


def make_worker(
    client: Client, base: str, queue: str, activities: Sequence[Any], graceful: timedelta = timedelta(), **options: Any
) -> Worker:
    """Return the worker of one queue, not running yet. `base` is the task queue of the workflows."""
    if queue == policies.EVENTS:
        # A listener that is paused or taken off must be told nothing more: an activity learns that with a heartbeat.
        options |= {
            "max_concurrent_activities": places.AT_ONCE,
            "max_heartbeat_throttle_interval": _HEARTBEATS,
            "default_heartbeat_throttle_interval": _HEARTBEATS,
        }
    if queue == "workflows":
        options = _WORKFLOW_TASKS | options
    return Worker(
        client,
        task_queue=base if queue == "workflows" else policies.task_queue(base, queue),
        workflows=WORKFLOWS if queue == "workflows" else [],
        activities=activities,
        graceful_shutdown_timeout=graceful,
        **{"workflow_runner": sandbox(), **options},
    )


async def work(settings: Settings, catalogs: CatalogSet, queues: Sequence[str]) -> None:
    """Work until SIGTERM or Ctrl-C; activities that run then may finish within the graceful time."""
    stopped = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    async with AsyncExitStack() as stack:
        client = await _engine(settings, stopped)
        if client is None:
            return
        await migrate(settings.store_url)
        database = open_database(settings.store_url)
        stack.push_async_callback(database.close)
        listeners = Listeners(
            await stack.enter_async_context(listener_client(settings.forbidden_networks())),
            settings.gateway_url(),
            settings.event_timeout,
        )
        allowance = PlanningAllowance(settings.planning_processes, settings.planning_memory, settings.planning_cpu_time)
        planning = BoundedPlanning(catalogs, settings.order_limits(), allowance)
        states = SystemStates(database)
        gates = {name: SystemGate(name, states) for name in policies.SYSTEMS}
        await stack.enter_async_context(states_followed(states, gates, _runtime(settings.metrics_address).metric_meter))
        systems = await _systems(settings, stack, gates)
        activities = activities_by_queue(database, catalogs, systems, listeners, planning)
        calls = local_calls(settings, queues, gates)
        if "workflows" in queues:
            watched = {policies.task_queue(settings.task_queue, name): each for name, each in calls.items() if each.on}
            await stack.enter_async_context(rate_limits_followed(client, watched))
        if policies.EVENTS in queues and settings.metrics_address:
            meter = (client.service_client.config.runtime or Runtime.default()).metric_meter
            metrics = ListenerMetrics(meter, Outbox(database), SubscriptionStore(database))
            await stack.enter_async_context(metrics.kept_up_to_date())
        runner = sandbox() if settings.workflow_sandbox else UnsandboxedWorkflowRunner()
        build = settings.build_id or own_build()
        for queue in queues:
            worker = make_worker(
                client,
                settings.task_queue,
                queue,
                activities[queue],
                settings.graceful_shutdown,
                interceptors=interceptors(calls, activities, database),
                max_concurrent_local_activities=len(calls) * settings.local_calls_at_once + _STORE_CALLS_AT_ONCE,
                max_cached_workflows=settings.cached_workflows,
                **versioned(settings.deployment, build, runner),
                **queue_limits(settings, queue),
            )
            await stack.enter_async_context(worker)
        if "workflows" in queues:
            await _scheduled(client, settings)
        version = catalogs.version
        _log.info("working", queues=list(queues), catalog=version.label, digest=version.digest, build=build)
        if settings.deployment:
            await _say_whether_current(client, settings.deployment, build)
        asking = asyncio.create_task(_warn_of_ignored_filters(systems))
        await stopped.wait()
        asking.cancel()
        _log.info("stopping", graceful=str(settings.graceful_shutdown))


async def _say_whether_current(client: Client, deployment: str, build: str) -> None:
    try:
        if not await current_build(client, deployment):
            _log.warning("no build takes orders yet", command=f"ordersaga worker promote {build}")
    except RPCError as error:
        _log.warning("Temporal does not say which build takes orders", reason=str(error))


async def _warn_of_ignored_filters(systems: Mapping[str, DownstreamSystem]) -> None:
    for ignored in await ignored_filters(systems):
        _log.warning("what an order has made cannot be looked up", reason=ignored)


async def _scheduled(client: Client, settings: Settings) -> None:
    """See to what is scheduled; what a Temporal without schedules refuses keeps no worker from working."""
    try:
        await see_to_schedule(client, settings.task_queue, settings.reconcile_every)
    except RPCError as error:
        _log.warning("reconciliations cannot be scheduled", reason=str(error))


async def _systems(
    settings: Settings, stack: AsyncExitStack, gates: Mapping[str, SystemGate]
) -> dict[str, DownstreamSystem]:
    systems, at_once = {}, settings.at_once()
    for name, url in settings.system_urls().items():
        connection = connected(str(url), settings.http_timeout, settings.http_answer_limit, at_once.get(name))
        systems[name] = DownstreamSystem(name, await stack.enter_async_context(connection), gates[name])
    return systems


@cache
def _runtime(metrics_address: str | None) -> Runtime:
    """Return the one runtime of this process: with metrics, where they are served."""
    if metrics_address is None:
        return Runtime.default()
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=metrics_address)))


async def _engine(settings: Settings, stopped: asyncio.Event) -> Client | None:
    """Connect to Temporal, however long it takes to be there; None when told to stop before."""
    runtime = _runtime(settings.metrics_address)
    while not stopped.is_set():
        try:
            return await connect(runtime=runtime)
        except RuntimeError as error:
            _log.warning("Temporal is not there yet", reason=str(error))
            await asyncio.sleep(_CONNECT_PAUSE.total_seconds())
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker; return the process's exit code: 0 after an orderly end, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="worker", description="Run the workflows and activities of orders.")
    parser.add_argument(
        "--queue",
        action="append",
        choices=QUEUES,
        help="serve this queue only; may be given several times (default: all of them)",
    )
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings()
        configure_logging(settings.log_format, settings.log_level)
        catalogs = load_catalogs(settings.catalogs or default_catalogs())
        for warning in catalogs.warnings:
            _log.warning("odd in the catalogs", warning=str(warning))
        uvloop.run(work(settings, catalogs, chosen.queue or QUEUES))
    except ValidationError as error:
        print(f"the worker cannot start: {'; '.join(faults_of(error))}", file=sys.stderr)
        return 1
    except (CatalogFaultsError, StoreError) as error:
        print(f"the worker cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def exit_now(code: int) -> None:
    """End the process with what it has printed: one that used the Temporal SDK may abort at the interpreter's end."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    exit_now(main())
