"""`manage.py test`: every check and every test, on a PostgreSQL and a Redis of their own."""

import argparse
from collections.abc import Sequence

from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError


def parse(words: Sequence[str]) -> argparse.Namespace:
    return argparse.ArgumentParser(prog="manage.py test").parse_args(words)


def run(folder: Folder, options: argparse.Namespace) -> int:
    raise CannotGoOnError("Not yet.")
