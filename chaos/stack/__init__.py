"""The stack as real processes, with a proxy on each way between two of them."""
