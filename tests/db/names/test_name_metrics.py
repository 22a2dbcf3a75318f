"""What metrics say of backends' names: how many are due, late and failing, and how look-ups ended."""

from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from balancer.fleet.models import Name
from balancer.queries import name_counts
from balancer.services import lookups
from tenants.scope import platform_scope
from tests.db.changes.conftest import Fleet
from tests.db.names.conftest import APP
from tests.db.names.conftest import dns as dns
from tests.nameserver import NameServer
from veloflux_site import metrics


def ended(outcome: str) -> float:
    return REGISTRY.get_sample_value("veloflux_backend_name_lookups_total", {"outcome": outcome}) or 0


def test_names_are_counted_by_how_they_stand(fleet: Fleet) -> None:
    now = timezone.now()
    with platform_scope():
        Name.objects.create(name="well.example.com", next_at=now + timedelta(seconds=60))
        Name.objects.create(name="due.example.com", next_at=now - timedelta(seconds=5))
        Name.objects.create(name="late.example.com", next_at=now - timedelta(seconds=40), failing_since=now)
    found = name_counts.names(now=now)
    assert (found.known, found.due, found.failing, round(found.late)) == (3, 2, 1, 40)
    said = {family.name: family.samples[0].value for family in metrics.Names().collect()}
    assert said["veloflux_backend_names"] == 3
    assert said["veloflux_backend_names_failing"] == 1
    assert said["veloflux_backend_names_late_seconds"] >= 40


def test_without_a_database_they_are_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(name_counts, "names", away)
    assert list(metrics.Names().collect()) == []


def test_look_ups_are_counted_by_how_they_ended(dns: NameServer) -> None:
    before = {outcome: ended(outcome) for outcome in ("found", "failed", "silent")}
    lookups.look_all([APP, "nobody.example.com"], within=5)
    lookups.look_all([APP], within=0)
    after = {outcome: ended(outcome) - count for outcome, count in before.items()}
    assert after == {"found": 1, "failed": 1, "silent": 1}
