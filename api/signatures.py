"""Signatures of events by the Standard Webhooks scheme: who sent an event is proved by a secret that both sides know.

Signed is `id.timestamp.body` with HMAC-SHA256; a secret is `whsec_` and the key in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300
"""How old a signature may be, and how far a sender's clock may be ahead."""

_KEY_BYTES = range(16, 129)
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class InvalidSignatureError(Exception):
    """An event is not signed by who knows the secret, or not now; the message says which."""


def read_secret(secret: str) -> bytes:
    """Return the key that a secret holds.

    Raises:
        ValueError: when it is no such secret, or its key is too short or too long to be safe.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError(f"must be {PREFIX} and {_KEY_BYTES[0]} to {_KEY_BYTES[-1]} bytes in base64")
    return key


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Let an event pass that its headers prove; names of headers are in lower case, `now` is in seconds since 1970.

    Raises:
        InvalidSignatureError: when they do not.
    """
    event_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not event_id or not _TIMESTAMP.fullmatch(sent):
        raise InvalidSignatureError("webhook-id and webhook-timestamp must say which event was sent when")
    if abs(now - int(sent)) > TOLERANCE_SECONDS:
        raise InvalidSignatureError(f"webhook-timestamp is more than {TOLERANCE_SECONDS} s from now")
    digest = hmac.digest(read_secret(secret), f"{event_id}.{sent}.".encode() + body, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    given = headers.get("webhook-signature", "").encode().split(b" ")
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise InvalidSignatureError("webhook-signature has no signature of this event by the secret known here")
