"""What the three reference systems share: database, idempotent effects, faults on demand, documents, list queries."""
