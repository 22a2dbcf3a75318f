"""The settings that mypy and the unit tests load: the real ones, with values where the environment has none."""

import os

from tests import apart

FOR_CHECKS = {
    "VELOFLUX_SECRET_KEY": "checks-only-" + "x" * 50,
    "VELOFLUX_JWT_KEY": "checks-only-" + "y" * 50,
    "VELOFLUX_DATABASE_URL": "postgres://veloflux@127.0.0.1:1/veloflux",
    "VELOFLUX_REDIS_URL": "redis://127.0.0.1:1/0",
    "VELOFLUX_ENCRYPTION_KEYS": "Y2hlY2tzLW9ubHktY2hlY2tzLW9ubHktY2hlY2tzLW8=",
    "VELOFLUX_DEMO": "true",
    "VELOFLUX_LOG_LEVEL": "WARNING",
}
for name, value in FOR_CHECKS.items():
    os.environ.setdefault(name, value)
os.environ["VELOFLUX_REDIS_URL"] = apart.redis_url(os.environ["VELOFLUX_REDIS_URL"])

from veloflux_site.settings import *  # noqa: E402, F403
from veloflux_site.settings import ALLOWED_HOSTS as REAL_HOSTS  # noqa: E402
from veloflux_site.settings import CACHES as REAL_CACHES  # noqa: E402
from veloflux_site.settings import DATABASES as REAL_DATABASES  # noqa: E402
from veloflux_site.settings import MIDDLEWARE as REAL_MIDDLEWARE  # noqa: E402

# Runs and workers beside each other take other names; and none touches what a console keeps in the same Redis.
NAME = apart.NAME
DATABASES = {"default": {**REAL_DATABASES["default"], "TEST": {"NAME": NAME}}}
CACHES = {
    "default": {**REAL_CACHES["default"], "KEY_PREFIX": NAME, "KEY_FUNCTION": "tests.cache_keys.make_key"},
}
PASSWORD_HASHERS = ["tests.hashers.Light"]
CELERY_BROKER_URL = "memory://"
ALLOWED_HOSTS = [*REAL_HOSTS, "testserver", ".veloflux.test"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Hashed names need `collectstatic` first; what is served is the same.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Every test client makes the middleware anew, and WhiteNoise then reads all static files: a third of a second each.
# The live tests serve them with the real settings.
MIDDLEWARE = [name for name in REAL_MIDDLEWARE if not name.startswith("whitenoise.")]
# Most tests ask more often than anybody may; those of throttles set their own.
THROTTLES = {"login": 0, "auth": 0, "api": 0, "expensive": 0}
