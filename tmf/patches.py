"""Patches: what RFC 7396 merge patches and RFC 6902 operations (JSON Patch) make of a document, or why they cannot."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointer, JsonPointerException

from tmf.bodies import Document, Fault, InvalidBodyError
from tmf.words import choices, shown

MAX_OPERATIONS = 1000
"""Operations that one JSON Patch may have."""

_NEEDS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}
"""Operation → what it must have beside `op`."""
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_FAILURES = (JsonPatchException, JsonPointerException, TypeError, ValueError, AttributeError, LookupError)


class FailedTestError(InvalidBodyError):
    """A `test` among the operations that does not hold."""


class CopiesTooLargeError(InvalidBodyError):
    """Operations that copy more than they may."""


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` as a JSON Merge Patch (RFC 7396) changes it: null removes, a list is replaced whole."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def check_operations(operations: Any, most: int = MAX_OPERATIONS) -> None:
    """Let a list of operations pass, whatever they are.

    Raises:
        InvalidBodyError: when it is none, or there are more than `most`.
    """
    if not isinstance(operations, list):
        raise InvalidBodyError([Fault("", f"a JSON Patch must be a list of operations, not {shown(operations)}")])
    if len(operations) > most:
        raise InvalidBodyError([Fault("", f"a JSON Patch may have {most} operations, not {len(operations)}")])


def apply_operations(document: Document, operations: Any, limit: int) -> Any:
    """Return `document` as the operations of a JSON Patch (RFC 6902) change it.

    What they copy may come to `limit` bytes in all, so that copies of copies do not grow beyond all measure.

    Raises:
        InvalidBodyError: naming the operation that cannot be done, by its place, and why.
    """
    check_operations(operations)
    patched: Any = deepcopy(document)
    for index, operation in enumerate(operations):
        if wrong := _malformed(operation) or _impossible(patched, operation):
            raise InvalidBodyError([_fault(index, operation, wrong)])
        limit -= _copied(patched, operation)
        if limit < 0:
            raise CopiesTooLargeError([_fault(index, operation, "copies more than an order may have")])
        try:
            patched = _applied(patched, operation, index)
        except FailedTestError:
            raise
        except _FAILURES as error:
            raise InvalidBodyError([_fault(index, operation, "cannot be done here")]) from error
        except RecursionError as error:
            raise InvalidBodyError([_fault(index, operation, "makes the document nest too deeply")]) from error
    return patched


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are the same: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _applied(document: Any, operation: Document, index: int) -> Any:
    if operation["op"] != "test":
        return JsonPatch([operation]).apply(document, in_place=True)
    found = JsonPointer(operation["path"]).resolve(document)
    if not same(found, operation["value"]):
        wrong = f"is {shown(found)}, and not {shown(operation['value'])}"
        raise FailedTestError([_fault(index, operation, wrong)])
    return document


def _fault(index: int, operation: Any, wrong: str) -> Fault:
    """Return what is wrong with an operation: `[1]: remove /note/0: …`."""
    named = [operation.get(name) for name in ("op", "from", "path")] if isinstance(operation, dict) else []
    words = " ".join(each if len(each) <= 100 else f"{each[:100]}…" for each in named if isinstance(each, str) and each)
    return Fault(f"[{index}]", f"{words}: {wrong}" if words else wrong)


def _malformed(operation: Any) -> str | None:
    """Return what keeps a JSON value from being an operation."""
    if not isinstance(operation, dict):
        return f'an operation must be an object such as {{"op": "remove", "path": "/note"}}, not {shown(operation)}'
    op = operation.get("op")
    if not isinstance(op, str) or op not in _NEEDS:
        return (
            f"op must be {choices(_NEEDS)}, not {shown(op)}"
            if "op" in operation
            else f"op is missing: {choices(_NEEDS)}"
        )
    for name in _NEEDS[op]:
        if name not in operation:
            return f"{name} is missing"
        pointer = operation[name]
        if name != "value" and (not isinstance(pointer, str) or not _POINTER.fullmatch(pointer)):
            said = 'must be a text such as "/productOrderItem/0/action" (in names ~0 for ~, ~1 for /)'
            return f"{name} {said}, not {shown(pointer)}"
    return None


def _impossible(document: Any, operation: Document) -> str | None:
    """Return why an operation cannot be done in a document."""
    op, path = operation["op"], operation["path"]
    if op in ("move", "copy") and (missing := _missing(document, operation["from"])):
        return missing
    if op == "move" and path.startswith(f"{operation['from']}/"):
        return "nothing can be moved into itself"
    if op == "remove" and not path:
        return "the whole document cannot be removed"
    # What is moved may leave the list that it goes to: the library sees to that.
    return None if op == "move" else _missing(document, path, adding=op in ("add", "copy"))


def _missing(document: Any, pointer: str, *, adding: bool = False) -> str | None:
    """Return why there is nothing at a place, or with `adding` why nothing can be put there."""
    node, here = document, ""
    parts = JsonPointer(pointer).parts
    for number, part in enumerate(parts, start=1):
        is_new = adding and number == len(parts)
        if isinstance(node, dict):
            if part not in node:
                return None if is_new else f"{here or 'the document'} has no attribute {shown(part)}"
            node = node[part]
        elif isinstance(node, list):
            if is_new and part == "-":
                return None
            if not _INDEX.fullmatch(part):
                return f"{here} is a list: {shown(part)} is no place in it, as 0 is (or - behind its last, to add)"
            if int(part) >= len(node) + is_new:
                return f"{here} has {len(node)} {'entry' if len(node) == 1 else 'entries'}, and none at {part}"
            node = node[int(part)] if int(part) < len(node) else None
        else:
            return f"{here or 'the document'} is {shown(node)}, which has no parts"
        here = f"{here}/{part}"
    return None


def _copied(document: Any, operation: Document) -> int:
    """Return how many bytes an operation copies within the document."""
    if operation["op"] != "copy":
        return 0
    try:
        return len(json.dumps(JsonPointer(operation["from"]).resolve(document)))
    except RecursionError:
        return 0
