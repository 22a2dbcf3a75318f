"""Structured logs: one JSON object a line, with the request id that follows a change from the door to the node."""

import logging
import logging.config
import re

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# What in an address lets somebody in: a code of a sign-in under way, a socket's ticket, what a mail's link carries.
SECRET_PARAMETER = re.compile(r"([?&](?:code|state|ticket|logout_token|id_token_hint)=)[^&\s\"]+")
# As a path, and as `?next=` carries one.
SECRET_PATH = re.compile(r"((?:/|%2F)(?:verify|reset|invite)(?:/|%2F))[^/?&%\s\"]+", re.IGNORECASE)


def without_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Addresses are logged; what opens something is not."""
    for name in ("request", "event"):
        text = event.get(name)
        if isinstance(text, str) and "/" in text:
            event[name] = SECRET_PATH.sub(r"\1…", SECRET_PARAMETER.sub(r"\1…", text))
    return event


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    without_secrets,
]


def configure_logging(*, level: str) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.JSONRenderer(),
                    ],
                    "foreign_pre_chain": SHARED,
                }
            },
            "handlers": {"stdout": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stdout"], "level": level},
            # Two lines for every task, a hundred thousand a day, that say nothing which our own do not.
            "loggers": {name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.worker.strategy", "httpx")}
            # uvicorn's own handlers would write each socket's address, ticket and all.
            | {name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error", "uvicorn.access")},
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
