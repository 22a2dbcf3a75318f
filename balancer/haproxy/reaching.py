"""How the servers of a pool are reached and watched: TLS, HTTP/2, PROXY protocol, slow start, passive observation."""

from .desired import CheckType, HealthCheck
from .serving import ProxyProtocol, Serving, Tls
from .text import Unprintable, host

SYSTEM_STORE = "@system-ca"
# Beside the trees: a relative name is the same for the file and for `add server`, whatever tree runs.
FILES = "../../certs/"
SEND_PROXY = {ProxyProtocol.V1: "send-proxy", ProxyProtocol.V2: "send-proxy-v2"}
# The name that the client asked for, as the server gets it: without a port, in lower case.
ASKED_HOST = "req.hdr(host),field(1,:),lower"
ALPN = "h2,http/1.1"


def reaching_keywords(check: HealthCheck, check_port: int | None, serving: Serving) -> str:
    """Each after a space. Raises `Unprintable`.

    A check on a port of its own would go without TLS and PROXY header unless told (configuration.txt 5.2, `check-ssl`,
    `check-send-proxy`).
    """
    checked = check.type is not CheckType.NONE
    words = _tls(serving.tls, serving.h2, checked) if serving.tls is not None else []
    if serving.tls is None and check.type is CheckType.TLS:
        words += ["check-ssl", "verify", "none"]
    if serving.tls is None and serving.h2:
        words += ["proto", "h2"]
    if serving.proxy_protocol is not ProxyProtocol.NONE:
        words.append(SEND_PROXY[serving.proxy_protocol])
        words += ["check-send-proxy"] if checked else []
    if serving.slow_start_ms:
        words += ["slowstart", f"{serving.slow_start_ms:d}ms"]
    if serving.error_limit and checked:
        words += ["observe", "layer7", "error-limit", f"{serving.error_limit:d}", "on-error", "mark-down"]
    return "".join(f" {word}" for word in words)


def _tls(tls: Tls, h2: bool, checked: bool) -> list[str]:
    """By the name that is asked for HAProxy also verifies whose certificate it is; a check can only ask for a fixed
    one, and looks at the chain alone where there is none."""
    words = ["ssl"]
    words += ["verify", "required", "ca-file", _file(tls.ca) if tls.ca else SYSTEM_STORE] if tls.verify else [
        "verify", "none"
    ]  # fmt: skip
    if tls.certificate:
        words += ["crt", f"{_name(tls.certificate)}.pem"]
    words += ["sni", f"str({host(tls.sni)})" if tls.sni else ASKED_HOST]
    words += ["alpn", ALPN] if h2 else []
    if checked:
        words += [
            "check-ssl",
            *(["check-sni", host(tls.sni)] if tls.sni else []),
            *(["check-alpn", ALPN] if h2 else []),
        ]
    return words


def _file(name: str) -> str:
    return f"{FILES}{_name(name)}.pem"


def _name(value: str) -> str:
    if len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise Unprintable("not the name of a file")
    return value
