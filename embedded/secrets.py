"""Secrets of an embedded stack: made at its first start, and kept in its state directory for its user alone."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from embedded.layout import Layout
from settings import ADMIN_TOKEN_FILE

CALLBACK_SECRET_FILE = "callback-secret"


def gateway_secrets(layout: Layout) -> dict[str, str]:
    """Return the variables by which the gateway is told its secrets: those that were set, or the stack's own."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    set_by_hand = layout.secrets.get("ORDERSAGA_CALLBACK_SECRET")
    return {
        "ORDERSAGA_ADMIN_TOKEN": admin_token(layout),
        "ORDERSAGA_CALLBACK_SECRET": set_by_hand or _kept(layout.state_dir / CALLBACK_SECRET_FILE, f"whsec_{key}"),
    }


def admin_token(layout: Layout) -> str:
    """Return what the stack's administrators send."""
    set_by_hand = layout.secrets.get("ORDERSAGA_ADMIN_TOKEN")
    return set_by_hand or _kept(layout.state_dir / ADMIN_TOKEN_FILE, secrets.token_urlsafe(32))


def _kept(file: Path, fresh: str) -> str:
    """Return the secret in a file; where there is none, it is the fresh one from now on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as kept:
        kept.write(f"{fresh}\n")
    return fresh
