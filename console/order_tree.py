"""An order as a tree: its items, their service orders, the resource orders of each, and what was assigned."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from console.family import UNDO, Document, OrderFamily, messages
from console.states import state_text


def order_tree(family: OrderFamily) -> Tree:
    """Return the whole order with the state of each part."""
    tree = Tree(_line(Text(f"product order {family.id}", style="bold"), family.state, _about(family.order)))
    for message in messages(family.order):
        tree.add(Text(message, style="red"))
    for item in family.order.get("productOrderItem") or []:
        _add_item(tree, item, family)
    for left in family.order.get("residue") or []:
        tree.add(Text(f"left behind: {left.get('target', left)} in {left.get('system', '?')}", style="red"))
    return tree


def _add_item(parent: Tree, item: Document, family: OrderFamily) -> None:
    offering = (item.get("productOffering") or {}).get("id") or (item.get("product") or {}).get("id") or ""
    title = Text.assemble((f"{item['id']} ", "bold"), f"{item.get('action', '')} {offering}")
    branch = parent.add(_line(title, item.get("state")))
    for service_order in family.services_of(str(item["id"])):
        _add_service_order(branch, service_order, family)
    for child in item.get("productOrderItem") or []:
        _add_item(branch, child, family)


def _add_service_order(parent: Tree, document: Document, family: OrderFamily) -> None:
    name = str(document["id"]).removeprefix(f"{family.id}:")
    title = Text.assemble(("undo ", "yellow") if name.endswith(UNDO) else "", name.removesuffix(UNDO))
    branch = parent.add(_line(title, document.get("state"), *messages(document)))
    for item in document.get("serviceOrderItem") or []:
        specification = (item.get("service") or {}).get("serviceSpecification") or {}
        title = Text(f"{item.get('action', '')} {item['id']}  {specification.get('name', '')}".strip())
        leaf = branch.add(_line(title, item.get("state")))
        for resource_order in family.resources_of(str(document["id"]), str(item["id"])):
            _add_resources(leaf, resource_order)


def _add_resources(parent: Tree, document: Document) -> None:
    if str(document["id"]).endswith(UNDO):
        parent = parent.add(_line(Text("undo of its resources", style="yellow"), document.get("state")))
    for item in document.get("orderItem") or []:
        value = str((item.get("resource") or {}).get("value") or "")
        parent.add(_line(Text(f"{item.get('action', '')} {item['id']}"), item.get("state"), value))
    for message in messages(document):
        parent.add(Text(message, style="red"))


def _about(order: Document) -> str:
    parties = order.get("relatedParty") or []
    customer = next((p.get("id") for p in parties if str(p.get("role", "")).lower() == "customer"), None)
    return " · ".join(str(each) for each in (order.get("description"), customer) if each)


def _line(title: Text, state: str | None, *notes: str) -> Text:
    text = Text.assemble(title, "  ", state_text(state))
    for note in notes:
        if note:
            text.append(f"  {note}", style="dim")
    return text
