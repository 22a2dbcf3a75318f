"""How often a tenant may ask the API, by its plan."""

import time
from threading import Lock

from django.conf import settings

from billing.models import Subscription

SECONDS = 10.0  # a change of plan is seen by every process after it
MOST = 10_000
_kept: dict[str, tuple[float, int]] = {}
_lock = Lock()


def api_rate(tenant_id: str) -> int:
    """Requests a minute: `settings.API_RATES` by plan, "" for the others."""
    now = time.monotonic()
    until, rate = _kept.get(tenant_id, (0.0, 0))
    if until < now:
        plan = Subscription.objects.filter(tenant_id=tenant_id).values_list("plan_id", flat=True).first()
        rate = settings.API_RATES.get(plan or "", settings.API_RATES[""])
        with _lock:
            if len(_kept) >= MOST:
                _kept.clear()
            _kept[tenant_id] = (now + SECONDS, rate)
    return rate


def forget() -> None:
    with _lock:
        _kept.clear()
