"""The orchestration plan: what an order comes down to, computed once for each revision and never changed."""

from __future__ import annotations

from pydantic import Field

from orders.plan.parts import Delivery, ProductPlan, ResourcePlan, ServiceOrderPlan
from orders.plan.plan_graph import PlanGraph
from tmf.model import Model


class CatalogVersion(Model):
    """Which catalog a plan was made from: the digest of its content, and the label it goes by."""

    digest: str
    label: str


class OrchestrationPlan(Model):
    """All that a revision of an order comes down to."""

    order_id: str
    revision: int = 1
    catalog: CatalogVersion
    service_orders: list[ServiceOrderPlan] = Field(default_factory=list)
    products: list[ProductPlan] = Field(default_factory=list)
    deliveries: list[Delivery] = Field(default_factory=list)
    resource_orders: list[ResourcePlan] = Field(default_factory=list)
    belongs_to: list[str] = Field(default_factory=list)
    """What the services and resources that it changes by themselves realise or support: `product:ID`, `service:ID`."""

    def parts(self) -> int:
        """Return how many products, services and resources it has."""
        items = [item for order in self.service_orders for item in order.items]
        return len(self.products) + len(items) + sum(len(item.resources) for item in items) + len(self.resource_orders)

    def widest(self) -> int:
        """Return how many parts the workflow runs that runs most: the order's own, or one below it."""
        items = [item for order in self.service_orders for item in order.items]
        own = len(self.service_orders) + len(self.deliveries) + len(self.products) + len(self.resource_orders)
        below = (*(len(order.items) for order in self.service_orders), *(len(item.resources) for item in items))
        return max(own, *below, 0)

    def graph(self) -> PlanGraph:
        """Return the graph of all nodes without their contents."""
        return PlanGraph(
            nodes=[
                *(each.node() for each in self.service_orders),
                *(each.node() for each in self.deliveries),
                *(each.node() for each in self.products),
                *(each.node() for each in self.resource_orders),
            ]
        )
