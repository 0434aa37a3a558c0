"""The life cycles of products (TMF637) and services (TMF638): which state may follow which.

A record may begin in any state: an installed base that is brought in from elsewhere has them all.
"""

from collections.abc import Mapping

from systems.common.errors import Refusal

LifeCycle = Mapping[str, frozenset[str]]

# Beyond the standard's diagram: `active` at once and `terminated` at once, for those who do not show the step between;
# and `active` again after a termination that is called off or taken back.
PRODUCT: LifeCycle = {
    "created": frozenset({"pendingActive", "active", "aborted", "cancelled"}),
    "pendingActive": frozenset({"active", "aborted", "cancelled"}),
    "active": frozenset({"suspended", "pendingTerminate", "terminated"}),
    "suspended": frozenset({"active", "pendingTerminate", "terminated"}),
    "pendingTerminate": frozenset({"active", "suspended", "terminated"}),
    "terminated": frozenset({"active", "suspended"}),
    "aborted": frozenset(),
    "cancelled": frozenset(),
}

# Steps may be left out on the way to `active`, and a termination can be taken back.
SERVICE: LifeCycle = {
    "feasibilityChecked": frozenset({"designed", "reserved", "inactive", "active", "terminated"}),
    "designed": frozenset({"reserved", "inactive", "active", "terminated"}),
    "reserved": frozenset({"designed", "inactive", "active", "terminated"}),
    "inactive": frozenset({"active", "terminated"}),
    "active": frozenset({"inactive", "terminated"}),
    "terminated": frozenset({"inactive", "active"}),
}


def check_step(life_cycle: LifeCycle, attribute: str, before: str, after: str) -> None:
    """Raises Refusal 409 when ``after`` may not follow ``before``; staying is always allowed."""
    if after != before and after not in life_cycle.get(before, frozenset()):
        raise Refusal(409, "illegalTransition", f"{attribute} cannot go from {before} to {after}")
