"""What gateway and workers share: the downstream systems over HTTP, planning, qualification, delivery to listeners."""
