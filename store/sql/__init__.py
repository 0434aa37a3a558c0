"""The database of the order store: connections, tables, transactions."""
