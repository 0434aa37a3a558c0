"""What is measured: a whole stack of processes, and what looks at it."""
