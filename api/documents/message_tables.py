"""The tables of `docs/messages.md`: which message is allowed in which state.

`python -m api.documents.message_tables docs/messages.md` writes them anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from api.documents.pages import rewrite, table, with_parts
from orders.lifecycle.admission import ADMITTED, Message
from orders.lifecycle.states import OrderKind, OrderState


def as_markdown(kind: OrderKind) -> str:
    """Return the table of one kind in Markdown: a row for each state, a column for each message."""
    rows = [
        ["state", *(f"`{message}`" for message in Message)],
        ["---", *(":-:" for _ in Message)],
        *([f"`{state}`", *(_cell(kind, state, message) for message in Message)] for state in OrderState),
    ]
    return table(rows)


def with_tables(page: str) -> str:
    """Return a page with the table of each kind between `<!-- generated: productOrder -->` and `<!-- end -->`."""
    return with_parts(page, lambda kind: as_markdown(OrderKind(kind)))


def _cell(kind: OrderKind, state: OrderState, message: Message) -> str:
    return "yes" if state in ADMITTED[kind][message] else "–"


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), with_tables)
