import errno
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from veloflux_site.local import environment, ports
from veloflux_site.local.environment import CHOICES, PORTS
from veloflux_site.local.folder import Folder
from veloflux_site.local.ports import Need
from veloflux_site.local.say import CannotGoOnError

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
   1: 0100007F:2382 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4343 1 0 20 4 30 10 -1
   2: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4444 1 0 100 0 0 10 0
"""


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_explained_by_purpose_holder_and_setting(taken: int) -> None:
    with pytest.raises(CannotGoOnError) as refusal:
        ports.check([Need(taken, "the console and API", "VELOFLUX_CONSOLE_PORT")])
    words = str(refusal.value)
    assert f"Port {taken} (the console and API) is taken by" in words
    assert f"(pid {os.getpid()})" in words
    assert re.search(r"VELOFLUX_CONSOLE_PORT=\d+ python3 manage.py up", words)


def test_the_port_that_is_offered_instead_is_none_of_ours(taken: int) -> None:
    """By default 8444, after 8443, is the other node's."""
    with pytest.raises(CannotGoOnError) as refusal:
        ports.check([Need(taken, "n1", "VELOFLUX_HTTPS_PORT"), Need(taken + 1, "n2", "VELOFLUX_HTTPS_PORT_2")])
    offered = re.search(r"VELOFLUX_HTTPS_PORT=(\d+)", str(refusal.value))
    assert offered is not None
    assert int(offered[1]) > taken + 1


def test_every_taken_port_is_named_at_once(taken: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        second = other.getsockname()[1]
        with pytest.raises(CannotGoOnError, match=rf"(?s){taken}.*\n.*{second}"):
            ports.check([Need(taken, "a", "A"), Need(second, "b", "B")])


def test_a_free_port_is_no_problem() -> None:
    ports.check([Need(ports.unused(), "the console", "VELOFLUX_CONSOLE_PORT")])


def test_a_low_port_says_who_may_use_it() -> None:
    words = ports.explain(Need(80, "HTTP traffic", "VELOFLUX_HTTP_PORT"), errno.EACCES, "", instead=81)
    assert "root" in words
    assert "VELOFLUX_HTTP_PORT" in words


def test_a_port_without_a_setting_says_so() -> None:
    words = ports.explain(Need(9101, "an origin server of the demo", ""), errno.EADDRINUSE, "nginx (pid 7)", instead=1)
    assert "taken by nginx (pid 7)" in words
    assert "fixed" in words


def test_the_demos_origins_have_four_ports_from_their_setting_on() -> None:
    settings = environment.complete({}, {"VELOFLUX_ORIGINS_PORT": "9301"}, folder=Folder(Path("/srv/veloflux")))
    assert [need.port for need in ports.needs(settings) if "origin" in need.purpose] == [9301, 9302, 9303, 9304]
    assert not {"9301", "9304"} & set(settings["VELOFLUX_OWN_PORTS"].split(",")), "a demo backend may have them"


def test_only_listening_sockets_hold_a_port() -> None:
    assert list(ports.inodes_of(0x2382, TABLE)) == ["4242"]


def test_the_next_free_port_passes_over_taken_ones(taken: int) -> None:
    assert ports.free(taken, taken=frozenset({taken + 1})) > taken + 1


def test_every_port_of_ours_can_be_asked_for() -> None:
    settings = dict.fromkeys(PORTS, "20000") | CHOICES
    asked = {need.setting for need in ports.needs(settings) if need.setting}
    assert asked == set(PORTS) - {"VELOFLUX_POSTGRES_PORT", "VELOFLUX_REDIS_PORT"}
