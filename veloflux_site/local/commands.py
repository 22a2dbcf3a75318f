"""The command line: `up`, `stop`, `node`, `test` and `bench` are ours, everything else is Django's."""

import argparse
import os
from collections.abc import Sequence

from veloflux_site.local import environment
from veloflux_site.local.folder import HERE
from veloflux_site.local.say import CannotGoOnError, complain, started

USAGE = """\
python3 manage.py up              set up and run everything; Ctrl-C stops it (--detach: leave it running)
python3 manage.py stop            stop what `up` started from this folder
python3 manage.py node join URL   bring this machine in as a node of the console there (--help: what else)
python3 manage.py test            set up and run every check and test (--help: how to run fewer)
python3 manage.py bench           measure, on servers of its own (--help: which rows)
python3 manage.py <command>       any command of Django's, with this machine's settings
"""


def run(words: Sequence[str]) -> int:
    """Do what the command line says. Expected failures become sentences and status 1."""
    started()
    try:
        return _dispatch(words)
    except CannotGoOnError as reason:
        complain(str(reason))
        return 1
    except KeyboardInterrupt:
        complain("Interrupted.")
        return 130


def _dispatch(words: Sequence[str]) -> int:
    match words:
        case [] | ["-h" | "--help"]:
            print(USAGE, end="")
            return 0
        case ["up", *rest]:
            from veloflux_site.local.up import up

            return up(HERE, detach=_up_parser().parse_args(rest).detach)
        case ["stop", *rest]:
            from veloflux_site.local.foreground import stop

            argparse.ArgumentParser(prog="manage.py stop", description="Stop what `up` started.").parse_args(rest)
            return stop(HERE)
        case ["node", *rest]:
            from veloflux_site.local import node_command

            return node_command.run(HERE, rest)
        case ["test", *rest]:
            from veloflux_site.local import checks

            return checks.run(HERE, checks.parse(rest))
        case ["bench", *rest]:
            from veloflux_site.local import checks

            return checks.bench(HERE, rest)
        case _:
            return _django(words)


def _up_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py up", description="Set up and run everything on this machine.")
    parser.add_argument("--detach", action="store_true", help="return when it is up, and leave it running")
    return parser


def _django(words: Sequence[str]) -> int:
    """Become the venv's Python, with the settings of `.veloflux/env`; the caller's own come first."""
    if not HERE.python.exists():
        raise CannotGoOnError("Nothing is set up in this folder yet. Start with: python3 manage.py up")
    given = {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH"}}
    settings = {"DJANGO_SETTINGS_MODULE": "veloflux_site.settings"} | environment.read(HERE.env_file) | given
    line = [str(HERE.python), "-m", "veloflux_site.django_command", *words]
    os.chdir(HERE.root)
    os.execve(line[0], line, settings)  # noqa: S606 - no shell
