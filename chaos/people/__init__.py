"""Those who order, change their minds, and settle what falls out: all by the published API."""
