"""A Celery app of the tests' own, on the product's task bases; the workers under test are started from this module."""

import os
import time

import django
from celery import Celery

if __name__ != "__main__" and "VELOFLUX_TEST_WORKER" in os.environ:
    django.setup()

from balancer.models import Pool
from tenants import scope
from tenants.models import Tenant
from tenants.taskbase import PlatformTask, TenantTask
from tests import apart

BROKER = os.environ.get("VELOFLUX_REDIS_URL", "redis://127.0.0.1:1/0")
KEYS = {"global_keyprefix": f"{apart.NAME}.work."}
app = Celery("tests-work", set_as_current=False)
app.conf.update(
    broker_url=BROKER,
    result_backend=BROKER,
    broker_transport_options=KEYS,
    result_backend_transport_options=KEYS,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    result_expires=60,
)


@app.task(base=TenantTask, name="read")
def read() -> str:
    """The tenant's pools, after others had time to come in between."""
    before = ",".join(Pool.objects.order_by("name").values_list("name", flat=True))
    time.sleep(0.005)
    after = ",".join(Pool.objects.order_by("name").values_list("name", flat=True))
    return before if before == after else f"{before} then {after}"


@app.task(base=TenantTask, name="again", bind=True, max_retries=1)
def again(self: TenantTask) -> str:
    """Fails once and is sent again, for the same tenant."""
    if not self.request.retries:
        raise self.retry(countdown=0)
    return ",".join(Pool.objects.order_by("name").values_list("name", flat=True))


@app.task(base=PlatformTask, name="count")
def count() -> str:
    return f"{scope.required().schema} {Tenant.objects.count()}"
