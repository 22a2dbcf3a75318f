"""`manage.py up`: from whatever is there to a console, two nodes and live traffic; and back, in order, on Ctrl-C."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from veloflux_site.local import announce, django, environment, health, lock, setup, supervisor
from veloflux_site.local.environment import Settings
from veloflux_site.local.folder import Folder
from veloflux_site.local.programs import Group, nodes_known, table
from veloflux_site.local.say import CannotGoOnError, complain, say
from veloflux_site.local.supervisor import Control

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPING = 90  # seconds; longer than the slowest program may take


def up(folder: Folder, *, detach: bool) -> int:
    """Start everything and print where it is. Stay until Ctrl-C, or leave it running with `detach`."""
    folder.require_room_for_sockets()
    folder.prepare()
    held = lock.take(folder)
    if held is None:
        raise CannotGoOnError(_already(folder))
    say(f"VeloFlux in {folder.root}")
    with _signals_as_interrupts():
        try:
            settings = setup.for_up(folder)
            return _run(settings, folder, held=held, detach=detach)
        except KeyboardInterrupt:
            complain("Stopped before it was up.")
            return 130


def _already(folder: Folder) -> str:
    pid = supervisor.running_pid(folder)
    settings = environment.read(folder.env_file)
    if not pid:
        return "Another `manage.py up` is just starting (or stopping) VeloFlux in this folder. Wait for it, or end it."
    return (
        f"VeloFlux already runs from this folder (supervisor pid {pid}): {settings.get('VELOFLUX_BASE_URL', '')}\n"
        "Stop it with: python3 manage.py stop"
    )


def _run(settings: Settings, folder: Folder, *, held: int, detach: bool) -> int:
    say("starting PostgreSQL and Redis")
    _write_config(settings, folder)
    process = supervisor.start(folder, lock=held, with_us=not detach)
    os.close(held)
    stays = False
    try:
        first = _bring_up(settings, folder, process)
        print(announce.text(settings, first, detached=detach), flush=True)
        stays = detach
        return 0 if detach else _stay(process, folder)
    except KeyboardInterrupt:
        return 0
    except CannotGoOnError as reason:
        complain(str(reason))
        return 1
    finally:
        if not stays:
            _stop(process)


def _write_config(settings: Settings, folder: Folder) -> None:
    listed = table(settings, folder=folder).values()
    supervisor.config_file(folder).write_text(supervisor.config_text(listed, folder=folder))


def _bring_up(settings: Settings, folder: Folder, process: subprocess.Popen[bytes]) -> django.Seeded:
    control = Control(folder)
    control.wait(process, seconds=30, log=folder.log / "supervisord.log")
    if nodes_known(folder):
        # Nodes serve what they have on their disks: traffic need not wait for the console.
        control.start(Group.NODES)
    setup.ready_data(settings, folder=folder)
    django.collect_static(settings, folder=folder)
    say("bringing the database up to date")
    django.migrate(settings, folder=folder)
    setup.keep_audit(settings, folder=folder)
    seeded = django.bootstrap(settings, folder=folder)
    say("starting nodes, console and workers")
    for group in (Group.NODES, Group.APP):
        control.start(group)
    health.wait(lambda: health.console(settings), control=control, folder=folder, seconds=180)
    say("the console is healthy")
    health.wait(lambda: health.traffic(settings), control=control, folder=folder, seconds=120)
    say("traffic flows")
    return seeded


def _stay(process: subprocess.Popen[bytes], folder: Folder) -> int:
    status = process.wait()
    if status == 0:
        say("stopped from elsewhere; the data stays in .veloflux")
        return 0
    complain(f"The supervisor ended by itself (status {status}); everything that it had started ended with it.")
    complain(f"Its log: {folder.log / 'supervisord.log'}")
    return 1


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop everything in order. A second Ctrl-C ends it at once: the programs go with their supervisor."""
    if process.poll() is not None:
        return
    print(flush=True)
    say("stopping the console and workers, then the nodes, then the data")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOPPING)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
    say(f"stopped in {time.monotonic() - began:.1f} s; the data stays in .veloflux")


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
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
    """Stop what `up` started from this folder, wherever it runs."""
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
