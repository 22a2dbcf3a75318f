"""What the log must not hold."""

import subprocess
import sys

import pytest

from veloflux_site.logs import without_secrets


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("GET /auth/oidc/callback?code=abc&state=def&iss=x", "GET /auth/oidc/callback?code=…&state=…&iss=x"),
        ('1.2.3.4 - "GET /ws/console?ticket=abc HTTP/1.1" 101', '1.2.3.4 - "GET /ws/console?ticket=… HTTP/1.1" 101'),
        ("POST /reset/abc-def?x=1", "POST /reset/…?x=1"),
        ("GET /login?next=/invite/abc-def&x=1", "GET /login?next=/invite/…&x=1"),
        ("GET /sso?next=%2Finvite%2Fabc-def%3Fx", "GET /sso?next=%2Finvite%2F…%3Fx"),
        ("GET /sso?next=%2freset%2fabc-def&company=x", "GET /sso?next=%2freset%2f…&company=x"),
        ("GET /t/ours/pools?page=2", "GET /t/ours/pools?page=2"),
    ],
)
def test_an_address_is_logged_without_what_opens_something(said: str, kept: str) -> None:
    assert without_secrets(None, "info", {"event": said, "request": said, "n": 1}) == {
        "event": kept,
        "request": kept,
        "n": 1,
    }


UVICORN = """
import logging
from uvicorn import Config
Config("x:y", log_level="info")  # as at its start: it sets its own handlers
from veloflux_site.logs import configure_logging
configure_logging(level="INFO")
logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "1.2.3.4:5", "/ws/console?ticket=abc")
logging.getLogger("uvicorn.access").info('%s - "%s"', "1.2.3.4:5", "GET /reset/abc")
"""


def test_the_servers_own_lines_are_written_by_the_same_rule() -> None:
    done = subprocess.run([sys.executable, "-c", UVICORN], capture_output=True, text=True, check=True)
    lines = (done.stdout + done.stderr).splitlines()
    assert len(lines) == 2, lines
    assert "ticket=" in lines[0]
    assert "abc" not in done.stdout + done.stderr
