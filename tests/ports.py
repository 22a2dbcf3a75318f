"""Ports for servers under test.

Not the kernel's own choice: between the asking and the server's start any outgoing connection, of which the tests make
thousands, may be given the same. These lie below what Linux gives out (from 32768), and each worker has its own.
"""

import contextlib
import itertools
import random
import socket

from tests import apart

FIRST, SHARE, SHARES = 20_000, 750, 17  # of one process, and of sixteen workers
_first = FIRST + SHARE * ((int(apart.WORKER[2:]) + 1) % SHARES if apart.WORKER else 0)
# Runs beside each other begin anywhere in it. (A generator of its own: pytest-randomly sets the shared one.)
_start = random.SystemRandom().randrange(SHARE)
_ports = itertools.cycle([_first + (_start + step) % SHARE for step in range(SHARE)])


def free_port() -> int:
    """Nobody listens on it, and nobody else here will be given it soon."""
    for port in itertools.islice(_ports, SHARE):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no free port from {_first} on")
