"""A worker that dies at a chosen boundary of an activity, and what must hold wherever that is."""
