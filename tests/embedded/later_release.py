"""A later release, made from this one: new fields, a new step behind a patch, a new column, and another price."""

from __future__ import annotations

import shutil
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from store.sql import migration

ROOT = Path(__file__).parents[2]
PATCH = "a-step-of-a-later-release"
_PACKAGES = (
    *("activities", "api", "application", "catalogs", "console", "embedded", "orders", "store", "systems", "tmf"),
    "workflows",
)
_NEW_FIELD = '    of_a_later_release: dict[str, int] = {"always": 1}\n'

_CHANGES = {
    "workflows/contracts/payloads.py": [
        ("class ServiceOrderInput(Model):\n", _NEW_FIELD),
        ("class ResourceOrderInput(Model):\n", _NEW_FIELD),
        ("class ChildReport(Model):\n", _NEW_FIELD),
        ("class Command(Model):\n", _NEW_FIELD),
    ],
    "workflows/contracts/carried.py": [("class RootOrderInput(Model):\n", _NEW_FIELD)],
    "orders/plan/plan_graph.py": [("class PlanNode(Model):\n", _NEW_FIELD)],
    "orders/plan/outcome.py": [("class ServiceOrderOutcome(Model):\n", _NEW_FIELD)],
    "activities/records.py": [
        (
            "class RecordActivities:\n",
            "    @activity.defn\n"
            "    async def note_later(self, order_id: str) -> None:\n"
            "        from sqlalchemy import text\n"
            "        statement = text('UPDATE orders SET later = :later WHERE id = :id')\n"
            "        values = {'later': 'seen', 'id': order_id}\n"
            "        await self._orders._database.write(lambda connection: connection.execute(statement, values))\n\n",
        )
    ],
    "workflows/product_order.py": [
        (
            "            await self.parts.fulfilment.run(self)\n",
            f"            if workflow.patched('{PATCH}'):\n"
            "                from activities.records import RecordActivities\n"
            "                calls = self.parts.context.calls\n"
            "                await calls.local(RecordActivities.note_later, self.parts.context.order_id, 'note it')\n",
        )
    ],
}
"""File → lines, and what stands behind them in the later release."""

PRICE, LATER_PRICE = "34.99", "134.99"
"""What a line of 250 Mbit/s costs a month."""
_PRICES = "catalogs/shipped/fibre/prices.yaml"

_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{head}"


def upgrade():
    op.add_column("orders", sa.Column("later", sa.String()))
"""


def made(folder: Path) -> Path:
    """Make the later release in a folder, and return the root of its code."""
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in ROOT.glob("*.py"):
        shutil.copy(module, folder)
    for name, changes in _CHANGES.items():
        path = folder / name
        text = path.read_text()
        for before, behind in changes:
            assert text.count(before) == 1, f"{name}: {before!r} is not there once"
            text = text.replace(before, before + behind)
        path.write_text(text)
    prices = folder / _PRICES
    assert prices.read_text().count(f"value: {PRICE}") == 1
    prices.write_text(prices.read_text().replace(PRICE, LATER_PRICE))
    config = Config()
    config.set_main_option("script_location", str(migration._SCRIPTS))
    head = ScriptDirectory.from_config(config).get_current_head()
    (folder / "store/migrations/versions/later.py").write_text(_MIGRATION.format(head=head))
    return folder
