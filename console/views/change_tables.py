"""What happens to orders while they run, in tables: amendments, cancellations, notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tmf.bodies import Document

_ACTIONS = {
    "leave": ("· stays as it is", "dim"),
    "do": ("+ is done as the new version says", "cyan"),
    "modify": ("~ is changed in place", "yellow"),
    "replace": ("↻ is undone and done anew", "yellow"),
    "undo": ("↶ is undone", "magenta"),
}
_STATES = {"proposed": "yellow", "applied": "green", "refused": "red", "done": "green", "terminatedWithError": "red"}


def changes_table(changes: Sequence[Document]) -> Table:
    """Return what becomes of each node of a plan, a row each."""
    table = Table("item", "part", "name", "what becomes of it", box=None)
    for change in changes:
        said, style = _ACTIONS.get(str(change["action"]), (str(change["action"]), ""))
        table.add_row(
            str(change.get("itemId") or ""), str(change["key"]), str(change.get("name") or ""), Text(said, style=style)
        )
    return table


def revisions_table(revisions: Sequence[Document]) -> Table:
    """Return the revisions of an order, a row each."""
    table = Table("revision", "state", "asked for", "by", "sets", "did", box=None)
    for revision in revisions:
        first = revision["number"] == 1
        table.add_row(
            str(revision["number"]),
            _state(revision["state"]),
            moment(revision.get("requestedAt")),
            str(revision.get("author") or ""),
            "as it came in" if first else Text(", ".join(revision.get("document") or {}), overflow="fold"),
            Text(_did(revision), overflow="fold"),
        )
    return table


def cancellations_table(cancellations: Sequence[Document]) -> Table:
    """Return the requests to cancel an order, a row each."""
    table = Table("cancellation", "state", "wanted at", "by", "reason", "answer", box=None)
    for each in cancellations:
        table.add_row(
            str(each["id"]),
            _state(each["state"]),
            moment(each.get("requestedCancellationDate")) or "at once",
            str(each.get("author") or ""),
            Text(str(each.get("cancellationReason") or ""), overflow="fold"),
            Text(_answer(each), overflow="fold"),
        )
    return table


def notes_table(notes: Sequence[Document]) -> Table:
    """Return the notes of an order, a row each."""
    table = Table("noted", "by", "note", box=None)
    for note in notes:
        text = Text(str(note.get("text") or ""), overflow="fold")
        table.add_row(moment(note.get("date")), str(note.get("author") or ""), text)
    return table


def moment(value: Any) -> str:
    """Return a time as people read it: to the second, in UTC."""
    return str(value or "")[:19].replace("T", " ")


def _state(state: str) -> Text:
    return Text(state, style=_STATES.get(state, ""))


def _did(revision: Document) -> str:
    if revision.get("refusals"):
        return "; ".join(str(each["reason"]) for each in revision["refusals"])
    counts = Counter(str(each["action"]) for each in revision.get("changes") or [])
    return ", ".join(f"{count} {action}" for action, count in counts.items())


def _answer(cancellation: Document) -> str:
    if cancellation.get("effectiveCancellationDate"):
        return f"cancelled {moment(cancellation['effectiveCancellationDate'])}"
    told = cancellation.get("errorMessage") or {}
    return str(told.get("message") or told.get("reason") or "")
