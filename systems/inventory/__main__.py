"""``python -m systems.inventory``."""

from systems.common.system import serve
from systems.inventory.app import create_app

if __name__ == "__main__":
    serve("inventory", 9101, create_app)
