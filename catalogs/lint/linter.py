"""Checks the entries of all catalogs against each other: faults, which keep them from being used, and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from catalogs.lint.bundles import bundle_faults
from catalogs.lint.categories import category_faults, category_warnings
from catalogs.lint.characteristics import characteristic_faults, characteristic_warnings
from catalogs.lint.circles import circle_faults
from catalogs.lint.expressions import expression_faults
from catalogs.lint.fulfilment import fulfilment_faults
from catalogs.lint.late import late_faults
from catalogs.lint.literals import condition_warnings, literal_faults
from catalogs.lint.offerings import offering_faults, offering_warnings
from catalogs.lint.policies import policy_warnings
from catalogs.lint.price_uses import counted_faults, price_use_faults
from catalogs.lint.prices import price_faults, price_warnings
from catalogs.lint.relations import relation_faults, relation_warnings
from catalogs.lint.sale import sale_warnings
from catalogs.lint.steps import step_faults
from catalogs.lint.trial import trial_faults
from catalogs.lint.unknown_keys import unread_keys
from catalogs.lint.warnings import find_warnings
from catalogs.model.entries import Entries, Section
from catalogs.model.faults import Fault

_CHECKS: tuple[Callable[[Entries], Iterator[Fault]], ...] = (
    characteristic_faults,
    offering_faults,
    relation_faults,
    bundle_faults,
    category_faults,
    price_faults,
    counted_faults,
    price_use_faults,
    fulfilment_faults,
    step_faults,
    circle_faults,
    expression_faults,
    literal_faults,
    late_faults,
)

_ODDITIES: tuple[Callable[[Entries], Iterator[Fault]], ...] = (
    unread_keys,
    find_warnings,
    category_warnings,
    policy_warnings,
    characteristic_warnings,
    offering_warnings,
    relation_warnings,
    condition_warnings,
    price_warnings,
)


def check(entries: Entries) -> list[Fault]:
    """Return every fault that shows only between entries.

    Expressions are tried on sample values only where all else is right, since their faults would follow from others.
    """
    faults = [fault for section in vars(entries).values() for fault in _section_faults(section)]
    faults += [fault for rule in _CHECKS for fault in rule(entries)]
    broken = any(section.broken for section in vars(entries).values())
    return faults or ([] if broken else list(trial_faults(entries)))


def warnings(entries: Entries, on: datetime) -> list[Fault]:
    """Return what is odd but no fault at a moment: what nothing uses, finds or reads, and what hardly is as meant."""
    return [*(warning for rule in _ODDITIES for warning in rule(entries)), *sale_warnings(entries, on)]


def _section_faults(section: Section[Any]) -> Iterator[Fault]:
    seen: dict[tuple[str, str], Fault] = {}
    for sourced in section:
        entry = sourced.entry
        fault = sourced.fault(["id"], f"{section.name} {entry.id!r} version {entry.version} is defined twice")
        if first := seen.get((entry.id, entry.version)):
            where = f"{first.file}:{first.line}"
            yield Fault(fault.file, fault.line, fault.path, f"{fault.message}; the first is in {where}")
        seen.setdefault((entry.id, entry.version), fault)
        period = entry.valid_for
        ended = period and period.start_date_time and period.ended_by(period.start_date_time)
        if ended:
            yield sourced.fault(["validFor"], "ends before it begins")
