"""What a PATCH makes of a document: RFC 7396 merge patches and RFC 6902 operations."""

import json
from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from jsonpatch import JsonPatch, JsonPatchException, JsonPatchTestFailed
from jsonpointer import JsonPointerException

from systems.common.bodies import JSON, JSON_PATCH, LARGEST_BODY, MERGE_PATCH, as_object, read_json, too_large
from systems.common.errors import Refusal
from systems.common.queries import Document

MOST_OPERATIONS = 100


@dataclass(frozen=True)
class Patch:
    """A merge patch (an object) or a JSON Patch (a list of operations)."""

    content: Document | list[Any]

    def applied_to(self, document: Document) -> Document:
        """``document`` after the patch.

        Raises Refusal 400 for an operation that cannot be done, 409 for a failed ``test``, 413 for a result too large.
        """
        if isinstance(self.content, dict):
            merged: Document = merge_patch(document, self.content)
            return merged
        changed: Any = deepcopy(document)
        for number, operation in enumerate(self.content):
            changed = _operated(changed, operation, number)
        return as_object(changed)

    def value_of(self, attribute: str) -> Any:
        """What the patch gives a first-level attribute; None where it leaves it alone."""
        if isinstance(self.content, dict):
            return self.content.get(attribute)
        given = [
            operation.get("value")
            for operation in self.content
            if isinstance(operation, dict) and operation.get("path") == f"/{attribute}"
        ]
        return given[-1] if given else None


async def read_patch(request: Request) -> Patch:
    """The patch in the body. Raises Refusal 400 for none, 413 and 415 as ``read_json`` does."""
    media, content = await read_json(request, MERGE_PATCH, JSON, JSON_PATCH)
    if media != JSON_PATCH:
        return Patch(as_object(content))
    if not isinstance(content, list) or len(content) > MOST_OPERATIONS:
        raise Refusal(400, "invalidRequest", f"a JSON Patch is a list of {MOST_OPERATIONS} operations at most")
    return Patch(content)


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, everything else (arrays too) replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def check_unchanged(before: Document, after: Document, read_only: Collection[str]) -> None:
    """Raises Refusal 400 naming the attributes that only the system sets, where a patch would change them."""
    changed = [name for name in read_only if before.get(name) != after.get(name)]
    if changed:
        raise Refusal(400, "notPatchable", f"{', '.join(sorted(changed))} cannot be changed")


def check_removed(before: Document, after: Document, required: Collection[str]) -> None:
    """Raises Refusal 400 naming the ``required`` attributes that a patch would take away."""
    removed = [name for name in required if name in before and after.get(name) is None]
    if removed:
        raise Refusal(400, "invalidRequest", f"{', '.join(removed)} cannot be removed")


def _operated(document: Any, operation: Any, number: int) -> Any:
    try:
        changed = JsonPatch([operation]).apply(document)
        # Copies of copies would grow beyond all measure.
        if len(json.dumps(changed)) > LARGEST_BODY:
            raise too_large()
    except JsonPatchTestFailed:
        raise Refusal(409, "testFailed", f"operation {number}: the value is another one") from None
    except (JsonPatchException, JsonPointerException) as error:
        raise Refusal(400, "invalidRequest", f"operation {number}: {error}") from None
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError):
        raise Refusal(400, "invalidRequest", f"operation {number} cannot be done") from None
    return changed
