"""What a PATCH makes of a document: RFC 7396 merge patches and RFC 6902 operations."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from systems.common.bodies import LARGEST_BODY, as_object, read_json, too_large
from systems.common.errors import Refusal
from tmf.bodies import Document, InvalidBodyError
from tmf.media_types import JSON, JSON_PATCH, MERGE_PATCH
from tmf.patches import CopiesTooLargeError, FailedTestError, apply_operations, check_operations, merge_patch
from tmf.words import shown

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
        try:
            changed = apply_operations(document, self.content, LARGEST_BODY)
            if len(json.dumps(changed)) > LARGEST_BODY:
                raise too_large()
        except CopiesTooLargeError:
            raise too_large() from None
        except FailedTestError as error:
            raise Refusal(409, "testFailed", str(error)) from None
        except InvalidBodyError as error:
            raise Refusal(400, "invalidRequest", str(error)) from None
        except RecursionError:
            raise Refusal(400, "invalidRequest", "the patched document nests too deeply") from None
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
    try:
        check_operations(content, MOST_OPERATIONS)
    except InvalidBodyError as error:
        raise Refusal(400, "invalidRequest", str(error)) from None
    return Patch(content)


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
