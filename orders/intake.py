"""What a request to order must look like before it is stored, and what an accepted order starts as.

These are checks of form only: whether an order makes commercial sense is decided later, and an order that does not
is rejected, not refused. Source of the rules: TMF622 v4.0.0, ProductOrder_Create.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from orders.lifecycle import OrderState
from orders.tmf import ProductOrder, timestamp

Document = dict[str, Any]

SERVER_SET = frozenset(
    {
        "id",
        "href",
        "state",
        "orderDate",
        "completionDate",
        "expectedCompletionDate",
        "productOrderErrorMessage",
        "residue",
        "milestone",
        "jeopardyAlert",
    }
)
"""Attributes of an order that only the orchestrator writes; a client's are ignored."""

MAX_DEPTH = 100
"""Levels of arrays and objects that a body may nest: far more than any order, far less than any reader's stack."""

_MAX_FAULTS = 100
_ITEMS = "productOrderItem"
_RELATIONS = "productOrderItemRelationship"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a body, and where: a path such as `productOrderItem[0].action`, empty for the whole body."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidBodyError(ValueError):
    """A body that is not a product order; `faults` has each thing that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        shown = "; ".join(str(fault) for fault in faults[:_MAX_FAULTS])
        more = len(faults) - _MAX_FAULTS
        super().__init__(f"{shown}; and {more} more" if more > 0 else shown)
        self.faults = faults


def parse_json(raw: bytes) -> Any:
    """Read `raw` as JSON (RFC 8259, UTF-8) that every store and every reader can hold.

    Raises:
        InvalidBodyError: when it is not JSON, nests too deeply, or has characters or numbers that cannot be kept.
    """
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidBodyError([Fault("", f"the body is not valid JSON: {error}")]) from error
    if faults := list(_unstorable(value)):
        raise InvalidBodyError(faults)
    return value


def check_product_order(body: Any, form: type[BaseModel] = ProductOrder) -> Document:
    """Return the body of a request to order without the attributes that are not the client's to set.

    Args:
        form: a model of every attribute that has a type, also of those that are only kept.

    Raises:
        InvalidBodyError: with every fault of form.
    """
    if not isinstance(body, dict):
        raise InvalidBodyError([Fault("", "the body must be a JSON object")])
    document = _without_server_set(body)
    faults = [*faults_of(ProductOrder, document), *faults_of(form, document), *_faults_of_items(document)]
    if faults:
        raise InvalidBodyError(list(dict.fromkeys(faults)))
    return document


def accept(document: Document, order_id: str, at: datetime) -> Document:
    """Return the order that a checked body starts as: acknowledged, with its id and the time it was taken."""
    accepted = {
        "id": order_id,
        **document,
        "state": OrderState.ACKNOWLEDGED.value,
        "orderDate": timestamp(at),
    }
    accepted[_ITEMS] = [_acknowledged(item) for item in document[_ITEMS]]
    return accepted


def derived_id(client: str, kind: str, key: str) -> str:
    """Return the id of the order that `client` made known as `key`: the same each time, 10 base32 characters.

    `kind` keeps keys of different origin apart, such as an idempotency key and an external id.
    """
    digest = hashlib.sha256("\0".join((client, kind, key)).encode()).digest()
    return order_id_from(digest)


def order_id_from(entropy: bytes) -> str:
    """Return the order id that the first 50 bits of `entropy` (7 bytes or more) spell."""
    return base64.b32encode(entropy[:10])[:10].decode().lower()


def fingerprint(document: Document) -> str:
    """Return a digest that two documents share when they are the same JSON, whatever the order of their names."""
    return hashlib.sha256(to_json(_sorted(document))).hexdigest()


def faults_of(model: type[BaseModel], document: Document) -> Iterator[Fault]:
    """Yield what keeps a JSON document from being a `model`."""
    try:
        # JSON mode is strict where Python mode could not be: "add" is an action there, "1" is no number.
        model.model_validate_json(to_json(document), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            yield Fault(_path(detail["loc"]), detail["msg"].removeprefix("Value error, "))


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _faults_of_items(document: Document) -> Iterator[Fault]:
    """Yield the items whose id is taken, and the relations that lead nowhere, as far as the shape lets them be read."""
    items = list(_items(document.get(_ITEMS), _ITEMS))
    paths: dict[str, str] = {}
    for item, path in items:
        item_id = item.get("id")
        if not isinstance(item_id, str):
            continue
        if item_id in paths:
            yield Fault(f"{path}.id", f"{item_id!r} is the id of {paths[item_id]} already")
        else:
            paths[item_id] = path
    for item, path in items:
        for index, relation in enumerate(_list(item.get(_RELATIONS))):
            target = relation.get("id") if isinstance(relation, dict) else None
            if isinstance(target, str) and target not in paths:
                yield Fault(f"{path}.{_RELATIONS}[{index}].id", f"the order has no item {target!r}")


def _items(value: Any, path: str) -> Iterator[tuple[Document, str]]:
    for index, item in enumerate(_list(value)):
        if isinstance(item, dict):
            here = f"{path}[{index}]"
            yield item, here
            yield from _items(item.get(_ITEMS), f"{here}.{_ITEMS}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _without_server_set(body: Document) -> Document:
    document = {name: value for name, value in body.items() if name not in SERVER_SET}
    if isinstance(items := document.get(_ITEMS), list):
        document[_ITEMS] = [_without_state(item) for item in items]
    return document


def _without_state(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    bare = {name: value for name, value in item.items() if name != "state"}
    if isinstance(nested := bare.get(_ITEMS), list):
        bare[_ITEMS] = [_without_state(each) for each in nested]
    return bare


def _acknowledged(item: Document) -> Document:
    acknowledged = {**item, "state": OrderState.ACKNOWLEDGED.value}
    if nested := item.get(_ITEMS):
        acknowledged[_ITEMS] = [_acknowledged(each) for each in nested]
    return acknowledged


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _unstorable(body: Any) -> Iterator[Fault]:
    """Yield what is JSON but cannot be kept: the NUL character, numbers beyond a double, endless nesting."""
    queue: list[tuple[Any, tuple[int | str, ...]]] = [(body, ())]
    while queue:
        value, location = queue.pop()
        if isinstance(value, dict | list):
            if len(location) >= MAX_DEPTH:
                yield Fault("", f"the body nests deeper than {MAX_DEPTH} levels")
                return
            named = value.items() if isinstance(value, dict) else enumerate(value)
            for name, each in named:
                if isinstance(name, str) and "\0" in name:
                    yield Fault(_path(location), "the NUL character is not allowed in an attribute's name")
                queue.append((each, (*location, name)))
        elif isinstance(value, str) and "\0" in value:
            yield Fault(_path(location), "the NUL character is not allowed")
        elif isinstance(value, int | float) and not _is_double(value):
            yield Fault(_path(location), "the number is out of range")


def _is_double(number: float) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False
