"""Media types of bodies: JSON, and the two kinds of patches, all of them in UTF-8."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message

from tmf.words import shown

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

_UTF_8 = ("", "utf-8", "utf8", "us-ascii", "ascii")
"""Names of what is UTF-8; ASCII is a part of it."""


def media_type_of(content_type: str) -> str:
    """Return the media type that a Content-Type names, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def fault_of_media_type(content_type: str, media_types: Sequence[str]) -> str | None:
    """Return what is wrong with a Content-Type, in words; None where it is one of these media types, in UTF-8."""
    named = media_type_of(content_type)
    if named not in media_types:
        said = f"not {shown(named)}" if named else "and it is missing"
        return f"Content-Type must be {' or '.join(media_types)}, {said}"
    if (charset := _charset_of(content_type)) not in _UTF_8:
        return f"JSON is sent in UTF-8; the Content-Type says charset={charset}"
    return None


def _charset_of(content_type: str) -> str:
    """Return the charset that a Content-Type names, in lower case; empty where it names none."""
    message = Message()
    message["Content-Type"] = content_type
    return (message.get_content_charset() or "").strip()
