"""``python -m systems.billing``."""

from systems.billing.app import create_app
from systems.common.system import serve

if __name__ == "__main__":
    serve("billing", 9103, create_app)
