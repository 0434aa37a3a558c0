"""The gateway's process: `python -m api`, configured by the environment (see settings.py)."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from types import FrameType

import httpx2
import structlog
import uvicorn
import uvloop
from pydantic import AnyHttpUrl, ValidationError

from api.app import create_app
from api.dependencies import Background, Gateway
from api.engine import TemporalEngine
from api.health import (
    Readiness,
    background_probe,
    callback_probe,
    catalog_probe,
    engine_probes,
    recovery_probe,
    store_probe,
    stuck_probe,
    sweep_probe,
    system_probe,
)
from api.http.at_once import AtOnce
from api.registration import HubRegistration
from api.sweeps.abandonment import Abandonment, KeptAtMost
from api.sweeps.assurance import NAME as ASSURANCE
from api.sweeps.assurance import AssuranceSweep
from api.sweeps.canceller import Canceller
from api.sweeps.guard import RestoreGuard
from api.sweeps.listeners import ListenerStarter
from api.sweeps.lock_releaser import LockReleaser
from api.sweeps.orphans import OrphanSweep
from api.sweeps.qualifying import Qualifying
from api.sweeps.reconciling import Reconciling
from api.sweeps.recovery import RecoveryMode, resting
from api.sweeps.rounds import Rounds, Supervision
from api.sweeps.starter import Starter
from api.sweeps.stuck import StuckWork
from api.sweeps.sweep import Sweep, sweep_for_ever
from application.bounded_planning import BoundedPlanning, PlanningAllowance
from application.connections import PooledConnection, connected
from application.feasibility import FeasibilityCheck
from application.gates import SystemGate, states_followed
from application.http import DownstreamSystem
from application.outbox_poller import OutboxPoller
from application.planner import Planner
from application.qualifiers import qualifiers
from catalogs.loader import default_catalogs, load_catalogs
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.faults import CatalogFaultsError
from logs import configure_logging
from settings import Settings, faults_of
from store.cancellations import CancelStore
from store.errors import SchemaTooNewError, StoreUnavailableError, UnsupportedDatabaseError
from store.failures import FailureStore
from store.orders import OrderStore
from store.outbox import Outbox
from store.plans import PlanStore
from store.posted_orders import PostedOrders
from store.qualifications import QualificationStore
from store.recovery import RecoveryStore
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from store.setbacks import Setbacks
from store.sql.database import Database, open_database
from store.sql.migration import migrate
from store.subscriptions import SubscriptionStore
from store.systems import SystemStates
from store.tasks import TaskStore
from workflows.connection import connect
from workflows.contracts.subscriptions import DeliveryPolicy

_MIGRATION_PAUSE = timedelta(seconds=2)
_PROBE_TIMEOUT = 2.0
_CLOSE_TIMEOUT = 5.0

_log = structlog.get_logger("api")


async def serve(settings: Settings, catalogs: CatalogSet) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that run then are finished first."""
    async with AsyncExitStack() as stack:
        gateway = await _gateway(settings, catalogs, stack)
        server = _Server(
            uvicorn.Config(
                create_app(gateway),
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=int(settings.graceful_shutdown.total_seconds()),
            ),
            gateway.closing,
        )
        _log.info("serving", url=gateway.base_url, catalog=catalogs.version.label, digest=catalogs.version.digest)
        await server.serve()


class _Server(uvicorn.Server):
    """Tells streams that the process ends."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        asyncio.get_running_loop().call_soon_threadsafe(self._closing.set)
        super().handle_exit(sig, frame)


async def _gateway(settings: Settings, catalogs: CatalogSet, stack: AsyncExitStack) -> Gateway:
    database = open_database(settings.store_url, settings.list_timeout, settings.page_bytes)
    stack.push_async_callback(_close, database)
    orders = OrderStore(database)
    delivery = DeliveryPolicy(give_up_after=settings.event_give_up_after)
    engine = TemporalEngine(
        partial(connect, lazy=True),
        settings.task_queue,
        delivery=delivery,
        fair=settings.fairness,
        parts_at_once=settings.parts_at_once,
    )
    setbacks, reconciling = Setbacks(database), Reconciling(database, engine)
    recovery, rounds, supervision = _watched(settings, database)
    states = SystemStates(database)
    starter = Starter(orders, setbacks, engine, settings.start_sweep_interval, recovery=recovery)
    cancellations = CancelStore(database)
    canceller = Canceller(orders, cancellations, setbacks, engine, starter, recovery)
    lock_releaser = LockReleaser(ResourceLocks(database), engine, recovery=recovery)
    outbox, subscriptions = Outbox(database), SubscriptionStore(database)
    listener_starter = ListenerStarter(subscriptions, outbox, setbacks, engine, settings.event_retention, recovery)
    kept_at_most = KeptAtMost(settings.listener_give_up_after, settings.listener_backlog_limit)
    stuck = StuckWork(orders, setbacks, engine, subscriptions, states, reconciling.differences)
    sweeps = {
        # First of all, so that nothing is done in a void before it is seen.
        "restores": RestoreGuard(PostedOrders(database), reconciling.differences, engine, recovery).sweep,
        "orders": starter.sweep,
        "cancellations": canceller.sweep,
        "resource locks": lock_releaser.sweep,
        "orphans": OrphanSweep(engine, recovery).sweep,
        "listeners": listener_starter.sweep,
        "stopped listeners": listener_starter.sweep_stopped,
        "lost listeners": listener_starter.sweep_lost,
        "given up listeners": resting(
            recovery, Abandonment(subscriptions, outbox, listener_starter, kept_at_most).sweep
        ),
        "events": listener_starter.prune,
    }
    systems = settings.system_urls()
    inventory = await stack.enter_async_context(_connection(settings, "inventory", systems["inventory"]))
    network = await stack.enter_async_context(_connection(settings, "activation", systems["activation"]))
    activation = await stack.enter_async_context(
        httpx2.AsyncClient(base_url=str(systems["activation"]), timeout=settings.http_timeout.total_seconds())
    )
    prober = await stack.enter_async_context(httpx2.AsyncClient(timeout=_PROBE_TIMEOUT))
    gates = {name: SystemGate(name, states) for name in ("inventory", "activation")}
    await stack.enter_async_context(states_followed(states, gates))
    downstream, plans = DownstreamSystem("inventory", inventory, gates["inventory"]), PlanStore(database)
    allowance = PlanningAllowance(settings.planning_processes, settings.planning_memory, settings.planning_cpu_time)
    planning = BoundedPlanning(catalogs, settings.order_limits(), allowance)
    planner, qualifications = Planner(catalogs, downstream, planning), QualificationStore(database)
    qualifying = Qualifying(
        qualifications,
        qualifiers(planner, FeasibilityCheck(downstream), downstream, catalogs, planning),
        settings.start_sweep_interval,
        settings.qualification_retention,
    )
    assurance = AssuranceSweep(
        FailureStore(database),
        orders,
        setbacks,
        engine,
        starter,
        catalogs,
        downstream,
        DownstreamSystem("activation", network, gates["activation"]),
        recovery,
    )
    sweeps[ASSURANCE] = assurance.sweep
    return Gateway(
        orders=orders,
        plans=plans,
        tasks=TaskStore(database),
        cancellations=cancellations,
        revisions=RevisionStore(database),
        engine=engine,
        starter=starter,
        canceller=canceller,
        planner=planner,
        qualifications=qualifications,
        qualifying=qualifying,
        readiness=Readiness(
            [
                store_probe(database),
                *engine_probes(engine),
                catalog_probe(catalogs.version),
                stuck_probe(stuck),
                sweep_probe(rounds),
                background_probe(supervision),
                recovery_probe(recovery),
                callback_probe(settings.callback_secret),
                *(system_probe(name, str(url), prober) for name, url in systems.items()),
            ]
        ),
        outbox=outbox,
        subscriptions=subscriptions,
        listener_starter=listener_starter,
        stuck=stuck,
        systems=states,
        assurance=assurance,
        reconciling=reconciling,
        outbox_poller=OutboxPoller(outbox),
        forbidden_networks=settings.forbidden_networks(),
        catalogs=catalogs,
        base_url=settings.gateway_url(),
        body_limit=settings.body_limit,
        limits=settings.order_limits(),
        questions=AtOnce(settings.questions_at_once),
        temporal_ui_url=str(settings.temporal_ui_url) if settings.temporal_ui_url else None,
        admin_token=settings.admin_token,
        callback_secret=settings.callback_secret,
        recovery=recovery,
        supervision=supervision,
        background=(
            partial(_sweep, settings, sweeps, rounds),
            starter.note_for_ever,
            stuck.look_for_ever,
            assurance.run,
            *_registrations(settings, activation),
            qualifying.run,
        ),
    )


def _connection(settings: Settings, name: str, url: AnyHttpUrl) -> AbstractAsyncContextManager[PooledConnection]:
    """Return the connection to a system, within its limits."""
    return connected(str(url), settings.http_timeout, settings.http_answer_limit, settings.at_once().get(name))


def _registrations(settings: Settings, activation: httpx2.AsyncClient) -> list[Background]:
    """Return what makes the gateway known to systems whose events it takes."""
    if settings.callback_secret is None:
        _log.warning("no events of systems are taken, monitors are polled: ORDERSAGA_CALLBACK_SECRET is not set")
        return []
    return [HubRegistration(activation, settings.gateway_url(), settings.callback_secret).run]


async def _close(database: Database) -> None:
    """Close the store's connections; one that a request was cut off from must not keep the process."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await database.close()


def _watched(settings: Settings, database: Database) -> tuple[RecoveryMode, Rounds, Supervision]:
    """Return what says whether sweeps act, whether they come round, and whether the background runs."""
    return RecoveryMode(RecoveryStore(database), forced=settings.recovery), Rounds(), Supervision()


async def _sweep(settings: Settings, sweeps: Mapping[str, Sweep], rounds: Rounds) -> None:
    """Bring the store's tables up to date, as soon as the database serves, and sweep from then on."""
    rounds.expect(sweeps)
    await _prepare_store(settings.store_url)
    await sweep_for_ever(sweeps, settings.start_sweep_interval, rounds=rounds)


async def _prepare_store(url: str) -> None:
    while True:
        try:
            await migrate(url)
        except (SchemaTooNewError, StoreUnavailableError) as error:
            _log.warning("store not ready", reason=str(error))
            await asyncio.sleep(_MIGRATION_PAUSE.total_seconds())
        else:
            return


def _end(*_: object) -> None:
    raise SystemExit(0)


def main() -> int:
    """Run the gateway; return the process's exit code: 0 after an orderly end, 1 when it could not start."""
    # Until uvicorn serves, and once more when it has ended: it raises the signal that ended it again.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _end)
    try:
        settings = Settings()
        configure_logging(settings.log_format, settings.log_level)
        catalogs = load_catalogs(settings.catalogs or default_catalogs())
        for warning in catalogs.warnings:
            _log.warning("odd in the catalogs", warning=str(warning))
        uvloop.run(serve(settings, catalogs))
    except ValidationError as error:
        print(f"the gateway cannot start: {'; '.join(faults_of(error))}", file=sys.stderr)
        return 1
    except (CatalogFaultsError, UnsupportedDatabaseError) as error:
        print(f"the gateway cannot start: {error}", file=sys.stderr)
        return 1
    except SystemExit as error:
        return 1 if error.code else 0
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # A process that used the Temporal SDK may abort when the interpreter ends in the ordinary way.
    os._exit(code)
