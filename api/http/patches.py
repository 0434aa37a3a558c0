"""Amendments: what a patched order sets anew, and what may not be patched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from api.schemas.kinds import CREATES
from orders.bounds import OrderLimits
from orders.intake import check_order, misnamed
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.server_set import SERVER_SET, as_sent
from tmf.bodies import Document, Fault, InvalidBodyError, parse_json
from tmf.forms import in_kept_form
from tmf.patches import same

_KEY = "externalId"
_UNCHANGEABLE = "is set by the orchestrator and cannot be changed"
_KEY_UNCHANGEABLE = (
    "names the order to whoever sent it, and tells its repeats, so that it cannot be changed, added or removed: "
    "place a new order for another one"
)


def read_only(kind: OrderKind) -> frozenset[str]:
    """Return the attributes of an order that an amendment cannot change: what the orchestrator sets, and the key."""
    return SERVER_SET[kind] | {_KEY}


def amendment(
    current: Document, patched: Any, kind: OrderKind = OrderKind.PRODUCT, limits: OrderLimits | None = None
) -> Document:
    """Return the attributes that a patched order sets anew, `None` for those that it leaves out.

    The states and prices of items are not looked at: who sends the whole list has read them when they may have been
    others.

    Args:
        limits: how large the order may be.

    Raises:
        InvalidBodyError: naming each attribute that cannot be changed, or what keeps it from being an order.
    """
    if not isinstance(patched, dict):
        raise InvalidBodyError([Fault("", "the patched order must be a JSON object")])
    check_read_only(current, patched, read_only(kind))
    checked = check_order(kind, readable(patched), CREATES[kind], limits)
    before = in_kept_form(CREATES[kind], as_sent(kind, current))
    removed = dict.fromkeys(name for name in before if name not in checked)
    changed = {name: value for name, value in checked.items() if name not in before or not same(before[name], value)}
    if ITEM_LISTS[kind] not in changed and (faults := list(misnamed(changed, ITEM_LISTS[kind]))):
        raise InvalidBodyError(faults)
    return {**removed, **changed}


def amended(current: Document, attributes: Document) -> Document:
    """Return the order as an amendment that sets `attributes` makes it."""
    changed = {**current, **attributes}
    return {name: value for name, value in changed.items() if value is not None or name not in attributes}


def readable(patched: Document) -> Document:
    """Return a patched document as one that could have been sent: operations can nest it deeper than any body is read.

    Raises:
        InvalidBodyError: when it could not.
    """
    try:
        checked: Document = parse_json(json.dumps(patched).encode())
    except RecursionError as error:
        raise InvalidBodyError([Fault("", "the patched document nests too deeply")]) from error
    return checked


def check_read_only(current: Document, patched: Document, names: Iterable[str]) -> None:
    """Let a patched document pass whose attributes with these names are as they were.

    Raises:
        InvalidBodyError: naming each that is not.
    """
    changed = [name for name in sorted(names) if not same(patched.get(name), current.get(name))]
    if changed:
        raise InvalidBodyError([Fault(name, _KEY_UNCHANGEABLE if name == _KEY else _UNCHANGEABLE) for name in changed])
