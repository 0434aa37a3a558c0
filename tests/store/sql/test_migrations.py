"""Migrations lock no table for long, and take nothing away that processes of the release before need."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text

from orders.lifecycle.states import OrderKind
from store.errors import SchemaTooNewError
from store.orders import OrderStore
from store.sql import migration
from store.sql.database import open_database
from store.sql.migration import migrate
from tests.stage import eventually
from tests.store.samples import accepted
from tests.store.sql.migration_rules import created, faults
from tests.store.sql.test_database import downgrade
from tests.store.transactions import writing

pytestmark = pytest.mark.anyio

FIRST = "0017"
"""From this revision on older releases may run beside: those before it were of none that went out."""


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Give a list of what is executed meanwhile, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def by_revision(found: list[tuple[str, Any]]) -> dict[str, list[str]]:
    """Return the statements of each migration."""
    done: dict[str, list[str]] = {}
    current: list[str] = []
    for statement, _ in found:
        if applied := re.search(r"alembic_version (?:SET version_num=|\(version_num\) VALUES \()'(\w+)'", statement):
            done[applied[1]] = current
            current = []
        else:
            current.append(statement)
    return done


async def tries(found: list[tuple[str, Any]], statement: str) -> bool:
    """Return whether a statement was tried more than once."""
    return sum(statement in each for each, _ in found) > 1


def in_order() -> list[tuple[str, Any]]:
    """Return revision and module of each migration, the first one first."""
    config = Config()
    config.set_main_option("script_location", str(migration._SCRIPTS))
    chain = list(ScriptDirectory.from_config(config).walk_revisions())
    return [(each.revision, each.module) for each in reversed(chain)]


async def test_no_migration_locks_a_table_for_long_or_takes_away_what_older_releases_need(
    backend: str, empty_url: str
) -> None:
    if backend == "sqlite":
        pytest.skip("on SQLite one process writes at a time, whatever it does")
    with statements() as found:
        await migrate(empty_url)
    done, tables, since_first = by_revision(found), set[str](), False
    assert list(done) == [revision for revision, _ in in_order()]
    for revision, module in in_order():
        since_first = since_first or revision == FIRST
        free = not since_first or getattr(module, "contracts", False)
        assert list(faults(done[revision], tables, contracts=free)) == [], revision
        tables |= created(done[revision])
    assert {"orders", "plans", "events"} < tables


@pytest.mark.parametrize(
    ("statement", "contracts"),
    [
        ("CREATE INDEX ix_orders_x ON orders (x)", True),
        ("CREATE UNIQUE INDEX ix_orders_x ON orders USING btree (x)", True),
        ("ALTER TABLE orders ALTER COLUMN version TYPE BIGINT", True),
        ("ALTER TABLE orders ALTER COLUMN x SET NOT NULL", True),
        ("ALTER TABLE orders ADD CONSTRAINT c CHECK (x > 0)", True),
        ("ALTER TABLE orders ADD COLUMN x TEXT DEFAULT gen_random_uuid()", True),
        ("ALTER TABLE orders ADD COLUMN x TEXT NOT NULL", False),
        ("ALTER TABLE orders DROP COLUMN x", False),
        ("ALTER TABLE orders RENAME COLUMN x TO y", False),
        ("\nDROP TABLE orders", False),
        ("UPDATE orders SET x = 1", False),
        ("INSERT INTO counts SELECT kind, count(*) FROM orders GROUP BY 1", False),
    ],
)
def test_the_rules_know_what_locks_and_what_takes_away(statement: str, contracts: bool) -> None:
    assert list(faults([statement], {"orders"}, contracts=False))
    assert bool(list(faults([statement], {"orders"}, contracts=True))) == contracts
    assert not list(faults([statement], {"order"}, contracts=False))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY ix_orders_x ON orders (x)",
        "ALTER TABLE orders ADD COLUMN x TEXT",
        "ALTER TABLE orders ADD COLUMN x INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
        "CREATE TABLE more (id TEXT)",
    ],
)
def test_the_rules_let_a_table_grow(statement: str) -> None:
    assert not list(faults([statement], {"orders"}, contracts=False))


async def test_others_use_a_table_while_a_migration_waits_for_it(
    backend: str, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "sqlite":
        pytest.skip("on SQLite one process writes at a time")
    monkeypatch.setattr(migration, "_LOCK", 0.1)
    await migrate(empty_url)
    database = open_database(empty_url)
    await database.write(partial(downgrade, revision="0008"))
    async with writing(database, lambda connection: connection.execute(text("UPDATE orders SET state = 'held'"))):
        with statements() as found:
            migrating = asyncio.create_task(migrate(empty_url))
            await eventually(partial(tries, found, "ALTER TABLE orders ADD COLUMN size"))
            await database.read(lambda connection: connection.execute(text("SELECT count(*) FROM orders")))
        assert not migrating.done()
    await migrating
    await OrderStore(database).accept(accepted("o1"))
    await database.close()


async def test_a_process_that_is_older_than_the_tables_goes_on_with_them(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    for later in ("ALTER TABLE orders ADD COLUMN later TEXT", "UPDATE alembic_version SET version_num = 'later'"):
        await database.write(partial(Connection.execute, statement=text(later)))
    await migrate(empty_url)
    store = OrderStore(database)
    await store.accept(accepted("o1"))
    assert await store.get(OrderKind.PRODUCT, "o1") is not None
    await database.close()


async def test_a_process_is_refused_by_tables_that_lack_what_it_needs(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(migration._SCRIPTS, scripts)
    (scripts / "versions" / "later.py").write_text(
        f"from alembic import op\nrevision = 'later'\ndown_revision = '{in_order()[-1][0]}'\ncontracts = True\n"
        "def upgrade():\n    op.drop_table('setbacks')\n"
    )
    own = migration._SCRIPTS
    await migrate(empty_url)
    monkeypatch.setattr(migration, "_SCRIPTS", scripts)
    await migrate(empty_url)
    await migrate(empty_url)
    monkeypatch.setattr(migration, "_SCRIPTS", own)
    with pytest.raises(SchemaTooNewError, match="from revision later on"):
        await migrate(empty_url)
