"""What the gateway's routes work with: everything they need, put together once, by the process or by a test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from activities.planning import PlannedOrder
from api.canceller import Canceller
from api.engine import Engine
from api.health import Readiness
from api.starter import Starter
from orders.installed import InstalledBase
from orders.posted import PostedOrder
from store.cancellations import CancelStore
from store.orders import OrderStore
from store.plans import PlanStore
from store.revisions import RevisionStore
from store.tasks import TaskStore

Background = Callable[[], Coroutine[Any, Any, None]]


class Planner(Protocol):
    """Plans an order without executing anything."""

    async def plan(self, order: PostedOrder, revision: int = 1, installed: InstalledBase | None = None) -> PlannedOrder:
        """Return what the order comes down to, for a customer who has what is `installed`, or else has by inventory.

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
    readiness: Readiness
    base_url: str
    """The gateway's address as clients see it, without a slash at its end: every `href` starts with it."""
    body_limit: int
    """Bytes of the largest request body taken."""
    background: tuple[Background, ...] = field(default=())
    """What runs for as long as the gateway serves."""


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


GatewayDep = Annotated[Gateway, Depends(_gateway)]
