"""Lines that need nothing here: why, by their first words."""

from . import said

LOG_OPTIONS = {
    "httplog", "tcplog", "dontlognull", "dontlog-normal", "log-health-checks", "log-separate-errors", "logasap",
    "httpslog", "socket-stats", "contstats", "log-errors",
}  # fmt: skip
OUR_OPTIONS = {
    "forwardfor", "http-server-close", "httpclose", "forceclose", "http-keep-alive", "http-no-delay", "redispatch",
    "prefer-last-server", "splice-auto", "splice-request", "splice-response", "tcp-smart-accept", "tcp-smart-connect",
    "clitcpka", "srvtcpka", "tcpka", "abortonclose", "nolinger", "idle-close-on-response",
    "accept-invalid-http-request", "accept-invalid-http-response", "http-use-htx", "http-buffer-request",
    "h1-case-adjust-bogus-client", "h1-case-adjust-bogus-server", "http-pretend-keepalive", "http-ignore-probes",
    "http-tunnel", "checkcache",
    "disable-h2-upgrade", "persist", "independent-streams", "allbackups", "http-restrict-req-hdr-names",
}  # fmt: skip
OUR_TIMEOUTS = {
    "client", "http-request", "http-keep-alive", "client-fin", "server-fin", "tunnel", "tarpit", "client-hs", "connect",
    "server", "queue", "check",
}  # fmt: skip
WORDS = {
    **dict.fromkeys(
        ("log", "log-format", "log-format-sd", "error-log-format", "log-tag", "log-steps", "capture", "declare",
         "unique-id-format", "unique-id-header", "email-alert"), said.LOGS,
    ),
    **dict.fromkeys(("errorfile", "errorfiles", "errorloc", "errorloc302", "errorloc303", "http-error"), said.PAGES),
    **dict.fromkeys(
        ("maxconn", "fullconn", "backlog", "bind-process", "http-reuse", "hash-type", "hash-balance-factor",
         "description", "id", "guid", "load-server-state-from-file", "grace", "rate-limit", "clitcpka-cnt",
         "clitcpka-idle", "clitcpka-intvl", "srvtcpka-cnt", "srvtcpka-idle", "srvtcpka-intvl", "max-keep-alive-queue",
         "max-session-srv-conns", "server-state-file-name", "retry-on", "retries", "balance", "default-server",
         "cookie",
         "force-persist", "ignore-persist", "clitimeout", "srvtimeout", "contimeout", "enabled", "external-check"),
        said.OURS,
    ),
    "stats": said.STATS,
    "compression": said.OURS,
}  # fmt: skip


def why(words: tuple[str, ...]) -> str | None:
    """None: it is no such line."""
    rest = words[1:] if words[0] == "no" else words
    if len(rest) > 1 and rest[0] == "option":
        if rest[1] in LOG_OPTIONS:
            return said.LOGS
        return said.OURS if rest[1] in OUR_OPTIONS or words[0] == "no" else None
    if len(rest) > 1 and rest[0] == "timeout":
        return said.OURS if rest[1] in OUR_TIMEOUTS else None
    return WORDS.get(rest[0]) if rest else None
