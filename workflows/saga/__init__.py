"""Sagas: what runs as a graph, and is undone as the same graph backwards."""
