"""An order tree: a posted order with the service and resource orders that it came down to, as the gateway has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from console.states import is_terminal
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.plan.keys import segment
from tmf.bodies import Document

UNDO = ":undo"


@dataclass(frozen=True, slots=True)
class OrderTree:
    """Documents of TMF622, 641 and 652; the children by id."""

    order: Document
    service_orders: dict[str, Document] = field(default_factory=dict)
    resource_orders: dict[str, Document] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.order["id"])

    @property
    def state(self) -> str:
        return str(self.order.get("state", ""))

    @property
    def ended(self) -> bool:
        return is_terminal(self.state)

    @property
    def kind(self) -> OrderKind:
        return kind_of(self.order)

    def services_of(self, item_id: str) -> list[Document]:
        """Return the service orders of one item of the order, its undoing ones behind, in the order of their ids."""
        return self._of_item(self.service_orders, item_id)

    def single_resources_of(self, item_id: str) -> list[Document]:
        """Return the resource orders of one item of an order of resources, its undoing ones behind."""
        return self._of_item(self.resource_orders, item_id)

    def _of_item(self, orders: dict[str, Document], item_id: str) -> list[Document]:
        key = segment(item_id)
        found = [
            document
            for id_, document in orders.items()
            if re.split("[*@]", id_.removeprefix(f"{self.id}:").split(":")[0])[0] == key
        ]
        return sorted(found, key=lambda each: str(each["id"]))

    def resources_of(self, service_order_id: str, item_key: str) -> list[Document]:
        """Return the resource orders of a service order's item: the one that does, then the one that undoes."""
        id_ = f"{service_order_id}:{item_key}"
        return [self.resource_orders[each] for each in (id_, f"{id_}{UNDO}") if each in self.resource_orders]

    def reasons(self) -> Iterator[tuple[str, str]]:
        """Yield a name and a reason, for all of why the order, or a part of it, was rejected, failed or undone."""
        named = [(f"order {self.id}", self.order)]
        for kind, children in (("service order", self.service_orders), ("resource order", self.resource_orders)):
            named += [(f"{kind} {id_.removeprefix(f'{self.id}:')}", each) for id_, each in sorted(children.items())]
        for name, document in named:
            yield from ((name, message) for message in messages(document))
        if wish := self.order.get("cancellationReason"):
            yield f"order {self.id}", f"to be cancelled: {wish}"
        yield from ((f"order {self.id}", left) for left in residue(self.order))

    def states(self) -> Iterator[tuple[str, str]]:
        """Yield a name and a state for the order, each item, and each service and resource order."""
        yield f"order {self.id}", self.state
        for item, _ in items(self.order):
            yield f"item {item['id']}", str(item.get("state") or "")
        for kind, children in (("service order", self.service_orders), ("resource order", self.resource_orders)):
            for id_, document in sorted(children.items()):
                yield f"{kind} {id_.removeprefix(f'{self.id}:')}", str(document.get("state") or "")


def kind_of(order: Document) -> OrderKind:
    """Return what kind of order a document is, by the attribute that its items are under."""
    return next((kind for kind, name in ITEM_LISTS.items() if name in order), OrderKind.PRODUCT)


def items(order: Document) -> Iterator[tuple[Document, int]]:
    """Yield every item of an order with how deep it is nested, parents first."""
    name = ITEM_LISTS[kind_of(order)]

    def walk(level: list[Document], depth: int) -> Iterator[tuple[Document, int]]:
        for item in level:
            yield item, depth
            yield from walk(item.get(name) or [], depth + 1)

    yield from walk(order.get(name) or [], 0)


def subject(item: Document) -> str:
    """Return what an item is about: an offering or a specification, or else a product, service or resource, by id."""
    thing = item.get("product") or item.get("service") or item.get("resource") or {}
    named = (
        item.get("productOffering")
        or thing.get("productOffering")
        or thing.get("serviceSpecification")
        or thing.get("resourceSpecification")
        or item.get("resourceSpecification")
        or thing
    )
    return str(named.get("id") or "")


def child_ids(document: Document) -> list[str]:
    """Return the ids of the orders that an order came down to."""
    relations = document.get("orderRelationship") or []
    return [str(each["id"]) for each in relations if each.get("relationshipType") == "child"]


def messages(order: Document) -> list[str]:
    """Return why an order was rejected or failed, a line each."""
    found = order.get("productOrderErrorMessage") or order.get("errorMessage") or []
    said = [each if isinstance(each, dict) else {"message": each} for each in found]
    return [str(each.get("message") or each.get("reason") or each.get("code") or "no reason given") for each in said]


def residue(order: Document) -> list[str]:
    """Return what an order could not undo, a line each."""
    return [
        f"left behind: {left.get('target', '?')} in {left.get('system', '?')}" for left in order.get("residue") or []
    ]


def changes(before: OrderTree | None, after: OrderTree) -> list[str]:
    """Return a line for each state that differs, and for each reason that is new, in the order of the tree."""
    known = dict(before.states()) if before else {}
    lines = []
    for name, state in after.states():
        if state and known.get(name) != state:
            lines.append(f"{name}: {f'{known[name]} → ' if known.get(name) else ''}{state}")
    told = set(before.reasons()) if before else set()
    return [*lines, *(f"{name}: {reason}" for name, reason in after.reasons() if (name, reason) not in told)]
