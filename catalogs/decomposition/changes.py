"""Changes of characteristics by an order, and which late ones follow from them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from catalogs.model.expressions import compiled
from orders.plan.parts import Characteristics

Changed = Mapping[str, frozenset[str] | None]
"""Name of a service or resource → its characteristics that change, None where it is new or gone."""


_GUARD = re.compile(r"\bin\s+services\b")


def overlaid(installed: Characteristics, target: Characteristics) -> Characteristics:
    """Return what is installed with the target's values over it; a target's None takes the name away."""
    together = {**installed, **target}
    return {name: value for name, value in together.items() if name not in target or value is not None}


def differing(before: Characteristics, after: Characteristics) -> frozenset[str]:
    """Return the names whose values differ."""
    names = before.keys() | after.keys()
    return frozenset(name for name in names if before.get(name) != after.get(name))


def affected(late: Mapping[str, str], **changed: Changed) -> dict[str, str]:
    """Return those late expressions whose value may change when `assigned` or `services` change so."""
    return {name: text for name, text in late.items() if any(_follows(text, *each) for each in changed.items())}


def reads_unguarded(late: Mapping[str, str], service: str) -> bool:
    """Return whether late expressions read a service without asking first whether it is `in services`."""
    return any(
        ("services", service) in {(variable, name) for variable, name, _ in compiled(text).reads}
        and not _GUARD.search(text)
        for text in late.values()
    )


def _follows(text: str, variable: str, changed: Changed) -> bool:
    expression = compiled(text)
    if not changed or variable not in expression.variables:
        return False
    reads = [(name, attribute) for read, name, attribute in expression.reads if read == variable]
    if not reads:
        return True
    return any(name in changed and _touches(changed[name], attribute) for name, attribute in reads)


def _touches(names: frozenset[str] | None, attribute: str | None) -> bool:
    return names is None or (attribute is None and bool(names)) or attribute in names
