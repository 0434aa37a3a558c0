"""Systems: each effect once; inventory, network and billing as the orders say; others' things untouched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from chaos.facts import Facts
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tmf.bodies import Document

_GONE = frozenset({"terminated", "aborted", "cancelled"})
_DONE = "done"
_COMPLETED = "completed"


def each_effect_is_done_once(facts: Facts) -> Iterator[str]:
    """No system has done the same request twice, by its key, where it remembers keys."""
    if facts.keys_forgotten:
        return
    done = Counter((each.system, each.key, each.operation) for each in facts.effects if each.outcome == _DONE)
    for (system, key, operation), times in done.items():
        if times > 1:
            yield f"{system} has done {operation} {times} times by the key {key}"


def what_was_ordered_is_there(facts: Facts) -> Iterator[str]:
    """What a completed item adds is active, and has the values that it was ordered with, or is to have since."""
    products, changed = _products(facts), set(_changes(facts))
    for order_id, item in _added(facts):
        product_id = str(item["product"].get("id"))
        found = products.get(product_id)
        if product_id in _ended_by_order(facts):
            if found is not None and found["status"] not in _GONE:
                yield f"product {product_id} of order {order_id} was to end, and is {found['status']}"
        elif found is None or found["status"] != "active":
            yield f"product {product_id} of order {order_id} is {found['status'] if found else 'not there'}"
        elif product_id not in changed:
            yield from _values_that_differ(f"product {product_id} of order {order_id}", item["product"], found)


def changes_are_made(facts: Facts) -> Iterator[str]:
    """A product that a completed order changes has the values that this one asks for."""
    products = _products(facts)
    for product_id, (order_id, item) in _changes(facts).items():
        if product_id in products:
            what = f"product {product_id}, changed by order {order_id},"
            yield from _values_that_differ(what, item["product"], products[product_id])


def nothing_else_is_there(facts: Facts) -> Iterator[str]:
    """No product is there but those that completed items added, and those of others."""
    asked = {str(item["product"].get("id")) for _, item in _added(facts)}
    for product_id, product in _products(facts).items():
        if product["status"] not in _GONE and product_id not in asked and f"product {product_id}" not in facts.foreign:
            yield f"product {product_id} is {product['status']}, and no order that completed has made it"


def services_are_exact(facts: Facts) -> Iterator[str]:
    """Active services are those that products and posted service orders name, with those below them."""
    live = {str(each["id"]): each for each in facts.services if each["state"] not in _GONE}
    named = {ref for each in facts.products if each["status"] not in _GONE for ref in _refs(each, "realizingService")}
    named |= {
        str(item["service"]["id"])
        for placed in facts.placed
        for item in _completed_items(facts, placed.id, OrderKind.SERVICE)
        if item["action"] == "add"
    }
    below, new = set(named), set(named)
    while new:
        new = {ref for each in new if each in live for ref in _refs(live[each], "supportingService")} - below
        below |= new
    for service_id in sorted(below - live.keys()):
        yield f"service {service_id} is named, and is not there"
    for service_id, service in live.items():
        if service_id not in below and f"service {service_id}" not in facts.foreign:
            yield f"service {service_id} ({_specification(service)}) of {_made_by(service)} realises nothing"
        elif service["state"] != "active":
            yield f"service {service_id} ({_specification(service)}) is {service['state']}"


def resources_are_exact(facts: Facts) -> Iterator[str]:
    """Held resources are those of active services and of posted resource orders; none is held for nothing."""
    wanted = {ref for each in facts.services if each["state"] == "active" for ref in _refs(each, "supportingResource")}
    wanted |= {
        str(item["resource"]["id"])
        for placed in facts.placed
        for item in _completed_items(facts, placed.id, OrderKind.RESOURCE)
        if item["action"] == "add"
    }
    held = {str(each["id"]): each for each in facts.resources}
    for resource_id in sorted(wanted - held.keys()):
        yield f"resource {resource_id} is in service, and is free"
    for resource_id, resource in held.items():
        if resource_id not in wanted and f"resource {resource_id}" not in facts.foreign:
            yield f"resource {resource_id} is held for nothing, by {resource.get('requestedBy')}"


def the_network_is_exact(facts: Facts) -> Iterator[str]:
    """What works in the network is in service, and what is in service works, where its like is activated at all."""
    active = {str(each["id"]): each["specification"] for each in facts.network}
    activated = set(active.values())
    services = {str(each["id"]): _specification(each) for each in facts.services if each["state"] == "active"}
    resources = {str(each["id"]): each["specification"] for each in facts.resources if each["usageState"] == "active"}
    for thing in sorted(active.keys() - services.keys() - resources.keys()):
        yield f"{active[thing]} {thing} works in the network, and is not in service"
    others = {what.partition(" ")[2] for what in facts.foreign}
    for thing, specification in {**services, **resources}.items():
        if specification in activated and thing not in active and thing not in others:
            yield f"{specification} {thing} is in service, and does not work in the network"


def billing_is_exact(facts: Facts) -> Iterator[str]:
    """Each active product is charged once, by the names of its prices, and nothing else is."""
    charged: dict[str, list[list[str]]] = defaultdict(list)
    for charge in facts.charges:
        if charge["state"] == "active":
            charged[str(charge["product"]["id"])].append(_names(charge.get("price")))
    for product in facts.products:
        if product["status"] in _GONE or f"product {product['id']}" in facts.foreign:
            continue
        prices, found = _names(product.get("productPrice")), charged.pop(str(product["id"]), [])
        if found != ([prices] if prices else []):
            yield f"product {product['id']} costs {prices}, and is charged {found}"
    for product_id, found in charged.items():
        if f"product {product_id}" not in facts.foreign:
            yield f"product {product_id} is charged {found}, and is not active"


def others_are_left_alone(facts: Facts) -> Iterator[str]:
    """What belongs to somebody else is as it was."""
    for what, (before, now) in facts.foreign.items():
        if before != now:
            yield f"{what} is somebody else's, and was {'changed' if now else 'deleted'}"


def _completed_items(facts: Facts, order_id: str, kind: OrderKind) -> Iterator[Document]:
    """Yield the items of an order, nested ones too, that are completed; none of an order of another kind."""
    order = facts.orders.get(order_id, {})
    if order.get("state") not in (_COMPLETED, "partial"):
        return
    waiting = list(order.get(ITEM_LISTS[kind], []))
    while waiting:
        item = waiting.pop()
        waiting += item.get(ITEM_LISTS[kind], [])
        if item.get("state") == _COMPLETED:
            yield item


def _added(facts: Facts) -> Iterator[tuple[str, Document]]:
    """Yield the completed items that add a product, each with its order."""
    for placed in facts.placed:
        for item in _completed_items(facts, placed.id, OrderKind.PRODUCT):
            if item["action"] == "add":
                yield placed.id, item


def _changes(facts: Facts) -> dict[str, tuple[str, Document]]:
    """Return the completed items that change a product, by the product, each with its order."""
    return {
        placed.product: (placed.id, item)
        for placed in facts.placed
        if placed.product is not None
        for item in _completed_items(facts, placed.id, OrderKind.PRODUCT)
        if item["action"] == "modify"
    }


def _ended_by_order(facts: Facts) -> set[str]:
    return {
        placed.product
        for placed in facts.placed
        if placed.product is not None
        for item in _completed_items(facts, placed.id, OrderKind.PRODUCT)
        if item["action"] == "delete"
    }


def _products(facts: Facts) -> dict[str, Document]:
    return {str(each["id"]): each for each in facts.products}


def _values_that_differ(what: str, wanted: Document, found: Document) -> Iterator[str]:
    has = {each["name"]: each.get("value") for each in found.get("productCharacteristic", [])}
    for each in wanted.get("productCharacteristic", []):
        if has.get(each["name"]) != each.get("value"):
            yield f"{what} has {each['name']} {has.get(each['name'])}, and not {each.get('value')}"


def _refs(document: Document, name: str) -> set[str]:
    return {str(each["id"]) for each in document.get(name) or []}


def _names(prices: Any) -> list[str]:
    return sorted(str(each["name"]) for each in prices or [])


def _specification(service: Document) -> str:
    return str(service.get("serviceSpecification", {}).get("id"))


def _made_by(service: Document) -> str:
    return ", ".join(str(each.get("serviceOrderId")) for each in service.get("serviceOrderItem") or [])
