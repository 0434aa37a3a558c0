"""The parts of an orchestration plan: service orders, resource orders, products and deliveries, each with its contents.

A *service order* realises one customer-facing service by its items (resource-facing services and the service itself),
each with the resources it needs. A *resource order* realises one resource that is ordered by itself. A *product*
records one product in product inventory and billing. A *delivery* is the point at which all of a bundle works, so that
none of it is billed before. Each of them is a node of the plan's graph.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field

from orders.model.product_orders import Action, OrderPrice, Reference
from orders.model.wanted import WantedValue
from orders.plan.graph import longest_way
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.plan_graph import NodeKind, PlanNode
from orders.plan.policy import Policy
from tmf.model import Model

Characteristics = dict[str, Any]


class Step(StrEnum):
    """The steps in which products, services and resources are realised; each kind takes its own, in this order."""

    RESERVE = "reserve"
    """A resource is reserved in its pool."""
    RECORD = "record"
    """A service or product is recorded in inventory."""
    RESOURCES = "resources"
    """A service's resource order runs."""
    CONFIGURE = "configure"
    """A resource is set up, changed or torn down in the network."""
    MANUAL = "manual"
    """People do their part."""
    ACTIVATE = "activate"
    """A service is set up, changed or torn down in the network."""
    TEST = "test"
    """A service is tested."""
    INSTALL = "install"
    """A resource is recorded as in use, or as no longer in use."""
    RELEASE = "release"
    """A resource is given back to its pool."""
    COMPLETE = "complete"
    """A service is recorded as active or as terminated."""
    BILL = "bill"
    """A product's charge is started, changed or stopped."""


class Move(StrEnum):
    """What becomes of a service that is to be at another place."""

    IN_PLACE = "inPlace"
    """The same service goes there; of its resources, those that are bound to the place are exchanged."""
    OVERLAP = "overlap"
    """A new service is set up there, and the old one is taken down once all that relied on it works without it."""


class ManualWork(Model):
    """What people do in a step: a site visit, a shipment."""

    instructions: str
    undo: str | None = None
    """What people do to undo it; nothing, where it is None."""
    values: list[WantedValue] | None = None
    """What they give when it is done; anything, in a plan that was made before this was said."""


class Milestone(Model):
    """A point on an order's way that its customer can be told of."""

    name: str
    after: Step
    """The step at whose end it is reached."""
    description: str | None = None


class Specification(Model):
    """Which catalog entry a node was made from."""

    id: str
    name: str
    version: str = "1.0"


class Activation(Model):
    """That a service or resource is set up in the network, and how its end is learned of."""

    # What a catalog says becomes what a plan says, which later releases may add to.
    model_config = ConfigDict(revalidate_instances="always")

    completion: Literal["monitor", "callback"] = "monitor"


class Demand(Model):
    """What to ask a resource pool for."""

    pool: str | None = None
    place: str | None = None
    criteria: Characteristics = Field(default_factory=dict)
    value: str | None = None
    """Exactly this member: a number the customer chose, or one that an undo takes again."""


class ResourceItem(Model):
    """One resource of a service: reserved from a pool, configured, installed; or the way back."""

    key: str
    action: Action
    specification: Specification
    depends_on: list[str] = Field(default_factory=list)
    resource_id: str | None = None
    reserved_by: str | None = None
    """The key of the reservation that holds an installed resource before the order."""
    demand: Demand = Field(default_factory=Demand)
    characteristics: Characteristics = Field(default_factory=dict)
    previous: Characteristics = Field(default_factory=dict)
    late: dict[str, str] = Field(default_factory=dict)
    """Characteristics known only when it runs: name → CEL over `assigned` and `services`."""
    configuration: Activation | None = None
    manual: ManualWork | None = None
    point_of_no_return: Step | None = None
    """The step from whose start on the item cannot be cancelled or amended."""
    milestones: list[Milestone] = Field(default_factory=list)
    policy: Policy = Field(default_factory=Policy)

    @property
    def duration(self) -> timedelta:
        """How long it is expected to take."""
        return _own_duration(self.action, self.policy)


class ServiceItem(Model):
    """One service of a service order: a resource-facing service, or the customer-facing one that relies on them."""

    key: str
    action: Action
    specification: Specification
    depends_on: list[str] = Field(default_factory=list)
    relies_on: list[str] = Field(default_factory=list)
    """The items whose characteristics this one's `late` expressions read; recorded as its supporting services."""
    resource_facing: bool = False
    """Whether it is the service of its order though a resource-facing one: such a one can be ordered by itself."""
    service_id: str | None = None
    place: str | None = None
    """Where it is to be; of an installed one another than `previous_place` only where it moves."""
    previous_place: str | None = None
    """Where an installed one is before the order."""
    move: Move = Move.IN_PLACE
    characteristics: Characteristics = Field(default_factory=dict)
    previous: Characteristics = Field(default_factory=dict)
    late: dict[str, str] = Field(default_factory=dict)
    """Characteristics known only when it runs: name → CEL over `assigned` and `services`."""
    resources: list[ResourceItem] = Field(default_factory=list)
    activation: Activation | None = None
    set_up_again: bool = False
    """Whether it is set up in the network once more as it is, since it has failed: an undo changes nothing back."""
    test: str | None = None
    """The id of the test that the service must pass after its activation."""
    record: dict[str, Any] = Field(default_factory=dict)
    """What inventory records of an installed service, as far as the order may change it, before it does."""
    manual: ManualWork | None = None
    point_of_no_return: Step | None = None
    """The step from whose start on the item cannot be cancelled or amended."""
    milestones: list[Milestone] = Field(default_factory=list)
    policy: Policy = Field(default_factory=Policy)

    @property
    def moves(self) -> bool:
        """Whether an installed service goes to another place."""
        return self.action == Action.MODIFY and self.place != self.previous_place

    @property
    def customer_facing(self) -> bool:
        """Whether it is the service that its order realises."""
        return self.key == CUSTOMER_FACING

    @property
    def duration(self) -> timedelta:
        """How long it is expected to take: its resources along their longest way, then itself."""
        resources = longest_way(
            {each.key: each.depends_on for each in self.resources},
            {each.key: each.duration for each in self.resources},
        )
        return resources + _own_duration(self.action, self.policy)

    @property
    def category(self) -> Literal["CFS", "RFS"]:
        """What inventory calls a service of its kind."""
        return "CFS" if self.customer_facing and not self.resource_facing else "RFS"


class ServiceOrderPlan(Model):
    """One service order: a customer-facing service with all that realises it."""

    key: str
    item_id: str
    unit: str
    action: Action
    specification: Specification
    place: str | None = None
    customer_id: str | None = None
    depends_on: list[str] = Field(default_factory=list)
    inputs: dict[str, str] = Field(default_factory=dict)
    """Name in `services` → key of the service order whose outcome has the values."""
    given: dict[str, Characteristics] = Field(default_factory=dict)
    """Name in `services` → values known already, of services that this order leaves as they are."""
    items: list[ServiceItem]
    policy: Policy = Field(default_factory=Policy)

    @property
    def duration(self) -> timedelta:
        """How long it is expected to take: its items along their longest way."""
        return longest_way(
            {each.key: each.depends_on for each in self.items},
            {each.key: each.duration for each in self.items},
        )

    def node(self) -> PlanNode:
        """Return its node of the plan's graph."""
        return PlanNode(
            key=self.key,
            kind=NodeKind.SERVICE_ORDER,
            unit=self.unit,
            name=self.specification.name,
            item_id=self.item_id,
            action=self.action,
            depends_on=self.depends_on,
            inputs=self.inputs,
            service_id=self.customer_facing_item().service_id,
            on_failure=self.policy.on_failure,
            duration=self.duration,
        )

    def item(self, key: str) -> ServiceItem:
        return next(item for item in self.items if item.key == key)

    def place_of(self, item: ServiceItem) -> str | None:
        """Return where one of its services is when the order is done; of one that it ends, where that was."""
        return item.place or item.previous_place or self.place

    def customer_facing_item(self) -> ServiceItem:
        return self.item(CUSTOMER_FACING)

    def resource_order(self, key: str) -> ResourceOrderPlan:
        """Return the resource order of the item `key`."""
        item = self.item(key)
        return ResourceOrderPlan(
            specification=item.specification,
            place=self.place,
            customer_id=self.customer_id,
            resources=item.resources,
        )


class ResourceOrderPlan(Model):
    """The resources of one service, or one by itself, as a resource order."""

    specification: Specification
    """Of the service that needs the resources, or of the resource."""
    place: str | None = None
    customer_id: str | None = None
    resources: list[ResourceItem]


class ResourcePlan(Model):
    """One resource that is ordered by itself, without a service."""

    key: str
    item_id: str
    unit: str
    action: Action
    customer_id: str | None = None
    depends_on: list[str] = Field(default_factory=list)
    resource: ResourceItem
    """Its own key is that of the plan."""
    replaced: ResourceItem | None = None
    """The installed one that is given back once a new one is there in its place."""

    def node(self) -> PlanNode:
        """Return its node of the plan's graph."""
        return PlanNode(
            key=self.key,
            kind=NodeKind.RESOURCE_ORDER,
            unit=self.unit,
            name=self.resource.specification.name,
            item_id=self.item_id,
            action=self.action,
            depends_on=self.depends_on,
            on_failure=self.resource.policy.on_failure,
            duration=self.resource.duration,
        )

    def resource_order(self) -> ResourceOrderPlan:
        """Return the resource order that realises it."""
        return ResourceOrderPlan(
            specification=self.resource.specification,
            place=self.resource.demand.place,
            customer_id=self.customer_id,
            resources=[self.resource, *([self.replaced] if self.replaced else [])],
        )


class ProductPlan(Model):
    """One product: what product inventory and billing are to hold of it."""

    key: str
    item_id: str
    unit: str
    action: Action
    name: str
    product_id: str | None = None
    offering: Reference | None = None
    specification: Specification | None = None
    place: str | None = None
    previous_place: str | None = None
    """Where an installed one is before the order."""
    customer_id: str | None = None
    billing_account: str | None = None
    depends_on: list[str] = Field(default_factory=list)
    components: list[str] = Field(default_factory=list)
    """Keys of the products that this bundle bundles."""
    services: list[str] = Field(default_factory=list)
    """Keys of the service orders that realise it."""
    relies_on: list[str] = Field(default_factory=list)
    """Keys of the products of this order that it relies on."""
    characteristics: Characteristics = Field(default_factory=dict)
    previous: Characteristics = Field(default_factory=dict)
    prices: list[OrderPrice] = Field(default_factory=list)
    previous_prices: list[OrderPrice] = Field(default_factory=list)
    record: dict[str, Any] = Field(default_factory=dict)
    """What inventory records of an installed product, as far as the order may change it, before it does."""
    point_of_no_return: Step | None = None
    """The step from whose start on the product cannot be cancelled or amended."""
    milestones: list[Milestone] = Field(default_factory=list)
    policy: Policy = Field(default_factory=Policy)

    @property
    def moves(self) -> bool:
        """Whether an installed product goes to another place."""
        return self.action == Action.MODIFY and self.place not in (None, self.previous_place)

    def node(self) -> PlanNode:
        """Return its node of the plan's graph."""
        return PlanNode(
            key=self.key,
            kind=NodeKind.PRODUCT,
            unit=self.unit,
            name=self.name,
            item_id=self.item_id,
            action=self.action,
            depends_on=self.depends_on,
            on_failure=self.policy.on_failure,
            duration=_own_duration(self.action, self.policy),
        )


class Delivery(Model):
    """The point at which all services of an all-or-nothing unit work."""

    key: str
    unit: str
    depends_on: list[str]

    def node(self) -> PlanNode:
        """Return its node of the plan's graph."""
        return PlanNode(
            key=self.key, kind=NodeKind.DELIVERY, unit=self.unit, name="delivered", depends_on=self.depends_on
        )


def _own_duration(action: Action, policy: Policy) -> timedelta:
    return timedelta() if action == Action.NO_CHANGE else policy.expected_duration
