"""Reference inventory: products, services, pooled resources and where services are available (TMF637/638/639/645)."""
