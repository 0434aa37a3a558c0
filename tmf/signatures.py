"""Signatures of messages between systems, by the Standard Webhooks scheme: HMAC-SHA256 over id, time and body.

Source: the Standard Webhooks specification, version 1 (symmetric signatures).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from tmf.words import span

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"

TOLERANCE = timedelta(minutes=5)
"""How far the time of a message may be from ours."""

_PREFIX = "whsec_"
_SCHEME = "v1"
_LEAST_BYTES, _MOST_BYTES = 24, 64


class SignatureError(Exception):
    """A message that is not signed, or not by whom it should be, or not in time; the message says which."""


def new_secret() -> str:
    """Return a secret of 32 random bytes, as it is written: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret writes.

    Raises:
        ValueError: when it is not `whsec_` and the base64 of 24 to 64 bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise ValueError(f"must be {_PREFIX} followed by the base64 of {_LEAST_BYTES} to {_MOST_BYTES} bytes")
    return key


def sign(secret: str, message_id: str, at: datetime, body: bytes, *others: str) -> dict[str, str]:
    """Return the headers that sign a message, by other secrets as well: it is genuine for whoever knows one of them.

    Raises:
        ValueError: when a secret is none.
    """
    timestamp = str(int(at.timestamp()))
    signed = [_signature(key_of(each), message_id, timestamp, body) for each in (secret, *others)]
    return {ID: message_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(f"{_SCHEME},{each}" for each in signed)}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Return when a message is signed with the secret; headers are looked up by their names in lower case.

    Raises:
        SignatureError: when it is not, or its time is off.
        ValueError: when the secret is none.
    """
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    given = headers.get(SIGNATURE, "")
    if not (message_id and timestamp and given):
        raise SignatureError(f"the headers {ID}, {TIMESTAMP} and {SIGNATURE} are missing")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureError(f"{TIMESTAMP} is not a time in seconds")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise SignatureError(f"{TIMESTAMP} is more than {span(TOLERANCE)} away from the time here")
    wanted = f"{_SCHEME},{_signature(key_of(secret), message_id, timestamp, body)}".encode()
    if not any(hmac.compare_digest(each.encode(), wanted) for each in given.split()):
        raise SignatureError(f"{SIGNATURE} is not that of this message")


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
