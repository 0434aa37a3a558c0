"""``python -m systems.activation``."""

from systems.activation.app import create_app
from systems.common.system import serve

if __name__ == "__main__":
    serve("activation", 9102, create_app)
