"""What a reconciliation is made of: sections, each of which goes through something page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from application.http import DownstreamSystem
from orders.differences import Difference, DifferenceKind

T = TypeVar("T")

PAGE = 500
"""How many documents or orders are looked at together."""


@dataclass(frozen=True, slots=True)
class Page:
    """What was looked at together: how much, what does not agree, and where to go on; None at the end."""

    looked_at: int
    found: Sequence[Difference]
    then: str | None = None


Pages = Callable[[str], Awaitable[Page]]
"""Looks at a page from a cursor on, which is empty at the beginning."""


class Section(Protocol):
    """One comparison. All that a section asks of systems is in their TM Forum APIs."""

    @property
    def name(self) -> str:
        """Return what it compares."""

    @property
    def kinds(self) -> frozenset[DifferenceKind]:
        """Return what it finds, which no other section does."""

    async def page(self, cursor: str) -> Page:
        """Look at a page."""

    async def stands(self, difference: Difference) -> bool:
        """Look again at a difference; return whether it still is one."""

    async def mend(self, difference: Difference) -> bool:
        """Mend a difference, if that is safe; return whether it was."""


async def in_turn(ways: Sequence[Pages], cursor: str) -> Page:
    """Look at a page of one of several ways, one after the other; the cursor says which, and where in it."""
    number, _, rest = cursor.partition("|")
    index = int(number or 0)
    page = await ways[index](rest)
    if page.then is not None:
        return Page(page.looked_at, page.found, f"{index}|{page.then}")
    following = f"{index + 1}|" if index + 1 < len(ways) else None
    return Page(page.looked_at, page.found, following)


async def listed(
    system: DownstreamSystem, path: str, params: Mapping[str, str], cursor: str, shape: type[T]
) -> tuple[list[T], str | None]:
    """Return a page of a list of a system, and the cursor of the next one."""
    offset = int(cursor or 0)
    answer = await system.call("GET", path, params={**params, "offset": str(offset), "limit": str(PAGE)})
    found = answer.read_as(list[shape])  # type: ignore[valid-type]
    more = found and (answer.status == 206 or len(found) == PAGE)
    return found, str(offset + len(found)) if more else None
