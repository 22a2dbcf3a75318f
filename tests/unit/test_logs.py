"""What the log must not hold."""

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
