"""The terminal's question whether something can be had, against the gateway that answers it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from console.commands import qualify
from console.commands.qualify import ask, question
from console.errors import CommandError
from tests.api.conftest import BASE_URL, Bench

pytestmark = pytest.mark.anyio

ANSWER: dict[str, Any] = {
    "state": "done",
    "qualificationResult": "alternate",
    "productOfferingQualificationItem": [
        {
            "id": "1",
            "productOffering": {"id": "fibre-home-bundle"},
            "qualificationItemResult": "alternate",
            "eligibilityUnavailabilityReason": [{"code": "notFeasible", "label": "TV is not available at HAM-1"}],
            "alternateProductOfferingProposal": [
                {
                    "id": "1",
                    "alternateActivationDate": "2026-09-01T00:00:00.000Z",
                    "alternateProductOffering": {"id": "fibre-home-bundle"},
                    "alternateProduct": {
                        "product": [
                            {
                                "productOffering": {"id": "fibre-internet"},
                                "productCharacteristic": [{"name": "downloadSpeed", "value": 250}],
                            }
                        ]
                    },
                }
            ],
        }
    ],
}


@pytest.fixture
def console(connect: Callable[..., None]) -> Console:
    """A console to be read; what is asked goes to the bench's gateway."""
    connect(qualify)
    return Console(file=io.StringIO(), width=160, markup=False, emoji=False, highlight=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_result_reasons_and_alternatives_are_shown(bench: Bench, console: Console) -> None:
    bench.qualifier.answer = ANSWER
    asked = question("fibre-home-bundle", "HAM-1", "C-1", {"a": 1}, ["home-tv"])
    assert not await ask(BASE_URL, asked, console, False)
    shown = printed(console)
    assert "◐ alternate" in shown
    assert "TV is not available at HAM-1" in shown
    assert "fibre-internet downloadSpeed=250" in shown
    assert "2026-09-01" in shown
    [sent] = bench.qualifier.asked
    assert sent["relatedParty"][0]["id"] == "C-1"
    assert sent["place"][0]["id"] == "HAM-1"
    [item] = sent["productOfferingQualificationItem"]
    assert item["product"] == {
        "productCharacteristic": [{"name": "a", "value": 1}],
        "product": [{"productOffering": {"id": "home-tv"}}],
    }


async def test_what_can_be_had_is_a_success(bench: Bench, console: Console) -> None:
    item = {"id": "1", "productOffering": {"id": "mobile-plan"}, "qualificationItemResult": "qualified"}
    bench.qualifier.answer = {
        "state": "done",
        "qualificationResult": "qualified",
        "productOfferingQualificationItem": [item],
    }
    assert await ask(BASE_URL, question(None, None, None, {}, []), console, False)
    assert "✔ qualified" in printed(console)
    assert "instead" not in printed(console)
    assert "productOffering" not in bench.qualifier.asked[0]["productOfferingQualificationItem"][0]


async def test_it_is_printed_as_json_where_that_is_wanted(bench: Bench, console: Console) -> None:
    bench.qualifier.answer = ANSWER
    assert not await ask(BASE_URL, question("o", None, None, {}, []), console, True)
    assert json.loads(printed(console))["qualificationResult"] == "alternate"


async def test_that_nothing_fits_is_said(bench: Bench, console: Console) -> None:
    bench.qualifier.answer = {"state": "done", "productOfferingQualificationItem": []}
    assert not await ask(BASE_URL, question(None, "X", None, {}, []), console, False)
    assert "nothing is on sale that fits this" in printed(console)


async def test_a_refusal_is_said(console: Console) -> None:
    with pytest.raises(CommandError, match=r"400: .*productOfferingQualificationItem\[0\]\.productOffering"):
        await ask(BASE_URL, question(1, None, None, {}, []), console, False)  # type: ignore[arg-type]
