"""The hubs, and the events of an order as a stream."""
