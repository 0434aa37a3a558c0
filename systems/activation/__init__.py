"""Reference activation: services (TMF640) and resources (TMF702) set up in the network, and service tests (TMF653)."""
