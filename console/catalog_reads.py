"""What the commands that read the catalogs of a gateway do and print."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from rich.console import Console

from catalogs.links import Collection
from console.commands import print_json
from console.gateway import Gateway
from console.views.catalog_tables import (
    characteristics_of,
    characteristics_table,
    entries_table,
    entry_facts,
    prices_table,
)
from console.views.tables import facts_panel
from tmf.bodies import Document

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


async def catalog_list(address: str, kind: str, filters: Mapping[str, str], console: Console, as_json: bool) -> None:
    """List the entries of a kind, all versions of them.

    Raises:
        CommandError: when a filter is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        entries, total = await gateway.listing(KINDS[kind], filters)
    if as_json:
        print_json(console, entries)
    elif entries:
        console.print(entries_table(kind, entries, total))
    else:
        console.print("no entries")


async def catalog_show(
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
