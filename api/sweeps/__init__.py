"""Sweeps: what the gateway passes on to Temporal, and looks for again until it is done."""
