"""Messages are signed as the Standard Webhooks scheme wants it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from tmf.signatures import TOLERANCE, SignatureError, key_of, new_secret, sign, verify

NOW = datetime.now(UTC)
BODY = b'{"eventId":"1"}'


def test_what_we_sign_others_verify() -> None:
    # They go by their own clock, and the tests before this one may have taken minutes.
    secret = new_secret()
    Webhook(secret).verify(BODY, sign(secret, "message-1", datetime.now(UTC), BODY))


def test_what_others_sign_we_verify() -> None:
    secret = new_secret()
    signature = Webhook(secret).sign("message-1", NOW, json.dumps({}))
    headers = {
        "webhook-id": "message-1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": f"v1,bm90aGluZw== {signature}",
    }
    verify(secret, headers, b"{}", NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "message-2"),
        ("webhook-id", ""),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "9" * 13),
        ("webhook-signature", "v1,bm90aGluZw=="),
        ("webhook-signature", "é"),
    ],
)
def test_a_message_with_another_header_is_refused(name: str, value: str) -> None:
    secret = new_secret()
    with pytest.raises(SignatureError):
        verify(secret, sign(secret, "message-1", NOW, BODY) | {name: value}, BODY, NOW)


def test_another_body_and_another_secret_are_refused() -> None:
    secret = new_secret()
    headers = sign(secret, "message-1", NOW, BODY)
    with pytest.raises(SignatureError):
        verify(secret, headers, BODY + b" ", NOW)
    with pytest.raises(SignatureError):
        verify(new_secret(), headers, BODY, NOW)


def test_a_signature_holds_for_one_body_at_one_time() -> None:
    secret = new_secret()
    signed = sign(secret, "e", NOW, b"a")
    assert signed == sign(secret, "e", NOW, b"a")
    later = NOW + timedelta(seconds=1)
    others = [sign(new_secret(), "e", NOW, b"a"), sign(secret, "e", later, b"a"), sign(secret, "e", NOW, b"b")]
    assert signed["webhook-signature"] not in [each["webhook-signature"] for each in others]


@pytest.mark.parametrize("off", [TOLERANCE + timedelta(seconds=2), -TOLERANCE - timedelta(seconds=2)])
def test_a_message_of_another_time_is_refused(off: timedelta) -> None:
    secret = new_secret()
    with pytest.raises(SignatureError, match="webhook-timestamp"):
        verify(secret, sign(secret, "message-1", NOW, BODY), BODY, NOW + off)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_%%%", "whsec_c2hvcnQ=", base64.b64encode(b"k" * 32).decode()]
    + [f"whsec_{base64.b64encode(b'k' * size).decode()}" for size in (23, 65, 300)],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        key_of(secret)


def test_a_message_that_several_secrets_sign_is_genuine_for_each() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    headers = sign(new, "message-1", datetime.now(UTC), BODY, old)
    for secret in (new, old):
        Webhook(secret).verify(BODY, headers)
        verify(secret, headers, BODY, datetime.now(UTC))
    with pytest.raises(SignatureError):
        verify(other, headers, BODY, datetime.now(UTC))
