"""Changes of a plan while it runs: amendments, redos and compensation."""
