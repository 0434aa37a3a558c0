"""What a migration may do to tables that others read and write meanwhile, and that a million orders are in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_NAME = r'"?(\w+)"?'
_CREATED = re.compile(rf"^CREATE TABLE (?:IF NOT EXISTS )?{_NAME}", re.I)
_TYPE = r"ALTER COLUMN \w+ (?:SET DATA )?TYPE"
_CONSTRAINT = r"ADD (?:CONSTRAINT|CHECK|FOREIGN|UNIQUE|PRIMARY)(?!.*NOT VALID)"
_LOCKING = {
    r"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON {name}": "an index of a table that has rows is made by "
    "store.migrations.online.create_index",
    r"^ALTER TABLE {name} " + _TYPE: "another type of a column writes each row anew: add a column",
    r"^ALTER TABLE {name} ALTER COLUMN \w+ SET NOT NULL": "NOT NULL reads each row while nobody else may: leave it out",
    r"^ALTER TABLE {name} " + _CONSTRAINT: "a constraint reads each row while nobody else may: add it NOT VALID",
    r"^ALTER TABLE {name} ADD COLUMN .*DEFAULT .*\(": "a default that is worked out writes each row anew",
    r"^(?:CLUSTER|VACUUM FULL|TRUNCATE|LOCK)\b.*{name}": "it locks the whole table",
}
"""Statement → why it is none for a table that has rows; `{name}` is the table."""
_CONTRACTING = {
    r"^DROP TABLE {name}": "a table that an older release knows stays",
    r"^ALTER TABLE {name} DROP": "a column that an older release knows stays",
    r"^ALTER TABLE {name} RENAME": "what an older release knows keeps its name",
    r"^ALTER TABLE {name} ADD COLUMN (?!.*DEFAULT).*NOT NULL": "older releases write rows without the new column",
    r"^(?:UPDATE|DELETE FROM) {name}\b": "rows are changed in parts, in the background, and not by a migration",
    r"^INSERT INTO \w+ SELECT .*FROM {name}\b": "rows are copied in parts, in the background, and not by a migration",
}
"""Statement → why a release does not do it that older ones run beside."""


def created(statements: Collection[str]) -> set[str]:
    """Return the tables that statements create."""
    return {found[1] for each in statements if (found := _CREATED.match(" ".join(each.split())))}


def faults(statements: Collection[str], tables: Collection[str], *, contracts: bool) -> Iterator[str]:
    """Yield what a migration may not do.

    Args:
        tables: those that were there before it.
        contracts: whether it may take away what older releases need.
    """
    rules = _LOCKING if contracts else _LOCKING | _CONTRACTING
    for statement in statements:
        plain = " ".join(statement.split())
        for name in tables:
            quoted = rf'"?{re.escape(name)}"?(?=\W|$)'
            for pattern, why in rules.items():
                if re.search(pattern.replace("{name}", quoted), plain, re.I | re.S):
                    yield f"{plain[:120]}: {why}"
