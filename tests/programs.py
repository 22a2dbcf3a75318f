"""The programs that tests run: those that `manage.py test` found, or what the machine has."""

import os
import shutil

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"

HAPROXY: str = (
    os.environ.get("VELOFLUX_TEST_HAPROXY")  # another version than the product's, as `manage.py test --matrix` asks
    or os.environ.get("VELOFLUX_HAPROXY")
    or shutil.which("haproxy", path=PATH)
    or "haproxy"
)
REDIS_SERVER: str = os.environ.get("VELOFLUX_REDIS_SERVER") or shutil.which("redis-server", path=PATH) or "redis-server"
