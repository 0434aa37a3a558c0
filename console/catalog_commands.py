"""What the commands that read catalogs do and print."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from catalogs.faults import CatalogFaultsError
from catalogs.loader import load_catalogs
from catalogs.planning import plan_posted
from console.commands import PlanSource
from console.errors import CommandError
from console.family import Document, kind_of
from orders.installed import InstalledBase
from orders.posted import posted_order


def offline(directory: Path) -> PlanSource:
    """Plan by the catalogs in a folder alone, for a customer who has nothing yet."""

    async def preview(document: Document) -> Document:
        try:
            order, catalogs = posted_order(kind_of(document), document), load_catalogs(directory)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise CommandError(f"this is not an order: {where}: {first['msg']}") from error
        except CatalogFaultsError as error:
            raise CommandError(str(error)) from error
        order = order.model_copy(update={"id": order.id or "preview"})
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


def lint(directory: Path, console: Console) -> bool:
    """Check catalogs and print every fault; return whether there was none."""
    try:
        found = load_catalogs(directory)
    except CatalogFaultsError as error:
        for fault in error.faults:
            console.print(str(fault), soft_wrap=True)
        console.print(f"{len(error.faults)} fault{'s' * (len(error.faults) != 1)} in {directory}", style="red")
        return False
    counts = {
        "catalog": len(found.catalogs),
        "category": len(found.categories.ids()),
        "offering": len(found.offerings.ids()),
        "product specification": len(found.products.ids()),
        "service specification": len(found.services.ids()),
        "resource specification": len(found.resources.ids()),
        "price": len(found.prices.ids()),
    }
    listed = ", ".join(f"{number} {noun if number == 1 else _plural(noun)}" for noun, number in counts.items())
    console.print(f"no faults in {listed}; {found.version.label}", soft_wrap=True)
    return True


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
