"""What the gateway's routes work with: everything they need, put together once, by the process or by a test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from activities.planning import PlannedOrder
from api.engine import Engine
from api.health import Readiness
from api.starter import Starter
from orders.tmf import ProductOrder
from store.orders import OrderStore
from store.plans import PlanStore

Background = Callable[[], Coroutine[Any, Any, None]]


class Planner(Protocol):
    """Plans an order without executing anything."""

    async def plan(self, order: ProductOrder, revision: int = 1) -> PlannedOrder:
        """Return what the order comes down to.

        Raises:
            DownstreamError: when inventory cannot answer.
        """


@dataclass(frozen=True)
class Gateway:
    """The parts of a gateway."""

    orders: OrderStore
    plans: PlanStore
    engine: Engine
    starter: Starter
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
