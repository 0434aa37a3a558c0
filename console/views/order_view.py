"""An order tree in the terminal: its items, their service orders, the resource orders of each, what was assigned."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from rich.console import Console, Group
from rich.text import Text
from rich.tree import Tree

from console.order_tree import UNDO, OrderTree, messages, residue, subject
from console.states import state_text
from console.views.tables import customer
from orders.lifecycle.states import ITEM_LISTS, OrderKind, in_words
from tmf.bodies import Document


class Detail(IntEnum):
    """How deep a tree goes."""

    ITEMS = 1
    SERVICE_ORDERS = 2
    SERVICES = 3
    RESOURCES = 4


def order_view(tree: OrderTree, detail: Detail = Detail.RESOURCES) -> Tree:
    """Return an order with the state of each part, the whole of it unless less `detail` is wanted."""
    view = Tree(_line(Text(f"{in_words(tree.kind)} {tree.id}", style="bold"), tree.state, _about(tree.order)))
    for message in messages(tree.order):
        view.add(Text(message, style="red"))
    for item in tree.order.get(ITEM_LISTS[tree.kind]) or []:
        _add_item(view, item, tree, detail)
    for left in residue(tree.order):
        view.add(Text(left, style="red"))
    return view


def fitting_views(trees: Sequence[OrderTree], console: Console) -> Group:
    """Return orders one below the other, in as much detail as the terminal is high."""
    for detail in sorted(Detail, reverse=True):
        views = Group(*(order_view(tree, detail) for tree in trees))
        if len(console.render_lines(views, pad=False)) < console.height:
            break
    return views


def _add_item(parent: Tree, item: Document, tree: OrderTree, detail: Detail) -> None:
    title = Text.assemble((f"{item['id']} ", "bold"), f"{item.get('action', '')} {subject(item)}")
    branch = parent.add(_line(title, item.get("state")))
    if detail >= Detail.SERVICE_ORDERS:
        for service_order in tree.services_of(str(item["id"])):
            _add_service_order(branch, service_order, tree, detail)
    if tree.kind == OrderKind.RESOURCE and detail >= Detail.RESOURCES:
        for resource_order in tree.single_resources_of(str(item["id"])):
            _add_resources(branch, resource_order)
    for child in item.get(ITEM_LISTS[tree.kind]) or []:
        _add_item(branch, child, tree, detail)


def _add_service_order(parent: Tree, document: Document, tree: OrderTree, detail: Detail) -> None:
    name = str(document["id"]).removeprefix(f"{tree.id}:")
    title = Text.assemble(("undo ", "yellow") if name.endswith(UNDO) else "", name.removesuffix(UNDO))
    branch = parent.add(_line(title, document.get("state"), *messages(document)))
    if detail < Detail.SERVICES:
        return
    for item in document.get("serviceOrderItem") or []:
        specification = (item.get("service") or {}).get("serviceSpecification") or {}
        title = Text(f"{item.get('action', '')} {item['id']}  {specification.get('name', '')}".strip())
        leaf = branch.add(_line(title, item.get("state")))
        if detail >= Detail.RESOURCES:
            for resource_order in tree.resources_of(str(document["id"]), str(item["id"])):
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
    return " · ".join(str(each) for each in (order.get("description"), customer(order)) if each)


def _line(title: Text, state: str | None, *notes: str) -> Text:
    text = Text.assemble(title, "  ", state_text(state))
    for note in notes:
        if note:
            text.append(f"  {note}", style="dim")
    return text
