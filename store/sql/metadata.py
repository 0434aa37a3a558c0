"""What all tables of the order store are made with.

Times are text in UTC as `tmf.instants.timestamp` writes them, so that they sort and
compare as the same string everywhere.
"""

from __future__ import annotations

from sqlalchemy import JSON, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB

Text = String().with_variant(String(collation="C"), "postgresql")
"""Text that sorts by code point on both databases."""

Json = JSON().with_variant(JSONB(), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
