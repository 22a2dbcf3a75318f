"""Django commands, in the platform scope, with the Celery app: `python -m veloflux_site.django_command NAME`."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veloflux_site.settings")

from django.core.management import execute_from_command_line

import veloflux_site.celery  # noqa: F401 - what a command enqueues goes through it
from tenants.scope import platform_scope


def main() -> None:
    with platform_scope():
        execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
