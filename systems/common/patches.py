"""What a PATCH makes of a document: RFC 7396 merge patches and RFC 6902 operations."""

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from systems.common.bodies import JSON, JSON_PATCH, MERGE_PATCH, as_object, read_json
from systems.common.errors import Refusal
from systems.common.json_patch import operated
from systems.common.queries import Document
from systems.common.words import shown

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
            changed = operated(changed, operation, number)
        if not isinstance(changed, dict):
            raise Refusal(400, "invalidRequest", f"the patch must leave a JSON object, not {shown(changed)}")
        return changed

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
    if not isinstance(content, list):
        raise Refusal(400, "invalidRequest", f"a JSON Patch must be a list of operations, not {shown(content)}")
    if len(content) > MOST_OPERATIONS:
        reason = f"a JSON Patch may have {MOST_OPERATIONS} operations, not {len(content)}"
        raise Refusal(400, "invalidRequest", reason)
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
