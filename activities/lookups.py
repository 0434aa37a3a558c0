"""What a system has of an order's, looked up by a filter: read back from each document, since not every system filters.

A system that does not know a filter ignores it, as TMF630 lets it, and answers with everything that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from temporalio import activity

from application.filters import CANNOT_BE_ASKED
from application.http import DownstreamError, DownstreamSystem, Identified

D = TypeVar("D", bound=Identified)

AGAIN: Final = "/again"
"""Ends the key of an undo that is done once more, since what it undoes may have come late."""
MOST_READ: Final = 1000
"""Documents. What carries a key is one; who answers with more than this has ignored the filter."""


class NotTheOrdersError(DownstreamError):
    """What a system answers with cannot be told apart from what belongs to others: nothing of it was touched."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(system, message, retryable=False)


async def carrying(
    system: DownstreamSystem, path: str, wanted: Mapping[str, str], shape: type[D], carries: Callable[[D], bool]
) -> list[D] | None:
    """Return the documents of a list that carry what is `wanted`; None where the system cannot be asked for them.

    Raises:
        NotTheOrdersError: when it answers with so much that it has ignored the filter.
    """
    read = 0
    found: dict[str, D] = {}
    while True:
        page = {**wanted, "offset": str(read)} if read else wanted
        answer = await system.call("GET", path, params=page, accept=CANNOT_BE_ASKED)
        if answer.status in CANNOT_BE_ASKED:
            return None
        documents: list[D] = answer.read_as(list[shape])  # type: ignore[valid-type]
        read += len(documents)
        found |= {each.id: each for each in documents if carries(each)}
        if answer.status != 206 or not documents:
            return list(found.values())
        if read >= MOST_READ:
            raise NotTheOrdersError(
                system.name, f"{system.name} ignores the filter {_words(wanted)} of {path}: it gave {read} documents"
            )


async def only_one(
    system: DownstreamSystem, path: str, wanted: Mapping[str, str], shape: type[D], carries: Callable[[D], bool]
) -> D | None:
    """Return the one document that carries what is `wanted`, or None where there is none.

    Raises:
        NotTheOrdersError: when several do, the system cannot be asked, or has ignored the filter: that is for people.
    """
    found = await carrying(system, path, wanted, shape, carries)
    if found is None:
        raise NotTheOrdersError(system.name, f"{system.name} cannot be asked by {_words(wanted)} what is at {path}")
    if len(found) > 1:
        ids = ", ".join(each.id for each in found[:10])
        raise NotTheOrdersError(
            system.name, f"{len(found)} carry {_words(wanted)} at {path}, where one was expected: {ids}"
        )
    return found[0] if found else None


async def made_before(
    system: DownstreamSystem, path: str, wanted: Mapping[str, str], shape: type[D], carries: Callable[[D], bool]
) -> D | None:
    """Return what an earlier try of a call has made, or None where nothing is known of it.

    Asked before a call is repeated, since a system keeps no key for ever.

    Raises:
        NotTheOrdersError: when there are several already.
    """
    try:
        found = await carrying(system, path, wanted, shape, carries)
    except NotTheOrdersError:
        return None
    if found is None:
        return None
    if len(found) > 1:
        ids = ", ".join(each.id for each in found[:10])
        raise NotTheOrdersError(system.name, f"there are {len(found)} with {_words(wanted)} already: {ids}")
    return found[0] if found else None


def is_repeat(asked_before: bool) -> bool:
    """Return whether a call may have had its effect: its workflow has `asked_before`, or this activity has."""
    return asked_before or (activity.in_activity() and activity.info().attempt > 1)


def _words(wanted: Mapping[str, str]) -> str:
    return " and ".join(f"{name}={value}" for name, value in wanted.items())
