"""The command `ordersaga qualify`: what can be had at a place, why not, and what can be had instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.exits import REFUSED, finish
from console.gateway import Gateway
from console.options import GatewayOption, JsonOption, ValueOption, gateway_address, values_of
from console.printing import print_json
from console.terminal import terminal
from orders.qualification.results import Result
from tmf.bodies import Document
from tmf.paths import TMF679
from tmf.words import bare


def qualify(
    offering: Annotated[
        str | None, typer.Argument(help="The id of a product offering [default: all that can be had there]")
    ] = None,
    place: Annotated[str | None, typer.Option("--place", help="Where it is to be.", metavar="ID")] = None,
    customer: Annotated[
        str | None, typer.Option("--customer", help="Who asks: what they have is looked at.", metavar="ID")
    ] = None,
    value: ValueOption = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="An offering that a bundle is to have; may be repeated.")
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask whether an offering can be had at a place, why not, and what can be had instead. Nothing is ordered.

    Exits 1 when it cannot.

    Examples: `ordersaga qualify fibre-internet --place HAM-1 --value downloadSpeed=1000` ·
    `ordersaga qualify --place BER-1 --customer C-1001`
    """
    asked = question(offering, place, customer, values_of(value), part or [])
    good = finish(ask(gateway_address(gateway), asked, terminal(), as_json))
    raise typer.Exit(0 if good else REFUSED)


QUALIFICATIONS = f"{TMF679}/productOfferingQualification"

_ITEMS, _REASONS = "productOfferingQualificationItem", "eligibilityUnavailabilityReason"
_LOOKS: dict[str, tuple[str, str]] = {
    Result.QUALIFIED: ("✔", "green"),
    Result.ALTERNATE: ("◐", "yellow"),
    Result.UNQUALIFIED: ("✘", "red"),
}


def question(
    offering: str | None, place: str | None, customer: str | None, values: Document, parts: Sequence[str]
) -> Document:
    """Return the TMF679 qualification that asks for an offering, or without one for all that can be had."""
    product: Document = {}
    if values:
        product["productCharacteristic"] = [{"name": name, "value": value} for name, value in values.items()]
    if parts:
        product["product"] = [{"productOffering": {"id": part}} for part in parts]
    item: Document = {"id": "1", "action": "add", "product": product}
    if offering is not None:
        item["productOffering"] = {"id": offering}
    asked: Document = {
        "instantSyncQualification": True,
        "provideAlternative": True,
        "provideUnavailabilityReason": True,
        _ITEMS: [item],
    }
    if place is not None:
        asked["place"] = [{"id": place, "role": "installation", "@referredType": "GeographicSite"}]
    if customer is not None:
        asked["relatedParty"] = [{"id": customer, "role": "customer", "@referredType": "Customer"}]
    return asked


async def ask(address: str, asked: Document, console: Console, as_json: bool) -> bool:
    """Show what can be had, why not, and what can be had instead; return whether what was asked for can.

    Raises:
        CommandError: when the gateway refuses or cannot be reached.
    """
    async with Gateway(address) as gateway:
        answer = await gateway.tell("POST", QUALIFICATIONS, asked)
    if as_json:
        print_json(console, answer)
    else:
        items = answer.get(_ITEMS) or []
        console.print(results_table(items) if items else "nothing is on sale that fits this")
        proposals = [each for item in items for each in item.get("alternateProductOfferingProposal") or []]
        if proposals:
            console.print(alternatives_table(proposals))
    return bool(answer.get("qualificationResult") == Result.QUALIFIED)


def results_table(items: Iterable[Document]) -> Table:
    """Return what was asked for, a row each, with its result and every reason against it."""
    table = Table("offering", "result", "why", box=None)
    for item in items:
        reasons = [str(each.get("label") or each.get("code")) for each in item.get(_REASONS) or []]
        table.add_row(_offering(item.get("productOffering")), _result_text(item), "\n".join(reasons))
    return table


def alternatives_table(proposals: Iterable[Document]) -> Table:
    """Return what can be had instead, a row each, the closest first."""
    table = Table("instead", "with", "from", box=None)
    for each in proposals:
        product = each.get("alternateProduct") or {}
        since = str(each.get("alternateActivationDate") or "now")
        table.add_row(_offering(each.get("alternateProductOffering")), "\n".join(_features(product)), since)
    return table


def _result_text(item: Document) -> Text:
    result = str(item.get("qualificationItemResult") or "")
    mark, style = _LOOKS.get(result, ("·", "dim"))
    return Text(f"{mark} {result}".rstrip(), style=style)


def _offering(reference: Any) -> str:
    reference = reference if isinstance(reference, dict) else {}
    return str(reference.get("id") or "")


def _features(product: Document) -> list[str]:
    """Say what a product has: its values, and its parts with theirs."""
    own = [f"{each['name']}={bare(each.get('value'))}" for each in product.get("productCharacteristic") or []]
    parts = [
        " ".join([_offering(part.get("productOffering")), *_features(part)]) for part in product.get("product") or []
    ]
    return [*own, *parts]
