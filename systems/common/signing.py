"""Signatures of events by the Standard Webhooks scheme."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
KEY_BYTES = range(16, 129)


def read_secret(secret: str) -> bytes:
    """The key in ``whsec_<base64>``. Raises ValueError for anything else, and for a key of unsafe length."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise ValueError(f"a secret is {PREFIX} and {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes in base64")
    return key


def signed(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that prove an event to whoever knows ``secret``; ``timestamp`` is in seconds since 1970."""
    content = f"{event_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(read_secret(secret), content, hashlib.sha256)).decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
