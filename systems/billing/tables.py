"""Which products are being charged; the charges themselves are documents."""

from sqlalchemy import Column, MetaData, String, Table

metadata = MetaData()

# One active charge for each product: the primary key sees to it.
active_charge = Table(
    "active_charge",
    metadata,
    Column("product", String(200), primary_key=True),
    Column("charge", String(200), nullable=False),
)
