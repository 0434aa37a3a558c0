"""The secrets of an embedded stack are made once, for its user alone, and those that were set come first."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.layout import layout
from embedded.ports import Ports
from embedded.secrets import admin_token, gateway_secrets
from settings import Settings
from tmf.signatures import key_of

TOKEN, SECRET = "ORDERSAGA_ADMIN_TOKEN", "ORDERSAGA_CALLBACK_SECRET"


def test_secrets_are_made_at_the_first_start_and_stay(tmp_path: Path) -> None:
    made = gateway_secrets(layout(Settings(state_dir=tmp_path / "state"), Ports(), {}))
    assert gateway_secrets(layout(Settings(state_dir=tmp_path / "state"), Ports(), {})) == made
    assert len(made[TOKEN]) >= 32
    assert len(key_of(made[SECRET])) == 32
    for file in (tmp_path / "state").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    other = gateway_secrets(layout(Settings(state_dir=tmp_path / "other"), Ports(), {}))
    assert not set(other.values()) & set(made.values())


def test_the_command_finds_the_token_that_the_stack_has_made(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    assert settings.known_admin_token() is None
    made = admin_token(layout(settings, Ports(), {}))
    assert settings.known_admin_token() == made


def test_secrets_that_were_set_are_taken_and_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "a-token-of-our-own")
    monkeypatch.setenv(SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    settings = Settings(state_dir=tmp_path)
    found = gateway_secrets(layout(settings, Ports(), {}))
    assert found == {TOKEN: "a-token-of-our-own", SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    assert settings.known_admin_token() == "a-token-of-our-own"
    assert list(tmp_path.iterdir()) == []
    assert "a-token" not in repr(layout(settings, Ports(), {}))
