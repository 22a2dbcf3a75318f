"""What this process's tests call their own, so that other workers (pytest-xdist's) and other runs never meet them."""

import os
from urllib.parse import urlsplit

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # "gw0", "gw1", …; empty where there is one process
# Of the PostgreSQL database, and before each key in Redis.
NAME = "_".join(filter(None, (os.environ.get("VELOFLUX_TEST_DB", "test_veloflux"), WORKER)))


def redis_url(given: str) -> str:
    """The given server, with a database number of the worker's own; a Redis has sixteen. Channels, which numbers do not
    hold apart, are named by tenants, whose ids are random."""
    return urlsplit(given)._replace(path=f"/{int(WORKER[2:]) + 1}").geturl() if WORKER else given
