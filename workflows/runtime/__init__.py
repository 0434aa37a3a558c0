"""What every part of a workflow stands on: calls, waiting, its state as it is seen from outside."""
