"""Who runs the same orders: the product, hand-written workflows, and a library without a server."""
