"""Catalogs in a folder, without a gateway: orders are planned by them, and they are checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from catalogs.loader import default_catalogs, load_catalogs
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.faults import CatalogFaultsError
from catalogs.planning import plan_posted
from console.errors import CommandError
from console.order_tree import kind_of
from console.printing import print_json
from orders.intake import check_order
from orders.model.installed import InstalledBase
from orders.model.posted import posted_order
from settings import Settings
from tmf.bodies import Document, InvalidBodyError


def chosen_catalogs() -> Path:
    """Return the folder of catalogs that the settings name."""
    return Settings().catalogs or default_catalogs()


def offline_plans(directory: Path) -> Callable[[Document], Awaitable[Document]]:
    """Plan by the catalogs in a folder alone, for a customer who has nothing yet."""

    async def preview(document: Document) -> Document:
        kind = kind_of(document)
        try:
            order, catalogs = posted_order(kind, check_order(kind, document)), load_catalogs(directory)
        except InvalidBodyError as error:
            raise CommandError(f"this is not an order: {error}") from error
        except CatalogFaultsError as error:
            raise CommandError(str(error)) from error
        order = order.model_copy(update={"id": "preview"})
        planned = plan_posted(order, catalogs, InstalledBase(), 1, datetime.now(UTC))
        violations = [violation.model_dump(mode="json") for violation in planned.violations]
        if planned.plan is None:
            return {"violations": violations}
        return {
            "order": planned.order.model_dump(mode="json", exclude_none=True),
            "plan": planned.plan.model_dump(mode="json"),
            "violations": violations,
        }

    return preview


def lint(directory: Path, console: Console, *, strict: bool, as_json: bool) -> bool:
    """Check catalogs and print every fault, or else every warning; return whether they can be used as they are.

    With warnings they can, unless `strict` says that they cannot.
    """
    try:
        found = load_catalogs(directory)
    except CatalogFaultsError as error:
        if as_json:
            print_json(console, {"faults": [asdict(fault) for fault in error.faults], "warnings": []})
            return False
        for fault in error.faults:
            console.print(str(fault), soft_wrap=True)
        console.print(f"{_counted(len(error.faults), 'fault')} in {directory}", style="red")
        return False
    if as_json:
        print_json(console, {"faults": [], "warnings": [asdict(warning) for warning in found.warnings]})
        return not (strict and found.warnings)
    for warning in found.warnings:
        console.print(f"warning: {warning}", soft_wrap=True)
    console.print(_summary(found), soft_wrap=True)
    return not (strict and found.warnings)


def _summary(found: CatalogSet) -> str:
    counts = {
        "catalog": len(found.catalogs),
        "category": len(found.categories.ids()),
        "offering": len(found.offerings.ids()),
        "product specification": len(found.products.ids()),
        "service specification": len(found.services.ids()),
        "resource specification": len(found.resources.ids()),
        "price": len(found.prices.ids()),
    }
    listed = ", ".join(_counted(number, noun) for noun, number in counts.items())
    odd = f" and {_counted(len(found.warnings), 'warning')}" if found.warnings else ""
    return f"no faults{odd} in {listed}; {found.version.label}"


def _counted(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
