"""Workers that end when they are to end.

A worker whose consumer failed, or that was told to stop, waits for its threads and its broker. Either may never answer
(celery 5.7.0 says so of itself in `WorkController._shutdown`), and a process that hangs is one that nobody restarts.
Messages are acknowledged after their work, so one that is cut off is done again.
"""

import os
import threading
from functools import cached_property
from typing import Any

import structlog
from celery import Celery
from celery.apps.worker import Worker

log = structlog.get_logger(__name__)

ENDS_WITHIN_S = 20.0
EX_TEMPFAIL = 75  # sysexits(3): whoever started us may start us again


class PromptWorker(Worker):
    def stop(self, *args: Any, **kwargs: Any) -> None:
        watchdog = threading.Timer(ENDS_WITHIN_S, give_up)
        watchdog.daemon = True
        watchdog.start()
        super().stop(*args, **kwargs)


class PromptCelery(Celery):
    @cached_property
    def Worker(self) -> Any:  # noqa: N802 - the name that Celery looks for
        return self.subclass_with_self(PromptWorker)


def give_up() -> None:
    log.warning("ended_without_waiting_longer", seconds=ENDS_WITHIN_S)
    os._exit(EX_TEMPFAIL)
