"""Collect static files for one machine: hashed as everywhere, but not compressed, which takes two minutes here.

Run in the venv as `python -m veloflux_site.local.collect`. Names and manifest are those of the compressing storage.
"""

import django
from django.conf import settings
from django.core.management import call_command

HASHED = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


def main() -> None:
    django.setup()
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": HASHED}}
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)


if __name__ == "__main__":
    main()
