"""``python -m systems.inventory``."""

from systems.common.system import serve
from systems.inventory.app import create_app

if __name__ == "__main__":
    serve("inventory", 9101, lambda url, latency_ms: create_app(url, latency_ms=latency_ms))
