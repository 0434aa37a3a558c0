"""Faults by force: a stack of processes under random faults, and what must hold afterwards."""
