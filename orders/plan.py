"""The orchestration plan: what an order comes down to, computed once for each revision and never changed.

A plan is a graph of nodes. A *service order* realises one customer-facing service by its items (resource-facing
services and the service itself), each with the resources it needs. A *resource order* realises one resource that is
ordered by itself. A *product* records one product in product inventory and billing. A *delivery* is the point at which
all of a bundle works, so that none of it is billed before.

Keys are stable from revision to revision: product `1`, its service order `1:internet`, that one's item `access`,
that one's resource `port`; instance n of several has the suffix `*n`, and what gives way to a new one under its key
`~replaced`. Characters of an item's id that could be taken for a separator are percent-encoded, and what is too long
for a workflow's id then ends in its digest.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from orders.graph import dependents
from orders.model import Model
from orders.schedule import product_duration, resource_duration, service_order_duration
from orders.tmf import Action, OrderPrice, Reference
from orders.wanted import WantedValue

Characteristics = dict[str, Any]

CUSTOMER_FACING = "service"
"""The key of the item of a service order that is the customer-facing service itself."""


REPLACED = "~replaced"
"""What the key of an installed service or resource ends with where a new one takes its place and its key."""

_LONGEST_SEGMENT = 100


class OnFailure(StrEnum):
    """What a permanent failure takes with it."""

    FAIL = "fail"
    """The service order undoes itself and fails alone (with its bundle, where it is part of one)."""
    ROLLBACK = "rollback"
    """The whole order is undone."""
    HOLD = "hold"
    """The step waits as a fallout task for a person to settle it."""


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


class Policy(Model):
    """How a step is tried, and what happens when it fails for good."""

    attempt_timeout: timedelta = timedelta(seconds=30)
    attempts: int = Field(default=6, ge=1)
    backoff: timedelta = timedelta(seconds=1)
    max_backoff: timedelta = timedelta(minutes=1)
    completion_timeout: timedelta = timedelta(hours=1)
    """How long an accepted asynchronous activation may take."""
    expected_duration: timedelta = timedelta(minutes=5)
    on_failure: OnFailure = OnFailure.FAIL
    hold_timeout: timedelta | None = None
    """How long a fallout task waits for a person; without end where it is None."""
    after_hold: Literal[OnFailure.FAIL, OnFailure.ROLLBACK] = OnFailure.FAIL
    """What is done when nobody has settled a fallout task in that time."""


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
    """What people do to take it back; nothing, where it is None."""
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

    completion: Literal["monitor", "callback"] = "monitor"


class Demand(Model):
    """What to ask a resource pool for."""

    pool: str | None = None
    place: str | None = None
    criteria: Characteristics = Field(default_factory=dict)
    value: str | None = None
    """Exactly this member: a number the customer chose, or one that an undo takes back."""


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


class Delivery(Model):
    """The point at which all services of an all-or-nothing unit work."""

    key: str
    unit: str
    depends_on: list[str]


class NodeKind(StrEnum):
    SERVICE_ORDER = "serviceOrder"
    RESOURCE_ORDER = "resourceOrder"
    PRODUCT = "product"
    DELIVERY = "delivery"


class PlanNode(Model):
    """One node of the graph, as much of it as scheduling needs."""

    key: str
    kind: NodeKind
    unit: str
    name: str = ""
    item_id: str | None = None
    action: Action = Action.ADD
    depends_on: list[str] = Field(default_factory=list)
    inputs: dict[str, str] = Field(default_factory=dict)
    on_failure: OnFailure = OnFailure.FAIL
    service_id: str | None = None
    """The installed customer-facing service that a service order changes or leaves alone."""
    duration: timedelta = timedelta()
    """How long the node is expected to take."""

    @model_serializer(mode="wrap")
    def _short(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what goes without saying: a graph of thousands of nodes must fit into one payload of the engine."""
        written: dict[str, Any] = serialise(self)
        for name, field in type(self).model_fields.items():
            if not field.is_required() and getattr(self, name) == field.get_default(call_default_factory=True):
                written.pop(name, None)
                written.pop(field.alias or name, None)
        return written


class PlanGraph(Model):
    """What the workflow of a posted order schedules; the nodes' contents stay in the order store."""

    nodes: list[PlanNode] = Field(default_factory=list)

    def by_key(self) -> dict[str, PlanNode]:
        return {node.key: node for node in self.nodes}

    def dependencies(self) -> dict[str, list[str]]:
        return {node.key: node.depends_on for node in self.nodes}

    def taken_by_failure(self, key: str) -> set[str]:
        """Return the keys that a permanent failure of `key` takes with it, itself among them.

        That is its unit (a bundle is all or nothing) and whatever depends on that, with the units of those; or every
        node, where the failed node's policy is to roll the order back.
        """
        nodes = self.by_key()
        if nodes[key].on_failure == OnFailure.ROLLBACK:
            return set(nodes)
        taken: set[str] = set()
        more = {key}
        while more:
            taken |= more
            units = {nodes[each].unit for each in taken}
            same_unit = {each for each, node in nodes.items() if node.unit in units}
            more = (same_unit | dependents(self.dependencies(), taken)) - taken
        return taken


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

    def graph(self) -> PlanGraph:
        """Return the graph of all nodes without their contents."""
        return PlanGraph(
            nodes=[
                *(
                    PlanNode(
                        key=each.key,
                        kind=NodeKind.SERVICE_ORDER,
                        unit=each.unit,
                        name=each.specification.name,
                        item_id=each.item_id,
                        action=each.action,
                        depends_on=each.depends_on,
                        inputs=each.inputs,
                        service_id=each.customer_facing_item().service_id,
                        on_failure=each.policy.on_failure,
                        duration=service_order_duration(each),
                    )
                    for each in self.service_orders
                ),
                *(
                    PlanNode(
                        key=each.key,
                        kind=NodeKind.DELIVERY,
                        unit=each.unit,
                        name="delivered",
                        depends_on=each.depends_on,
                    )
                    for each in self.deliveries
                ),
                *(
                    PlanNode(
                        key=each.key,
                        kind=NodeKind.PRODUCT,
                        unit=each.unit,
                        name=each.name,
                        item_id=each.item_id,
                        action=each.action,
                        depends_on=each.depends_on,
                        on_failure=each.policy.on_failure,
                        duration=product_duration(each),
                    )
                    for each in self.products
                ),
                *(
                    PlanNode(
                        key=each.key,
                        kind=NodeKind.RESOURCE_ORDER,
                        unit=each.unit,
                        name=each.resource.specification.name,
                        item_id=each.item_id,
                        action=each.action,
                        depends_on=each.depends_on,
                        on_failure=each.resource.policy.on_failure,
                        duration=resource_duration(each.resource),
                    )
                    for each in self.resource_orders
                ),
            ]
        )


def segment(item_id: str) -> str:
    """Return an item's id as a segment of a key: at most 100 characters, none of them a separator.

    Separators and what URLs dislike are percent-encoded; of a longer id the beginning stays, and its digest follows.
    """
    encoded = quote(item_id, safe="")
    if len(encoded) <= _LONGEST_SEGMENT:
        return encoded
    # No encoded id has "=" in it, so that none can be taken for a shortened one.
    digest = hashlib.sha256(item_id.encode()).hexdigest()[:32]
    return f"{encoded[: _LONGEST_SEGMENT - 33]}={digest}"


def product_key(item_id: str, instance: int = 1, quantity: int = 1) -> str:
    """Return the key of an item's product, of instance n (from 1) where it orders several."""
    return segment(item_id) if quantity == 1 else f"{segment(item_id)}*{instance}"


def service_order_key(product: str, name: str) -> str:
    """Return the key of the service order that realises the service `name` of a product."""
    return f"{product}:{name}"


def delivery_key(unit: str) -> str:
    """Return the key of a unit's delivery."""
    return f"{unit}:!delivered"
