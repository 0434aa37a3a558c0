"""What a catalog holds, and how it is read."""
