"""The settings that mypy and the unit tests load: the real ones, with values where the environment has none."""

import os

FOR_CHECKS = {
    "VELOFLUX_SECRET_KEY": "checks-only-" + "x" * 50,
    "VELOFLUX_JWT_KEY": "checks-only-" + "y" * 50,
    "VELOFLUX_DATABASE_URL": "postgres://veloflux@127.0.0.1:1/veloflux",
    "VELOFLUX_REDIS_URL": "redis://127.0.0.1:1/0",
    "VELOFLUX_DEMO": "true",
}
for name, value in FOR_CHECKS.items():
    os.environ.setdefault(name, value)

from veloflux_site.settings import *  # noqa: E402, F403
