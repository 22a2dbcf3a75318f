"""What became of an haproxy.cfg is kept: who, when, how many, and each line's fate; without a value of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from balancer.fleet.models import ImportReport
from balancer.haproxy.cfg import kept
from balancer.services import importing, retention
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet
from tests.db.changes.test_cfg import CFG, LUA, bring
from tests.pages import page_of, signed_in, text

SECRET = "hunter2Hunter2"
SECRETS = CFG.replace("backend site\n", f"backend site\n    http-request set-header X-Key {SECRET} # {SECRET}\n")


def reports(fleet: Fleet) -> list[ImportReport]:
    with platform_scope():
        return list(ImportReport.objects.filter(tenant=fleet.tenant))


def test_an_import_leaves_a_report_and_a_look_does_not(fleet: Fleet) -> None:
    assert bring(fleet, CFG, "host=a.test&dry_run=true")["report"] is None
    assert reports(fleet) == []
    done = bring(fleet, CFG)
    (listed,) = fleet.get("imports")["items"]
    assert (listed["id"], listed["author"], listed["mode"], listed["partial"], listed["revision"]) == (
        done["report"], "owner@ours.test", "merge", False, None,
    )  # fmt: skip
    assert (listed["counts"], listed["fates"]) == (done["counts"], done["fates"])
    assert "lines" not in listed
    made = fleet.cut()
    assert made is not None
    detail = fleet.get(f"imports/{done['report']}")
    assert detail["revision"] == made.number
    told = [{**one, "text": ""} for one in done["lines"]]
    assert [{**one, "text": ""} for one in detail["lines"]] == told
    assert detail["lines"][8]["text"] == "    default_backend site"


def test_no_value_of_the_file_is_kept(fleet: Fleet) -> None:
    done = bring(fleet, SECRETS, "host=a.test&partial=true")
    assert SECRET in str(done["lines"])
    (report,) = reports(fleet)
    kept = f"{report.lines} {report.notes} {report.counts} {fleet.get(f'imports/{report.pk}')}"
    assert SECRET not in kept
    assert "http-request set-header X-Key …" in kept


def test_what_is_refused_leaves_none(fleet: Fleet) -> None:
    bring(fleet, LUA, status=422)
    bring(fleet, CFG.replace("127.0.0.1:9001", "169.254.169.254:80"), status=422)
    assert reports(fleet) == []


def test_another_tenants_is_nobodys(fleet: Fleet, committed: World) -> None:
    report = bring(fleet, CFG)["report"]
    theirs = build.api(committed.their_owner, committed.theirs)
    assert theirs.get(f"/api/imports/{report}").status_code == 404
    assert theirs.get("/api/imports").json()["items"] == []
    visitor = signed_in(build.member(committed.theirs, Role.ADMIN))
    assert visitor.get(f"/t/theirs/imports/{report}").status_code == 404


def test_reports_go_with_their_time_their_number_and_their_tenant(fleet: Fleet) -> None:
    old, young = (build.import_report(fleet.tenant) for _ in range(2))
    now = timezone.now()
    with platform_scope():
        ImportReport.objects.filter(pk=old.pk).update(at=now - timedelta(days=400))
        ImportReport.objects.filter(pk=young.pk).update(at=now)
        retention.forget_old(now=now)
    assert [one.pk for one in reports(fleet)] == [young.pk]
    with platform_scope():
        for number in range(importing.MOST_REPORTS):
            one = build.import_report(fleet.tenant)
            ImportReport.objects.filter(pk=one.pk).update(at=now - timedelta(minutes=number + 1))
    newest = bring(fleet, CFG)["report"]
    left = reports(fleet)
    assert len(left) == importing.MOST_REPORTS
    assert {newest, young.pk} <= {one.pk for one in left}
    other = build.tenant()
    build.import_report(other)
    with platform_scope():
        Tenant.objects.filter(pk=other.pk).delete()
        assert not ImportReport.objects.filter(tenant=other.pk).exists()


def test_the_pages_tell_the_same(fleet: Fleet) -> None:
    visitor = signed_in(build.member(fleet.tenant, Role.VIEWER))
    assert "Nothing was imported yet" in text(visitor.get("/t/ours/imports"))
    report = bring(fleet, SECRETS, "host=a.test&partial=true")["report"]
    shown = page_of(visitor.get("/t/ours/imports"))
    assert f'data-testid="row-import-{report}"' in shown
    detail = page_of(visitor.get(f"/t/ours/imports/{report}"))
    assert SECRET not in detail
    assert detail.count('data-testid="line-') == len(SECRETS.splitlines())
    assert "owner@ours.test" in detail
    notes = page_of(visitor.get(f"/t/ours/imports/{report}?only=note"))
    assert 'data-state="note"' in notes
    assert 'data-state="managed"' not in notes


def test_a_report_of_a_very_long_file_is_cut_and_says_so(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LINES_KEPT_MAX", 300)
    report = bring(fleet, CFG)["report"]
    detail = fleet.get(f"imports/{report}")
    lines, every = len(detail["lines"]), len(CFG.splitlines())
    assert 0 < lines < every
    assert sum(detail["fates"].values()) == every
    assert detail["notes"][-1] == f"Of its {every} lines this report keeps {lines}: what was refused first, then notes."
    visitor = signed_in(build.member(fleet.tenant, Role.VIEWER), "pt-br")
    assert f"Das {every} linhas este relatório guarda {lines}" in text(visitor.get(f"/t/ours/imports/{report}"))
