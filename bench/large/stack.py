"""Stacks for large orders: whole ones, with more in stock than any of them takes."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML

from bench.stack.stacks import Stack, run
from embedded.layout import Layout, database, isolated_layout
from systems.inventory.app import STOCK
from systems.inventory.app import create_app as create_inventory

_MEMBERS = 16_000
"""Of each pool, and of all of its places together."""
_NETWORKS = {"ipv4-address": "198.18.0.0/15", "wan-prefix": "10.0.0.0/12", "lan-prefix": "10.64.0.0/10"}
"""Larger networks than those in stock, for as many members."""


@asynccontextmanager
async def large_stack(settings: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[Stack]:
    """Run a stack, with these settings of worker and gateway by the names of their variables.

    Raises:
        StackError: when it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="ordersaga-bench-", ignore_cleanup_errors=True) as folder:
        layout = isolated_layout(Path(folder), {})
        await _fill_inventory(layout)
        async with run(replace(layout, settings={**layout.settings, **settings})) as stack:
            yield stack


async def _fill_inventory(layout: Layout) -> None:
    stock = layout.state_dir / "stock.yaml"
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(_enlarged(yaml.load(STOCK)), stock)
    app = create_inventory(database(layout, "inventory"), stock=stock)
    async with app.router.lifespan_context(app):
        pass


def _enlarged(stock: dict[str, Any]) -> dict[str, Any]:
    for pool in stock["pools"]:
        members = pool["members"] = {**pool["members"], "count": _MEMBERS // len(pool.get("places") or [""])}
        if network := _NETWORKS.get(pool["specification"]):
            members["within"] = network
    return stock
