"""The life cycle of an order: its states, what may be done in each, and how it is told."""
