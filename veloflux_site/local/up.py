"""`manage.py up`: from whatever is there to a console, two nodes and live traffic; and back, in order, on Ctrl-C."""

import os
import subprocess

from veloflux_site.local import announce, django, environment, foreground, health, joined, lock, setup, supervisor
from veloflux_site.local.environment import Settings
from veloflux_site.local.folder import Folder
from veloflux_site.local.programs import Group, nodes_known, table
from veloflux_site.local.say import CannotGoOnError, complain, say
from veloflux_site.local.supervisor import Control

STOPS = "stopping the console and workers, then the nodes, then the data"


def up(folder: Folder, *, detach: bool) -> int:
    """Start everything and print where it is. Stay until Ctrl-C, or leave it running with `detach`."""
    folder.require_room_for_sockets()
    if joined.is_joined(folder):
        raise CannotGoOnError("This folder is a node's. Start it with: python3 manage.py node run")
    folder.prepare()
    held = lock.take(folder)
    if held is None:
        raise CannotGoOnError(_already(folder))
    say(f"VeloFlux in {folder.root}")
    with foreground.signals_as_interrupts():
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

    def bring_up() -> None:
        first = _bring_up(settings, folder, process)
        print(announce.text(settings, first, detached=detach), flush=True)

    return foreground.run(process, folder, bring_up, detach=detach, saying=STOPS)


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
