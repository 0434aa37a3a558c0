"""Events, the hubs where they are asked for, and the links that they carry."""
