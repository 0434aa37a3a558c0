"""The terminal's commands that read catalogs, against the gateway that answers them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from console.commands import catalog
from console.commands.catalog import KINDS, list_entries, show_entry
from console.gateway import RefusedError
from tests.api.conftest import BASE_URL

pytestmark = pytest.mark.anyio


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(printed: io.StringIO, connect: Callable[..., None]) -> Console:
    """A terminal whose commands talk to the bench's gateway."""
    connect(catalog)
    return Console(file=printed, width=160, markup=False, emoji=False, highlight=False)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_listed_and_its_entries_are_shown(
    console: Console, printed: io.StringIO, kind: str
) -> None:
    await list_entries(BASE_URL, kind, {}, console, True)
    entries = json.loads(printed.getvalue())
    assert entries
    await list_entries(BASE_URL, kind, {"limit": "2"}, console, False)
    assert f"2 of {len(entries)}" in printed.getvalue()
    for entry in entries:
        printed.truncate(0)
        await show_entry(BASE_URL, kind, entry["id"], entry["version"], console, False)
        assert entry["id"] in printed.getvalue()
        assert entry["name"] in printed.getvalue()


async def test_an_offering_is_shown_with_what_it_costs_and_what_can_be_chosen(
    console: Console, printed: io.StringIO
) -> None:
    await show_entry(BASE_URL, "offering", "fibre-internet", None, console, False)
    rows = [line.split("  ") for line in printed.getvalue().splitlines()]
    shown = [[word.strip() for word in row if word.strip()] for row in rows]
    assert ["Fibre Internet 100, monthly", "29.99 EUR a month", "downloadSpeed 100"] in shown
    assert ["Fibre Internet, set-up", "49.00 EUR", "item.bundle == null && item.action == 'add'"] in shown
    assert ["downloadSpeed*", "integer", "100, [250], 500, 1000"] in shown


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ("home-tv-box-monthly", "3.00 EUR for 1 box of setTopBoxes above 1 a month"),
        ("half-price-half-year", "50 % off"),
        ("wifi-mesh-introduction", "1.00 EUR off"),
        ("home-voice-mobile-minute", "0.19 EUR for 1 min"),
        ("internet-100-monthly", "29.99 EUR a month"),
    ],
)
async def test_a_price_is_told_in_words(console: Console, printed: io.StringIO, price: str, words: str) -> None:
    await show_entry(BASE_URL, "price", price, None, console, False)
    assert words in printed.getvalue()


async def test_what_is_not_there_is_said(console: Console, printed: io.StringIO) -> None:
    await list_entries(BASE_URL, "offering", {"category.id": "nothing"}, console, False)
    assert printed.getvalue() == "no entries\n"
    with pytest.raises(RefusedError, match="there is no productOffering 'nothing'"):
        await show_entry(BASE_URL, "offering", "nothing", None, console, False)
