"""Reconciliation: orders, workflows, inventories, network and billing are compared, in both directions."""
