"""A listener's secret is renewed: for a while both sign its events."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from console.commands import hub
from orders.events.subscription import Subscription
from tests.api.conftest import BASE_URL, Bench
from tests.api.events.test_hub import HUB, registered
from tmf.instants import read_instant
from tmf.signatures import new_secret

pytestmark = pytest.mark.anyio


async def kept(bench: Bench, made: dict[str, Any]) -> Subscription:
    found = await bench.gateway.subscriptions.get(made["id"])
    assert found is not None
    return found


async def rotated(bench: Bench, made: dict[str, Any], **how: Any) -> dict[str, Any]:
    answer = await bench.client.post(f"{made['href']}/rotate", json=how)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_new_secret_is_given_once_and_the_old_one_signs_too_for_a_day(bench: Bench) -> None:
    made = await registered(bench)
    answer = await bench.client.post(f"{made['href']}/rotate")
    assert answer.status_code == 200
    after, now = answer.json(), datetime.now(UTC)

    assert after["secret"].startswith("whsec_")
    assert after["secret"] != made["secret"]
    read = (await bench.client.get(made["href"])).json()
    assert read == {name: value for name, value in after.items() if name != "secret"}
    assert (await bench.client.get(HUB)).json() == [read]
    until = read_instant(read["oldSecretsUntil"])
    assert timedelta(hours=23) < until - now <= timedelta(days=1)
    stored = await kept(bench, made)
    assert stored.secret == after["secret"]
    assert stored.old_secrets_at(now) == [made["secret"]]
    assert stored.old_secrets_at(until) == []


async def test_who_lost_the_answer_can_renew_again_and_each_secret_in_use_signs(bench: Bench) -> None:
    made = await registered(bench)
    lost, own = (await rotated(bench, made))["secret"], new_secret()
    for _ in range(2):
        assert (await rotated(bench, made, secret=own, overlap="PT1H"))["secret"] == own
    assert (await kept(bench, made)).old_secrets_at(datetime.now(UTC)) == [lost, made["secret"]]

    await rotated(bench, made)
    await rotated(bench, made)
    refused = await bench.client.post(f"{made['href']}/rotate")
    assert refused.status_code == 409
    assert "end the rotation first" in refused.json()["message"]


async def test_the_old_secret_ends_by_command_or_at_once(bench: Bench) -> None:
    made = await registered(bench)
    new = (await rotated(bench, made))["secret"]
    answer = await bench.client.post(f"{made['href']}/endRotation")
    assert answer.status_code == 200
    assert not answer.json().keys() & {"oldSecretsUntil", "secret"}
    stored = await kept(bench, made)
    assert (stored.secret, stored.old_secrets) == (new, [])

    assert "oldSecretsUntil" not in await rotated(bench, made, overlap="PT0S")
    assert (await kept(bench, made)).old_secrets == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"secret": "short"}, "secret"),
        ({"overlap": "P31D"}, "overlap"),
        ({"overlap": "-PT1S"}, "overlap"),
        ({"overlap": "soon"}, "overlap"),
        ({"grace": "P1D"}, "grace"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_name_and_changes_nothing(
    bench: Bench, body: dict[str, str], named: str
) -> None:
    made = await registered(bench)
    answer = await bench.client.post(f"{made['href']}/rotate", json=body)
    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert (await kept(bench, made)).secret == made["secret"]


async def test_a_secret_is_renewed_in_the_terminal_and_printed_once(bench: Bench, connect: Callable[..., None]) -> None:
    connect(hub)
    made, printed = await registered(bench), io.StringIO()
    console = Console(file=printed, width=200, markup=False, emoji=False, highlight=False)

    await hub.rotate(BASE_URL, made["id"], {"overlap": "PT2H"}, console, False)
    stored = await kept(bench, made)
    said, secret = printed.getvalue().splitlines()
    assert secret == stored.secret
    assert "the old one signs them too until" in said
    await hub.end_rotation(BASE_URL, made["id"], console, False)
    assert (await kept(bench, made)).old_secrets == []
    await hub.show_listener(BASE_URL, made["id"], console, False)
    assert printed.getvalue().count(secret) == 1
