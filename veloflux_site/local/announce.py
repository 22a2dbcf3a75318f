"""What `up` prints when it is up: where things are, how to get in, what to try, how to stop."""

from collections.abc import Mapping

from veloflux_site.local.django import Seeded
from veloflux_site.local.health import DEMO_HOST


def text(settings: Mapping[str, str], seeded: Seeded, *, detached: bool) -> str:
    host = seeded.host or DEMO_HOST
    second = f"http://localhost:{settings['VELOFLUX_HTTP_PORT_2']}"
    tls = f"https://localhost:{settings['VELOFLUX_HTTPS_PORT']}"
    second_tls = f"https://localhost:{settings['VELOFLUX_HTTPS_PORT_2']}"
    rows = (
        ("Console", settings["VELOFLUX_BASE_URL"]),
        *_credential(seeded),
        ("API", f"{settings['VELOFLUX_BASE_URL']}/api/"),
        ("Traffic", f"{settings['VELOFLUX_TRAFFIC_URL']} (node n1), {second} (node n2)"),
        ("HTTPS", f"{tls} (node n1), {second_tls} (node n2), with a self-signed certificate"),
        ("Try", f"curl -H 'Host: {host}' {settings['VELOFLUX_TRAFFIC_URL']}/"),
        ("", f"curl -k -H 'Host: {host}' {tls}/"),
        ("Metrics", f"http://localhost:{settings['VELOFLUX_METRICS_PORT']}/metrics"),
        ("Logs", ".veloflux/log/"),
        ("Stop", "python3 manage.py stop" if detached else "Ctrl-C"),
    )
    return "\n" + "\n".join(f"  {name:<9} {value}" for name, value in rows) + "\n"


def _credential(seeded: Seeded) -> tuple[tuple[str, str], ...]:
    if seeded.created and seeded.password:
        shown = (
            ("Log in", f"{seeded.email}   password {seeded.password}"),
            ("", "This password is shown once and kept nowhere; change it after logging in."),
        )
        return shown + ((("API key", seeded.api_key),) if seeded.api_key else ())
    return (("Log in", f"{seeded.email}   (a new password: python3 manage.py changepassword {seeded.email})"),)
