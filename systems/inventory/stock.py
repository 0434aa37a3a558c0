"""The stock file: which pools there are, how their members are generated, and where which service is available."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML
from sqlalchemy import Connection, func, insert, select

from systems.inventory import tables

FREE: dict[str, Any] = {
    "resource_status": "available",
    "usage_state": "idle",
    "administrative_state": "unlocked",
    "operational_state": "disable",
    "reservation_id": None,
    "requested_by": None,
    "given": {},
}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Characteristic(_Entry):
    """A stocked characteristic: ``value`` is a template; with ``matching`` only members whose value it finds get it.

    The first entry of a name that fits wins.
    """

    name: str
    value: str
    matching: str | None = None


class Members(_Entry):
    """How a pool's members are made.

    Either ``template`` with ``n`` counting from ``first`` (also ``slot`` and ``port``, 16 ports a slot, and the place's
    own words), to which ``luhn`` appends the check digit; or the subnets of ``prefix_length`` within ``within``.
    """

    template: str = ""
    first: int = 1
    count: int = Field(ge=1)
    luhn: bool = False
    within: str | None = None
    prefix_length: int | None = None


class PoolStock(_Entry):
    """One pool, or one for each of ``places``: place id → words for its templates (``first`` may be one)."""

    specification: str
    name: str
    type: str = "LogicalResource"
    members: Members
    places: dict[str, dict[str, str | int]] = {}
    characteristics: list[Characteristic] = []


class Coverage(_Entry):
    """A service specification is available at the places of a pattern, up to the largest ``maximum`` values."""

    service: str
    places: list[str]
    maximum: dict[str, float] = {}


class Stock(_Entry):
    """The whole stock file."""

    pools: list[PoolStock]
    coverage: list[Coverage] = []


def load_stock(path: Path) -> Stock:
    """Read a stock file. Raises pydantic's ValidationError when it is faulty."""
    return Stock.model_validate(YAML(typ="safe", pure=True).load(path))


def stock_pools(connection: Connection, pools: Sequence[PoolStock]) -> None:
    """Fill the inventory if it has no pool yet."""
    if connection.scalar(select(func.count()).select_from(tables.pool)):
        return
    rows = [(_pool_row(pool, place), _members(pool, place)) for pool in pools for place in (pool.places or [None])]
    connection.execute(insert(tables.pool), [row for row, _ in rows])
    connection.execute(
        insert(tables.resource),
        [member_row(row["id"], number, *member) for row, members in rows for number, member in enumerate(members, 1)],
    )


def member_row(
    pool: str, number: int, value: str, characteristics: dict[str, str], resource_id: str | None = None
) -> dict[str, Any]:
    """The table row of a free pool member."""
    return {
        "id": resource_id or f"{pool}-{number}",
        "pool": pool,
        "value": value,
        "characteristics": [{"name": name, "value": text} for name, text in characteristics.items()],
        "traits": "".join(trait(name, text) for name, text in characteristics.items()),
        **FREE,
    }


def trait(name: str, value: str) -> str:
    """A characteristic as ``traits`` holds it, and as criteria look for it."""
    return f"|{name}={value}|"


def _pool_row(pool: PoolStock, place: str | None) -> dict[str, Any]:
    return {
        "id": f"{pool.specification}-{place.lower()}" if place else pool.specification,
        "name": f"{pool.name} {place}" if place else pool.name,
        "specification": pool.specification,
        "type": pool.type,
        "place": place,
    }


def _members(pool: PoolStock, place: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    words = {"place": place or "", **(pool.places[place] if place else {})}
    first = int(words.pop("first", pool.members.first))
    values = _prefixes(pool.members) if pool.members.within else _numbered(pool.members, first, words)
    for number, value in enumerate(values, first):
        yield value, _characteristics(pool.characteristics, value, number)


def _numbered(members: Members, first: int, words: dict[str, str | int]) -> Iterator[str]:
    for index in range(members.count):
        value = members.template.format(n=first + index, slot=index // 16 + 1, port=index % 16 + 1, **words)
        yield value + luhn_digit(value) if members.luhn else value


def _prefixes(members: Members) -> Iterator[str]:
    subnets = ipaddress.ip_network(members.within or "").subnets(new_prefix=members.prefix_length)
    return (str(subnet) for subnet in islice(subnets, members.count))


def _characteristics(stocked: Sequence[Characteristic], value: str, number: int) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for entry in stocked:
        if entry.name not in chosen and (entry.matching is None or re.search(entry.matching, value)):
            chosen[entry.name] = entry.value.format(n=number)
    return chosen


def luhn_digit(digits: str) -> str:
    """The check digit of ISO/IEC 7812-1 that closes ``digits``, as on every SIM card."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::-2])
    plain = sum(int(digit) for digit in digits[-2::-2])
    return str(-(doubled + plain) % 10)
