"""Reference downstream systems: inventory, activation and billing over HTTP, each with its own database."""
