"""The gateway's dependencies: all that its routes work with, put together once, by the process or by a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from pydantic import SecretStr

from api.engine import Engine
from api.health import Readiness
from api.http.at_once import AtOnce
from api.sweeps.assurance import AssuranceSweep
from api.sweeps.canceller import Canceller
from api.sweeps.listeners import ListenerStarter
from api.sweeps.qualifying import Qualifying
from api.sweeps.reconciling import Reconciling
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.rounds import Supervision
from api.sweeps.starter import Starter
from api.sweeps.stuck import StuckWork
from application.networks import Network
from application.outbox_poller import OutboxPoller
from application.planner import PlannedOrder
from catalogs.documents import CatalogDocuments
from catalogs.model.catalog_set import CatalogSet
from orders.bounds import OrderLimits
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder
from orders.plan.orchestration_plan import OrchestrationPlan
from store.cancellations import CancelStore
from store.orders import OrderStore
from store.outbox import Outbox
from store.plans import PlanStore
from store.qualifications import QualificationStore
from store.revisions import RevisionStore
from store.subscriptions import SubscriptionStore
from store.systems import SystemStates
from store.tasks import TaskStore

Background = Callable[[], Coroutine[Any, Any, None]]


class Planner(Protocol):
    """Plans an order without executing anything."""

    async def preview(
        self,
        order: PostedOrder,
        revision: int = 1,
        installed: InstalledBase | None = None,
        running: OrchestrationPlan | None = None,
    ) -> PlannedOrder:
        """Return what the order comes down to, for a customer who has what is `installed`, or else has by inventory.

        What is not possible now has no plan, but the reasons.

        Raises:
            DownstreamError: when inventory cannot answer.
        """


@dataclass(frozen=True)
class Gateway:
    """The parts of a gateway."""

    orders: OrderStore
    plans: PlanStore
    tasks: TaskStore
    cancellations: CancelStore
    revisions: RevisionStore
    engine: Engine
    starter: Starter
    canceller: Canceller
    planner: Planner
    qualifications: QualificationStore
    qualifying: Qualifying
    readiness: Readiness
    outbox: Outbox
    subscriptions: SubscriptionStore
    listener_starter: ListenerStarter
    stuck: StuckWork
    systems: SystemStates
    assurance: AssuranceSweep
    reconciling: Reconciling
    outbox_poller: OutboxPoller
    catalogs: CatalogSet
    base_url: str
    """The gateway's address as clients see it, without a slash at its end: every `href` starts with it."""
    body_limit: int
    """Bytes of the largest request body taken."""
    limits: OrderLimits = field(default_factory=OrderLimits)
    """How large an order may be."""
    questions: AtOnce = field(default_factory=AtOnce)
    """The previews and qualifications that are being answered."""
    forbidden_networks: Sequence[Network] = ()
    """Where no events are sent."""
    temporal_ui_url: str | None = None
    """Where people see the workflows, if it is known."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is told to end: streams end then."""
    recovery: RecoveryMode = NO_RECOVERY
    """Whether sweeps only report."""
    supervision: Supervision = field(default_factory=Supervision)
    """What keeps the background running."""
    background: tuple[Background, ...] = field(default=())
    """What runs for as long as the gateway serves."""
    admin_token: SecretStr | None = None
    """What administrators bear; without it there are none."""
    callback_secret: SecretStr | None = None
    """What events of downstream systems are signed with; without it none are taken."""

    @cached_property
    def catalog_documents(self) -> CatalogDocuments:
        """The catalogs as their APIs show them, made at the first request."""
        return CatalogDocuments(self.catalogs, self.base_url)


# Without `async` FastAPI would call it in a thread, for each request.
async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


GatewayDep = Annotated[Gateway, Depends(_gateway)]
