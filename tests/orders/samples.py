"""Parts of plans that the tests of the domain are about."""

from __future__ import annotations

from typing import Any

from orders.model.product_orders import Action
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.outcome import AssignedResource, RealisedService, ServiceOrderOutcome
from orders.plan.parts import Activation, Demand, ResourceItem, ServiceItem, ServiceOrderPlan, Specification
from orders.plan.plan_graph import NodeKind, PlanGraph, PlanNode
from orders.plan.policy import OnFailure


def specification(name: str) -> Specification:
    return Specification(id=name, name=name.replace("-", " ").capitalize(), version="2.1")


def resource(key: str, action: Action = Action.ADD, **fields: Any) -> ResourceItem:
    return ResourceItem(key=key, action=action, specification=specification(f"res-{key}"), **fields)


def service(key: str, action: Action = Action.ADD, **fields: Any) -> ServiceItem:
    return ServiceItem(key=key, action=action, specification=specification(f"rfs-{key}"), **fields)


def service_order(items: list[ServiceItem], action: Action = Action.ADD, **fields: Any) -> ServiceOrderPlan:
    return ServiceOrderPlan(
        key="1:internet", item_id="1", unit="1", action=action, specification=specification("cfs-internet"), items=items
    ).model_copy(update=fields)


def internet() -> ServiceOrderPlan:
    """A new internet access: a port and a VLAN for the access, a prefix for the routing, and the service itself."""
    return service_order(
        [
            service(
                "access",
                resources=[
                    resource("port", demand=Demand(place="BER-1", criteria={"type": "gpon"})),
                    resource(
                        "vlan",
                        depends_on=["port"],
                        characteristics={"priority": 3},
                        late={"node": "assigned.port.value"},
                        configuration=Activation(),
                    ),
                ],
                characteristics={"downloadSpeed": 500},
                activation=Activation(),
                test="test-light",
            ),
            service("routing", depends_on=["access"], relies_on=["access"], resources=[resource("prefix")]),
            service(CUSTOMER_FACING, depends_on=["access", "routing"], relies_on=["access", "routing"]),
        ],
        place="BER-1",
        customer_id="customer-1",
    )


def internet_done() -> ServiceOrderOutcome:
    """What `internet` came to."""
    return ServiceOrderOutcome(
        services={
            "access": RealisedService(
                id="service-a",
                characteristics={"downloadSpeed": 500, "vlan": "2043"},
                resources={
                    "port": AssignedResource(id="port-7", value="olt-1/1/1/7", characteristics={"type": "gpon"}),
                    "vlan": AssignedResource(
                        id="vlan-43", value="2043", characteristics={"priority": 3, "node": "olt-1/1/1/7"}
                    ),
                },
            ),
            "routing": RealisedService(
                id="service-r", resources={"prefix": AssignedResource(id="prefix-9", value="10.20.0.0/30")}
            ),
            CUSTOMER_FACING: RealisedService(id="service-c", characteristics={"downloadSpeed": 500}),
        }
    )


def node(key: str, unit: str = "", depends_on: list[str] | None = None, **fields: Any) -> PlanNode:
    return PlanNode(
        key=key, kind=NodeKind.SERVICE_ORDER, unit=unit or key.split(":")[0], depends_on=depends_on or [], **fields
    )


def graph(*nodes: PlanNode) -> PlanGraph:
    return PlanGraph(nodes=list(nodes))


ROLLBACK = OnFailure.ROLLBACK
