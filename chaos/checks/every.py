"""All checks of a run, by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chaos.checks import events, orders, systems
from chaos.facts import Facts

Check = Callable[[Facts], Iterable[str]]

CHECKS: tuple[Check, ...] = (
    orders.every_order_ends_or_waits_for_a_person,
    orders.every_transition_is_legal,
    orders.documents_equal_outcomes,
    orders.nothing_runs_on_in_silence,
    events.the_outbox_has_no_gap,
    events.every_event_arrives,
    events.events_arrive_in_order,
    systems.each_effect_is_done_once,
    systems.what_was_ordered_is_there,
    systems.changes_are_made,
    systems.nothing_else_is_there,
    systems.services_are_exact,
    systems.resources_are_exact,
    systems.the_network_is_exact,
    systems.billing_is_exact,
    systems.others_are_left_alone,
)


def violations(facts: Facts, checks: Iterable[Check] = CHECKS) -> dict[str, list[str]]:
    """Return what is wrong, by the check that says so; empty where all holds."""
    found = {check.__name__: list(check(facts)) for check in checks}
    return {name: sentences for name, sentences in found.items() if sentences}
