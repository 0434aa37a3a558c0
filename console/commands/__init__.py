"""The commands of `ordersaga` that talk to a gateway or read catalogs: a file for each noun."""
