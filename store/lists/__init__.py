"""Lists in SQL: what a query finds, page by page, and how many there are."""
