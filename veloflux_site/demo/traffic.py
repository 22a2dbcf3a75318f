"""A trickle of requests to the demo's host through a node, so that there is something to see. It never gives up.

Run as `python -m veloflux_site.demo.traffic http://127.0.0.1:8000`.
"""

import http.client
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

HOST = "demo.localhost"
PER_SECOND = 5.0
REPORT = 10.0  # seconds between two lines of the log
PATHS = ("/", "/", "/", "/products", "/about")


def ask(address: str, port: int, path: str) -> str:
    """One request; returns its status code, or `refused` when no answer came."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": HOST, "User-Agent": "veloflux-demo"})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return "refused"
    else:
        return str(response.status)
    finally:
        connection.close()


def summary(counts: Counter[str]) -> str:
    return " ".join(f"{outcome}={count}" for outcome, count in sorted(counts.items())) or "nothing"


def main(url: str) -> None:
    target = urlsplit(url)
    counts: Counter[str] = Counter()
    sent = 0
    reported = time.monotonic()
    while True:
        began = time.monotonic()
        counts[ask(target.hostname or "127.0.0.1", target.port or 80, PATHS[sent % len(PATHS)])] += 1
        sent += 1
        if began - reported >= REPORT:
            print(f"{time.strftime('%H:%M:%S')} {summary(counts)}", flush=True)
            counts.clear()
            reported = began
        time.sleep(max(0.0, 1 / PER_SECOND - (time.monotonic() - began)))


if __name__ == "__main__":
    main(sys.argv[1])
