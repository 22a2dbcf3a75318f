"""Stay with a supervisor until Ctrl-C, and stop all that it started, in order."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from veloflux_site.local import lock, supervisor
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError, complain, say

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPING = 90  # seconds; longer than the slowest program may take


def run(
    process: subprocess.Popen[bytes], folder: Folder, bring_up: Callable[[], object], *, detach: bool, saying: str
) -> int:
    """The exit status of a command that starts everything: it stays, unless detached, and leaves nothing half up."""
    stays = False
    try:
        bring_up()
        stays = detach
        return 0 if detach else stay(process, folder)
    except KeyboardInterrupt:
        return 0
    except CannotGoOnError as reason:
        complain(str(reason))
        return 1
    finally:
        if not stays:
            end(process, saying=saying)


def stay(process: subprocess.Popen[bytes], folder: Folder) -> int:
    status = process.wait()
    if status == 0:
        say("stopped from elsewhere; the data stays in .veloflux")
        return 0
    complain(f"The supervisor ended by itself (status {status}); everything that it had started ended with it.")
    complain(f"Its log: {folder.log / 'supervisord.log'}")
    return 1


def end(process: subprocess.Popen[bytes], *, saying: str) -> None:
    """Stop everything in order. A second Ctrl-C ends it at once: the programs go with their supervisor."""
    if process.poll() is not None:
        return
    print(flush=True)
    say(saying)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOPPING)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
    say(f"stopped in {time.monotonic() - began:.1f} s; the data stays in .veloflux")


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """A closed terminal (HUP) or a polite end (TERM) stops everything just as Ctrl-C does.

    INT too, because a shell starts its background jobs with that ignored."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop(folder: Folder) -> int:
    """Stop what runs from this folder, wherever it was started."""
    pid = supervisor.running_pid(folder)
    if not pid:
        complain("Nothing runs from this folder.")
        return 0
    say(f"stopping (supervisor pid {pid})")
    supervisor.ask_to_stop(pid)
    if not lock.wait_until_free(folder, seconds=STOPPING):
        raise CannotGoOnError(
            f"It still runs after {STOPPING} s. See {folder.log / 'supervisord.log'}, or: kill -9 {pid}"
        )
    say("stopped; the data stays in .veloflux")
    return 0
