"""Whether the server in this container answers: `python healthcheck.py URL` exits 0 when it does, else 1."""

import sys
import urllib.error
import urllib.request

_SECONDS = 4


def main() -> int:
    """Ask once. A proxy that the environment names is not for addresses of this container."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(sys.argv[1], timeout=_SECONDS):
            return 0
    except (urllib.error.URLError, OSError) as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
