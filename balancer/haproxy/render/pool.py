"""One pool as HAProxy's `backend` section."""

from functools import lru_cache

from balancer.haproxy.desired import CheckType, HealthCheck, Pool
from balancer.haproxy.listeners import Mode
from balancer.haproxy.server_line import check_keywords, server_lines
from balancer.haproxy.serving import PLAIN, Serving
from balancer.haproxy.text import expected_status, http_method, log_format, name, quoted

from .node import DEFAULTS, TCP_DEFAULTS
from .serving import balance, render_serving

# HTTP/1.1 wants a Host, and a server may answer to nothing else: whoever cares names it in the check.
NO_HOST = "localhost"


@lru_cache(maxsize=32_768)
def proxy_name(tenant_key: str, pool_key: str) -> str:
    """The name of a pool in HAProxy."""
    return name(f"{tenant_key}_{pool_key}")


def render_pool(tenant_key: str, pool: Pool) -> str:
    """One section, ending in an empty line. Raises `Unprintable`."""
    timeouts, check, serving = pool.timeouts, pool.health_check, pool.serving
    asked, usual = _rendered_check(check, serving)
    served = render_serving(serving) if serving != PLAIN else ""
    # How long a connection may be silent is the listener's to say.
    tcp = pool.mode is Mode.TCP
    answer = "" if tcp else f"    timeout server {timeouts.server_ms:d}ms\n"
    return (
        f"backend {proxy_name(tenant_key, pool.key)} from {TCP_DEFAULTS if tcp else DEFAULTS}\n"
        f"{balance(pool.algorithm, serving)}"
        f"    retries {pool.retries:d}\n    timeout connect {timeouts.connect_ms:d}ms\n"
        f"{answer}    timeout queue {timeouts.queue_ms:d}ms\n"
        f"{served}{asked}{server_lines(pool.servers, check, usual, serving)}\n"
    )


@lru_cache(maxsize=1024)
def _rendered_check(check: HealthCheck, serving: Serving) -> tuple[str, str]:
    """The section's lines about it, and its servers' keywords. Cached: most pools of a fleet ask alike."""
    return render_check(check), check_keywords(check, None, serving)


def render_check(check: HealthCheck) -> str:
    """The lines that say how servers are asked."""
    if check.type is CheckType.NONE:
        return ""
    timeout = f"    timeout check {check.timeout_ms:d}ms\n"
    if check.type is not CheckType.HTTP:
        return timeout
    headers = "".join(f" hdr {name(key)} {log_format(value)}" for key, value in check.headers)
    body = f"    http-check expect string {quoted(check.expected_body)}\n" if check.expected_body else ""
    return (
        f"{timeout}    option httpchk\n"
        f"    http-check send meth {http_method(check.method)} uri {quoted(check.path)} ver HTTP/1.1"
        f" hdr Host {log_format(check.host or NO_HOST)}{headers}\n"
        f"    http-check expect status {expected_status(check.expected_status)}\n{body}"
    )
