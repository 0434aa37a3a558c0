"""Tasks for people: fallout and manual work."""
