"""Decomposition: from an order to its plan, for product, service and resource orders."""
