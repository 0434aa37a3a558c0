"""Orders in tables, and facts in panels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from console.order_tree import items, subject
from console.states import state_text
from orders.model.product_orders import RelatedParty, customer_among
from tmf.bodies import Document


def orders_table(orders: Sequence[Document], total: int) -> Table:
    """Return a list of orders, a row each, and how many match in all."""
    caption = f"{len(orders)} of {total}" if total > len(orders) else None
    names = ("state", "ordered", "customer", "external id", "what")
    table = Table(id_column("order", orders), *names, caption=caption, box=None)
    for order in orders:
        table.add_row(
            str(order["id"]),
            state_text(order.get("state")),
            str(order.get("orderDate") or "")[:19].replace("T", " "),
            customer(order) or "",
            str(order.get("externalId") or ""),
            Text(what(order), overflow="ellipsis", no_wrap=True),
        )
    return table


def id_column(name: str, documents: Sequence[Document]) -> Column:
    """Return the column of the ids, which is never cut or folded: they are what the other commands are given."""
    return Column(name, no_wrap=True, min_width=max(len(str(each["id"])) for each in documents))


def prices_table(order: Document) -> Table:
    """Return the total prices of an order, a row each."""
    table = Table("price", "type", "per", "amount", box=None)
    for price in order.get("orderTotalPrice") or []:
        amount = price.get("price") or {}
        money = amount.get("dutyFreeAmount") or amount.get("taxIncludedAmount") or {}
        table.add_row(
            str(price.get("name") or ""),
            str(price.get("priceType") or ""),
            str(price.get("recurringChargePeriod") or price.get("unitOfMeasure") or ""),
            f"{money.get('value', 0):.2f} {money.get('unit', '')}",
        )
    return table


def facts_panel(title: str, facts: Iterable[tuple[str, str]]) -> Panel:
    """Return names and values side by side in a frame."""
    table = Table.grid(padding=(0, 2))
    for name, value in facts:
        table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    return Panel(table, title=title, title_align="left", border_style="cyan", expand=False)


def customer(order: Document) -> str | None:
    """Return the id of the order's customer."""
    parties = [RelatedParty.model_validate(party) for party in order.get("relatedParty") or []]
    return customer_among(parties)


def what(order: Document) -> str:
    """Say in a line what an order is about: its description, or its first item."""
    if order.get("description"):
        return str(order["description"])
    top = [item for item, depth in items(order) if depth == 0]
    if not top:
        return ""
    more = f" and {len(top) - 1} more" if len(top) > 1 else ""
    return f"{top[0].get('action', '')} {subject(top[0])}{more}"
