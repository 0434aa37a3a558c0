"""A stage as a test finds it: the real server, worker, gateway and reference systems of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import httpx2
from fastapi import FastAPI
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner

from activities.limits import LocalCalls, LocalLimits
from api.app import create_app
from api.dependencies import Gateway
from api.engine import TemporalEngine
from api.health import Readiness
from api.registration import HubRegistration
from api.sweeps.assurance import AssuranceSweep
from api.sweeps.canceller import Canceller
from api.sweeps.listeners import ListenerStarter
from api.sweeps.lock_releaser import LockReleaser
from api.sweeps.orphans import OrphanSweep
from api.sweeps.qualifying import Qualifying
from api.sweeps.reconciling import Reconciling
from api.sweeps.recovery import RecoveryMode
from api.sweeps.starter import Starter
from api.sweeps.stuck import StuckWork
from application.feasibility import FeasibilityCheck
from application.gates import CircuitLimits, SystemGate, states_followed
from application.http import DownstreamSystem
from application.listeners import Listeners
from application.networks import listener_client
from application.outbox_poller import OutboxPoller
from application.planner import Planner
from application.qualifiers import qualifiers
from catalogs.loader import load_catalogs
from store.cancellations import CancelStore
from store.differences import DifferenceStore
from store.failures import FailureStore
from store.orders import OrderStore
from store.outbox import Outbox
from store.plans import PlanStore
from store.qualifications import QualificationStore
from store.recovery import RecoveryStore
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from store.setbacks import Setbacks
from store.sql.database import open_database
from store.sql.migration import migrate
from store.subscriptions import SubscriptionStore
from store.systems import SystemStates
from store.tasks import TaskStore
from systems.activation.app import create_app as create_activation
from systems.billing.app import create_app as create_billing
from systems.inventory.app import create_app as create_inventory
from tests.over_httpx import HttpxConnection
from tests.shipped import shipped_catalogs
from tests.stage import ADMIN_TOKEN, CALLBACK_SECRET, DELIVERY, GATEWAY, Stage
from worker import QUEUES, activities_by_queue, interceptors, make_worker
from workflows.contracts import policies

NEVER_PAUSED = LocalLimits(slow=timedelta.max, failure_pause=timedelta())
"""Calls are tried locally whatever failed before: a fault of one test must not send another's through the queues."""
NEVER_AWAY = CircuitLimits(opens_after=1_000_000)
"""No system is away for the one test since it gave another no answer."""

_LOOKS = timedelta(milliseconds=50)


_LOCAL_ATTEMPT = timedelta(seconds=1)
"""How long a call that a test holds up is local; then it is on its system's queue."""

_SETTLE_AFTER = timedelta(seconds=1)
"""How long after a call was given up its system may still do it, unless a test wants something later."""


@asynccontextmanager
async def served(app: FastAPI, base_url: str = "http://system") -> AsyncIterator[httpx2.AsyncClient]:
    """Run an application without a server, and give a client of it."""
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=base_url) as client,
    ):
        yield client


class _LateTransport(httpx2.AsyncBaseTransport):
    """Carries the activation system's events to a gateway that is made after it; unsigned ones bear the secret."""

    def __init__(self) -> None:
        self.to: httpx2.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert self.to is not None
        if "webhook-signature" not in request.headers:
            request.headers["Authorization"] = f"Bearer {CALLBACK_SECRET.get_secret_value()}"
        return await self.to.handle_async_request(request)


@asynccontextmanager
async def staged(
    client: Client,
    folder: Path,
    catalogs_folder: Path | None = None,
    circuit: CircuitLimits = NEVER_AWAY,
    queue: str | None = None,
    recovering: bool = False,
) -> AsyncIterator[Stage]:
    """Run everything on databases in `folder`, with a task queue of its own, and the shipped catalogs or others."""
    store_url = f"sqlite:///{folder}/store.db"
    await migrate(store_url)
    catalogs = load_catalogs(catalogs_folder) if catalogs_folder else shipped_catalogs()
    queue = queue or f"test-{uuid4().hex[:8]}"
    events = _LateTransport()
    async with AsyncExitStack() as stack:
        stack.enter_context(patch.object(policies, "LOCAL_ATTEMPT", _LOCAL_ATTEMPT))
        stack.enter_context(patch.object(policies, "settle_after", lambda policy: _SETTLE_AFTER))
        database = open_database(store_url)
        stack.push_async_callback(database.close)
        orders, plans = OrderStore(database), PlanStore(database)
        systems = {
            "inventory": await stack.enter_async_context(
                served(create_inventory(f"sqlite+aiosqlite:///{folder}/inventory.db"))
            ),
            "activation": await stack.enter_async_context(
                served(create_activation(f"sqlite+aiosqlite:///{folder}/activation.db", transport=events))
            ),
            "billing": await stack.enter_async_context(
                served(create_billing(f"sqlite+aiosqlite:///{folder}/billing.db"))
            ),
        }

        async def connected() -> Client:
            return client

        delivery = DELIVERY.model_copy()
        recovery = RecoveryMode(RecoveryStore(database))
        if recovering:
            await recovery.switch("the test", "something is restored", on=True)
        engine = TemporalEngine(connected, queue, delivery=delivery)
        outbox, subscriptions = Outbox(database), SubscriptionStore(database)
        setbacks = Setbacks(database)
        starter, cancellations = Starter(orders, setbacks, engine, timedelta(seconds=5)), CancelStore(database)
        noting = asyncio.create_task(starter.note_for_ever())
        stack.callback(noting.cancel)
        states = SystemStates(database)
        gates = {name: SystemGate(name, states, circuit) for name in systems}
        await stack.enter_async_context(states_followed(states, gates))
        downstream = {
            name: DownstreamSystem(name, HttpxConnection(each), gates[name]) for name, each in systems.items()
        }
        inventory = downstream["inventory"]
        planner, qualifications = Planner(catalogs, inventory), QualificationStore(database)
        qualifying = Qualifying(
            qualifications,
            qualifiers(planner, FeasibilityCheck(inventory), inventory, catalogs),
            timedelta(seconds=1),
            timedelta(days=30),
        )
        assurance = AssuranceSweep(
            FailureStore(database),
            orders,
            setbacks,
            engine,
            starter,
            catalogs,
            inventory,
            downstream["activation"],
        )
        app = create_app(
            Gateway(
                orders=orders,
                plans=plans,
                tasks=TaskStore(database),
                cancellations=cancellations,
                revisions=RevisionStore(database),
                engine=engine,
                starter=starter,
                canceller=Canceller(orders, cancellations, setbacks, engine, starter),
                planner=planner,
                qualifications=qualifications,
                qualifying=qualifying,
                readiness=Readiness([]),
                outbox=outbox,
                subscriptions=subscriptions,
                listener_starter=ListenerStarter(subscriptions, outbox, setbacks, engine, timedelta(days=30)),
                stuck=StuckWork(orders, setbacks, engine, subscriptions, states, DifferenceStore(database)),
                systems=states,
                assurance=assurance,
                reconciling=Reconciling(database, engine),
                recovery=recovery,
                outbox_poller=OutboxPoller(outbox, _LOOKS),
                catalogs=catalogs,
                base_url=GATEWAY,
                body_limit=4_000_000,
                background=(qualifying.run, assurance.run),
                admin_token=SecretStr(ADMIN_TOKEN),
                callback_secret=CALLBACK_SECRET,
            )
        )
        events.to = httpx2.ASGITransport(app)
        gateway = await stack.enter_async_context(served(app, GATEWAY))
        assert await HubRegistration(systems["activation"], GATEWAY, CALLBACK_SECRET).register()
        listeners = Listeners(await stack.enter_async_context(listener_client([])), GATEWAY, timedelta(seconds=1))
        activities = activities_by_queue(database, catalogs, downstream, listeners)
        calls = {name: LocalCalls(name, NEVER_PAUSED, away=gates[name].is_closed) for name in downstream}
        for each in QUEUES:
            # A bug in workflow code fails its order at once, where in production it waits for a mended worker. The
            # sandbox takes an eighth of the time; replayed histories run in it.
            worker = make_worker(
                client,
                queue,
                each,
                activities[each],
                interceptors=interceptors(calls, activities, database),
                workflow_failure_exception_types=[Exception],
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            await stack.enter_async_context(worker)
        yield Stage(
            client=client,
            orders=orders,
            gateway=gateway,
            inventory=systems["inventory"],
            activation=systems["activation"],
            billing=systems["billing"],
            queue=queue,
            lock_releaser=LockReleaser(ResourceLocks(database), engine),
            setbacks=setbacks,
            orphans=OrphanSweep(engine),
            assurance=assurance,
            delivery=delivery,
            app=app,
        )
