"""The commands `ordersaga catalog …`: to read the catalogs of a gateway, and to check those in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console

from catalogs.links import Collection
from console.exits import REFUSED, finish
from console.gateway import Gateway
from console.options import GatewayOption, JsonOption, gateway_address, quoted
from console.printing import print_json, print_list
from console.terminal import terminal
from console.views.catalog_tables import (
    characteristics_of,
    characteristics_table,
    entries_table,
    entry_facts,
    prices_table,
)
from console.views.tables import facts_panel
from tmf.bodies import Document

catalog_app = typer.Typer(help="Read catalogs, and check them.", no_args_is_help=True)

CatalogKind = Annotated[
    str, typer.Argument(help="offering, price, product, category, catalog, service or resource", metavar="[KIND]")
]


@catalog_app.command("lint")
def catalog_lint(
    directory: Annotated[Path | None, typer.Argument(help="A folder of catalogs [default: by the settings]")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 with warnings, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check catalogs: every fault with its file and line; without one, every warning, and how much there is.

    Faults keep catalogs from being used: exit 1. Warnings do not: exit 0, unless --strict is given.

    Examples: `ordersaga catalog lint` · `ordersaga catalog lint my-catalogs/ --strict`
    """
    from console.offline import chosen_catalogs, lint

    good = lint(directory or chosen_catalogs(), terminal(), strict=strict, as_json=as_json)
    raise typer.Exit(0 if good else REFUSED)


@catalog_app.command("list")
def catalog_list(
    kind: CatalogKind = "offering",
    category: Annotated[str | None, typer.Option(help="Only what is in this category.", metavar="ID")] = None,
    status: Annotated[str | None, typer.Option(help="Only what is in this status, such as Active.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what the gateway's catalogs hold, all versions of it.

    Examples: `ordersaga catalog list` · `ordersaga catalog list category` · `ordersaga catalog list --category mobile`
    """
    filters = {"category.id": category, "lifecycleStatus": status}
    wanted = {name: quoted(value) for name, value in filters.items() if value is not None} | {"limit": str(limit)}
    finish(list_entries(gateway_address(gateway), _kind(kind), wanted, terminal(), as_json))


@catalog_app.command("show")
def catalog_show(
    entry_id: Annotated[str, typer.Argument(help="The id of an offering, or of what --kind says.", metavar="ID")],
    kind: Annotated[str, typer.Option(help="What it is: as in catalog list.")] = "offering",
    version: Annotated[str | None, typer.Option(help="A certain version [default: the latest]")] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an entry of the gateway's catalogs: of an offering also what it costs, and what can be chosen.

    Examples: `ordersaga catalog show fibre-internet` · `ordersaga catalog show cfs-internet --kind service`
    """
    finish(show_entry(gateway_address(gateway), _kind(kind), entry_id, version, terminal(), as_json))


KINDS = {
    "offering": Collection.OFFERING,
    "price": Collection.PRICE,
    "product": Collection.PRODUCT,
    "category": Collection.CATEGORY,
    "catalog": Collection.CATALOG,
    "service": Collection.SERVICE,
    "resource": Collection.RESOURCE,
}
"""Where the gateway has the entries of each kind."""


async def list_entries(address: str, kind: str, filters: Mapping[str, str], console: Console, as_json: bool) -> None:
    """List the entries of a kind, all versions of them.

    Raises:
        CommandError: when a filter is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        entries, total = await gateway.listing(KINDS[kind], filters)
    print_list(entries, lambda: entries_table(kind, entries, total), "entries", console, as_json)


async def show_entry(
    address: str, kind: str, entry_id: str, version: str | None, console: Console, as_json: bool
) -> None:
    """Show an entry: of an offering also what it costs, and what can be chosen.

    Raises:
        CommandError: when there is no such entry or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        entry = await _read(gateway, kind, entry_id, version)
        prices = [] if as_json else await _all(gateway, "price", entry.get("productOfferingPrice"))
        sold = [] if as_json else await _all(gateway, "product", entry.get("productSpecification"))
    if as_json:
        print_json(console, entry)
        return
    console.print(facts_panel(f"{entry.get('@type') or kind} {entry['id']}", entry_facts(entry)))
    if prices:
        console.print(prices_table(prices))
    if characteristics := [each for document in (entry, *sold) for each in characteristics_of(document)]:
        console.print(characteristics_table(characteristics))


async def _all(gateway: Gateway, kind: str, references: Document | list[Document] | None) -> list[Document]:
    """Return the entries that an attribute refers to."""
    given = references if isinstance(references, list) else [references] if references else []
    return [await _read(gateway, kind, str(each["id"]), each.get("version")) for each in given]


async def _read(gateway: Gateway, kind: str, entry_id: str, version: str | None) -> Document:
    path = f"{KINDS[kind]}/{quote(entry_id, safe='')}"
    return await gateway.read(f"{path}?version={quote(version, safe='')}" if version else path)


def _kind(name: str) -> str:
    if name not in KINDS:
        raise typer.BadParameter(f"{name} is none of {', '.join(KINDS)}")
    return name
