"""JSON Patch (RFC 6902): what an operation makes of a document, or why it cannot be done there."""

import json
import re
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointer, JsonPointerException

from systems.common.bodies import LARGEST_BODY, too_large
from systems.common.errors import Refusal
from systems.common.words import shown

_NEEDS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}
"""Operation → what it must have beside ``op``."""
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_FAILURES = (JsonPatchException, JsonPointerException, TypeError, ValueError, AttributeError, LookupError)


def operated(document: Any, operation: Any, number: int) -> Any:
    """``document`` after the operation with this ``number``.

    Raises Refusal 400 for one that cannot be done, 409 for a ``test`` that fails; both name it, its path, and why.
    """
    if wrong := _malformed(operation) or _impossible(document, operation):
        raise _refusal(400, "invalidRequest", number, operation, wrong)
    try:
        if operation["op"] == "test":
            _check_same(JsonPointer(operation["path"]).resolve(document), operation, number)
            return document
        changed = JsonPatch([operation]).apply(document)
        # Copies of copies would grow beyond all measure.
        if len(json.dumps(changed)) > LARGEST_BODY:
            raise too_large()
    except _FAILURES:
        raise _refusal(400, "invalidRequest", number, operation, "cannot be done here") from None
    except RecursionError:
        raise _refusal(400, "invalidRequest", number, operation, "makes the document nest too deeply") from None
    return changed


def _check_same(found: Any, operation: dict[str, Any], number: int) -> None:
    if not _same(found, operation["value"]):
        wrong = f"is {shown(found)}, and not {shown(operation['value'])}"
        raise _refusal(409, "testFailed", number, operation, wrong)


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _refusal(status: int, code: str, number: int, operation: Any, wrong: str) -> Refusal:
    """``[1]: remove /note/0: …``."""
    named = [operation.get(name) for name in ("op", "from", "path")] if isinstance(operation, dict) else []
    words = " ".join(each if len(each) <= 100 else f"{each[:100]}…" for each in named if isinstance(each, str) and each)
    return Refusal(status, code, f"[{number}]: {words}: {wrong}" if words else f"[{number}]: {wrong}")


def _malformed(operation: Any) -> str | None:
    """What keeps a JSON value from being an operation."""
    if not isinstance(operation, dict):
        return f'an operation must be an object such as {{"op": "remove", "path": "/note"}}, not {shown(operation)}'
    op, allowed = operation.get("op"), ", ".join(_NEEDS)
    if not isinstance(op, str) or op not in _NEEDS:
        return f"op must be one of {allowed}, not {shown(op)}" if "op" in operation else f"op is missing: {allowed}"
    for name in _NEEDS[op]:
        if name not in operation:
            return f"{name} is missing"
        pointer = operation[name]
        if name != "value" and (not isinstance(pointer, str) or not _POINTER.fullmatch(pointer)):
            return f'{name} must be a text such as "/note/0/text" (~0 for ~ in names, ~1 for /), not {shown(pointer)}'
    return None


def _impossible(document: Any, operation: dict[str, Any]) -> str | None:
    """Why an operation cannot be done in a document."""
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
    """Why there is nothing at a place, or with ``adding`` why nothing can be put there."""
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
