"""Backends by name: looked up by us, again and again, and told to the nodes beside whatever else is going on."""

import threading
from collections.abc import Collection
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from django.utils import timezone

from balancer.fleet.models import Cluster, Deployment, Edit, Name, NameUse, Revision, Snapshot
from balancer.haproxy import codec
from balancer.models import Backend
from balancer.queries import store
from balancer.services import canary, following, lookups, name_uses, names, nodes, pools, revisions
from balancer.services.lookups import Looked
from tenants.models import AuditEntry
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.names.conftest import APP, Site, follow, look_again, row
from veloflux_site.celery import app


def test_a_name_is_looked_up_at_once_and_each_address_told(site: Site) -> None:
    found = site.backend["resolution"]
    assert found["name"] == APP
    assert [one["address"] for one in found["addresses"]] == ["10.1.0.1:8080", "10.1.0.2:8080"]
    assert (found["error"], found["left_out"]) == (None, 0)
    assert found["at"] is not None
    assert site.told() == ["10.1.0.1", "10.1.0.2"]
    kept = site.fleet.newest().state["pools"][0]["servers"]
    assert [(one["name"], one["address"]) for one in kept] == [(APP, "")], "a revision holds the name"
    for fragment in site.fleet.last_told("n1")["fragments"]:
        codec.from_json(fragment["state"])  # as the node reads it: strictly
    with tenant_scope(site.tenant):
        assert Backend.objects.get().ip is None


def counted(site: Site) -> tuple[int, ...]:
    with tenant_scope(site.tenant):
        return (
            Revision.objects.count(), Edit.objects.count(), Deployment.objects.count(),
            AuditEntry.objects.filter(tenant_id=site.tenant.pk).count(),
        )  # fmt: skip


def test_another_answer_is_told_without_a_trace_in_the_history(site: Site) -> None:
    before, generation = counted(site), site.fleet.last_told("n1")["generation"]
    assert look_again() == 0, "nothing changed, nobody is told"
    site.dns.addresses[APP] = ["10.1.0.2", "10.1.0.3"]
    assert look_again(5000) == 1
    assert sorted(site.told()) == ["10.1.0.2", "10.1.0.3"]
    assert site.fleet.last_told("n1")["generation"] == generation + 1
    assert site.fleet.newest().number == 1
    assert counted(site) == before
    assert site.addresses() == ["10.1.0.3:8080", "10.1.0.2:8080"], "who stays keeps its place"
    assert look_again(5001) == 0


def test_what_a_node_says_of_another_answer_it_says_of_the_revision(site: Site) -> None:
    site.dns.addresses[APP] = ["10.1.0.7"]
    look_again()
    site.fleet.report("refused", on="n2", reason="no such thing")
    assert site.fleet.states() == {"n1": "live", "n2": "refused"}
    site.dns.addresses[APP] = ["10.1.0.8"]
    look_again(5000)
    site.fleet.live()
    assert site.fleet.states() == {"n1": "live", "n2": "live"}


def test_a_deployment_that_is_still_under_way_goes_along(site: Site) -> None:
    with tenant_scope(site.tenant):
        pools.update(site.pool, {"retries": 1}, by=build.actor(), now=timezone.now())
    site.fleet.cut()
    site.dns.addresses[APP] = ["10.1.0.9"]
    look_again()
    assert set(site.fleet.states().values()) == {"queued"}
    site.fleet.live()
    assert set(site.fleet.states().values()) == {"live"}


FAILS = {
    "gone": lambda dns: dns.addresses.pop(APP),
    "empty": lambda dns: dns.addresses.update({APP: []}),
    "silent": lambda dns: dns.silent.add(APP),
    "error": lambda dns: dns.failing.add(APP),
    "forbidden": lambda dns: dns.addresses.update({APP: ["169.254.169.254", "0.0.0.0"]}),
}
SAID = {
    "gone": "does not exist",
    "empty": "has no address",
    "silent": "do not answer",
    "error": "an error",
    "forbidden": "leads to 0.0.0.0, 169.254.169.254, where no traffic is sent",
}


@pytest.mark.parametrize("how", FAILS)
def test_what_was_good_last_stays_and_the_backend_says_so(site: Site, how: str) -> None:
    FAILS[how](site.dns)
    told = site.messages()
    assert look_again() == 0
    found = site.shown()["resolution"]
    assert SAID[how] in found["error"]
    assert found["error_since"] is not None
    assert [one["address"] for one in found["addresses"]] == ["10.1.0.1:8080", "10.1.0.2:8080"]
    assert site.messages() == told
    first = found["error_since"]
    look_again(5000)
    assert site.shown()["resolution"]["error_since"] == first
    site.dns.silent.clear()
    site.dns.failing.clear()
    site.dns.addresses[APP] = ["10.1.0.1", "10.1.0.2"]
    look_again(10_000)
    assert site.shown()["resolution"]["error"] is None
    assert site.messages() == told


def test_what_leads_inside_by_and_by_is_never_told(site: Site, settings: Any) -> None:
    """DNS rebinding: one good answer to be saved, another one to be served."""
    settings.DEMO = False
    site.dns.addresses[APP] = ["127.0.0.1", "10.1.0.2", "169.254.169.254"]
    assert look_again() == 1
    assert site.told() == ["10.1.0.2"]
    found = site.shown()["resolution"]
    assert "127.0.0.1, 169.254.169.254" in found["error"]
    site.dns.addresses[APP] = ["127.0.0.1"]
    look_again(5000)
    assert site.addresses() == ["10.1.0.2:8080"]


def test_a_last_good_address_that_is_refused_by_now_is_served_no_more(site: Site, settings: Any) -> None:
    settings.DENIED_NETWORKS = [ip_network("10.1.0.1/32")]
    assert look_again() == 1
    assert site.told() == ["10.1.0.2"]


def test_a_name_that_leads_inside_is_not_saved(site: Site) -> None:
    to = ["169.254.169.254", "0.0.0.0", "fe80::1", "::ffff:127.0.0.1", "fd00:ec2::254"]
    for number, ip in enumerate(to):
        name = f"evil{number}.example.com"
        site.dns.addresses[name] = [ip] if ":" in ip else ["10.1.0.1", ip]
        refused = site.fleet.post("backends", {"pool": site.pool.pk, "address": f"{name}:80"}, status=422)
        assert refused["errors"][0]["pointer"] == "/address"
        assert f"leads to {ip}, where no traffic is sent" in refused["errors"][0]["detail"]
        answer = site.fleet.api.patch(f"/api/backends/{site.backend['id']}", {"address": f"{name}:80"})
        assert answer.status_code == 422, answer.content
    assert site.shown()["address"] == f"{APP}:8080"


def test_an_alias_of_something_inside_is_the_same(site: Site) -> None:
    site.dns.aliases["cdn.example.com"] = "inner.example.com"
    site.dns.addresses["inner.example.com"] = ["169.254.169.254"]
    site.fleet.post("backends", {"pool": site.pool.pk, "address": "cdn.example.com:80"}, status=422)
    site.dns.addresses["inner.example.com"] = ["10.1.0.77"]
    made = site.fleet.post("backends", {"pool": site.pool.pk, "address": "cdn.example.com:80"}, status=201)
    assert [one["address"] for one in made["resolution"]["addresses"]] == ["10.1.0.77:80"]


def test_the_platforms_own_ports_stay_its_own(site: Site, settings: Any) -> None:
    settings.OWN_PORTS = frozenset({9090})
    site.dns.addresses["me.example.com"] = ["127.0.0.1"]
    site.fleet.post("backends", {"pool": site.pool.pk, "address": "me.example.com:9090"}, status=422)
    site.dns.addresses["me.example.com"] = ["10.1.0.5"]
    site.fleet.post("backends", {"pool": site.pool.pk, "address": "me.example.com:9090"}, status=201)
    site.dns.addresses["me.example.com"] = ["127.0.0.1"]
    site.fleet.cut()
    look_again()
    assert "127.0.0.1" not in site.told()


def test_one_that_does_not_answer_is_saved_and_served_once_it_does(site: Site) -> None:
    made = site.fleet.post("backends", {"pool": site.pool.pk, "address": "later.example.com:80"}, status=201)
    assert made["resolution"]["addresses"] == []
    assert made["resolution"]["error"] == "The name later.example.com does not exist."
    assert made["resolution"]["at"] is None
    assert made["status"]["oper"] == "unknown"
    site.fleet.cut()
    assert site.told() == ["10.1.0.1", "10.1.0.2"]
    site.dns.addresses["later.example.com"] = ["2001:db8::5"]
    assert look_again() == 1
    assert site.told() == ["10.1.0.1", "10.1.0.2", "2001:db8::5"]
    drained = site.fleet.post(f"backends/{made['id']}/drain", {"then": "remove"})
    assert drained["drain"] is not None


def test_one_that_does_not_answer_in_time_is_waited_for_once_and_before_the_tenant_is_held(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], bool]] = []

    def silent(names: Collection[str], *, within: float) -> dict[str, Looked]:
        asked.append((sorted(names), connection.in_atomic_block))
        return {}

    monkeypatch.setattr(lookups, "look_all", silent)
    pool = {"name": "far", "backends": [{"address": "silent.example.com:80"}]}
    site.fleet.post("config/import", {"format": "veloflux/1", "pools": [pool]})
    assert asked == [(["silent.example.com"], False)]


def test_ipv4_comes_first(site: Site) -> None:
    site.dns.addresses["both.example.com"] = ["2001:db8::7", "10.1.0.7"]
    made = site.fleet.post("backends", {"pool": site.pool.pk, "address": "both.example.com:80"}, status=201)
    assert [one["address"] for one in made["resolution"]["addresses"]] == ["10.1.0.7:80"]


def test_two_tenants_with_one_name_are_one_look_up(site: Site, committed: World) -> None:
    other = build.pool(committed.theirs)
    build.backend(committed.theirs, other, address=f"{APP}:9000")
    assert site.dns.asked[APP] == 1, "it was found a moment ago"
    apart = build.tenant("Third")
    build.backend(apart, address="10.1.0.99:80")
    with tenant_scope(committed.theirs):
        revisions.cut(committed.theirs.pk, now=timezone.now())
    with platform_scope():
        generations = dict(Snapshot.objects.values_list("tenant_id", "generation"))
    site.dns.addresses[APP] = ["10.1.0.4"]
    assert look_again() == 2
    assert site.dns.asked[APP] == 2
    with platform_scope():
        moved = {pk for pk, g in Snapshot.objects.values_list("tenant_id", "generation") if g != generations.get(pk)}
    assert moved == {site.tenant.pk, committed.theirs.pk}


def test_what_somebody_elses_save_finds_out_is_followed_too(site: Site, committed: World) -> None:
    with platform_scope():
        Name.objects.update(next_at=timezone.now())
    site.dns.addresses[APP] = ["10.1.0.5"]
    build.backend(committed.theirs, address=f"{APP}:9000")
    with platform_scope():
        assert site.tenant.pk in names.behind(10)
    assert follow(site.tenant.pk)
    assert site.told() == ["10.1.0.5"]


def test_a_node_that_has_not_come_is_told_nothing(site: Site) -> None:
    with platform_scope():
        cluster = Cluster.objects.get(is_default=True)
        nodes.take_in("n3", cluster, key="n" * 64, announced=True)
        NameUse.objects.update(behind=True)
    site.dns.addresses[APP] = ["10.1.0.6"]
    with platform_scope():
        Name.objects.update(addresses=["10.1.0.6"])
    with tenant_scope(site.tenant):
        placed = following.compose_again(site.tenant.pk)
    assert placed is not None
    assert sorted(node.name for node in placed.nodes) == ["n1", "n2"]


def test_what_is_found_out_before_a_use_is_seen_is_not_missed(site: Site, committed: World) -> None:
    """The look-up ends while the change that brings the name is not committed yet."""
    now = timezone.now()

    def meanwhile() -> None:
        with platform_scope():
            names.take(APP, Looked(("10.1.0.88",), 60), asked=now, now=now)
        connection.close()

    pool = build.pool(committed.theirs)
    with tenant_scope(committed.theirs):
        build.backend(committed.theirs, pool, address=f"{APP}:80")
        NameUse.objects.all().delete()
        with transaction.atomic():
            name_uses.note([APP], now=now)
            thread = threading.Thread(target=meanwhile)
            thread.start()
            thread.join(10)
    with platform_scope():
        assert sorted(names.behind(10)) == sorted([site.tenant.pk, committed.theirs.pk])


def test_a_tenant_sees_nobody_elses_uses(site: Site, committed: World) -> None:
    with tenant_scope(committed.theirs):
        assert not NameUse.objects.exists()


def test_what_waits_to_be_deployed_is_not_deployed_with_it(site: Site) -> None:
    answer = site.fleet.api.put("/api/delivery", {"deploy": "staged"})
    assert answer.status_code == 200, answer.content
    site.dns.addresses["new.example.com"] = ["10.1.0.50"]
    site.fleet.post("backends", {"pool": site.pool.pk, "address": "new.example.com:80"}, status=201)
    with tenant_scope(site.tenant):
        pools.update(site.pool, {"retries": 5}, by=build.actor(), now=timezone.now())
    site.dns.addresses[APP] = ["10.1.0.3"]
    site.dns.addresses["new.example.com"] = ["10.1.0.51"]
    assert look_again() == 1
    assert site.told() == ["10.1.0.3"]
    state = site.fleet.last_told("n1")["fragments"][-1]["state"]
    assert state["pools"][0]["retries"] == 2
    assert site.fleet.get("changes")["total_count"] == 2
    preview = site.fleet.post("changes/preview")
    assert "10.1.0.51:80" in preview["rendered"]
    assert "10.1.0.1" not in preview["rendered"], "what was before is shown with the addresses of now"
    site.fleet.post("changes/deploy")
    assert site.told() == ["10.1.0.3", "10.1.0.51"]


def test_what_is_discarded_or_tried_again_asks_for_what_is_deployed(site: Site) -> None:
    site.fleet.api.put("/api/delivery", {"deploy": "staged"})
    site.fleet.post("backends", {"pool": site.pool.pk, "address": "never.example.com:80"}, status=201)
    site.fleet.post("changes/discard")
    with tenant_scope(site.tenant):
        assert list(NameUse.objects.values_list("name", flat=True)) == [APP]
        deployment = Deployment.objects.filter(node__name="n1").latest("generation")
    with platform_scope():
        names.take(APP, Looked(("10.1.0.8",), 60), asked=timezone.now(), now=timezone.now())
    site.fleet.report("refused", on="n1", reason="no")
    site.fleet.post(f"deployments/{deployment.pk}/retry", status=202)
    assert site.told() == ["10.1.0.8"], "not what the name had when it was cut"


def test_going_back_brings_the_name_and_not_its_old_addresses(site: Site) -> None:
    site.fleet.api.patch(f"/api/backends/{site.backend['id']}", {"address": "10.9.0.1:80"})
    site.fleet.cut()
    assert site.told() == ["10.9.0.1"]
    with tenant_scope(site.tenant):
        assert not NameUse.objects.exists(), "nobody goes by it any more"
    site.dns.addresses[APP] = ["10.1.0.60"]
    with platform_scope():
        Name.objects.all().delete()
    site.fleet.post("revisions/1/rollback", {})
    assert site.told() == ["10.1.0.60"]
    assert site.addresses() == ["10.1.0.60:8080"]
    site.dns.addresses[APP] = ["10.1.0.61"]
    assert look_again() == 1
    assert site.told() == ["10.1.0.61"]
    assert site.fleet.newest().number == 3


def test_while_one_node_tries_a_revision_the_others_keep_their_answers(site: Site) -> None:
    with tenant_scope(site.tenant):
        pools.update(site.pool, {"retries": 3}, by=build.actor(), now=timezone.now())
    site.fleet.api.put("/api/delivery", {"canary": True})
    site.fleet.cut()
    site.dns.addresses[APP] = ["10.1.0.70"]
    assert look_again() == 0
    with platform_scope():
        assert names.behind(10) == [site.tenant.pk], "it is not forgotten"
    site.fleet.live(on="n1")
    with tenant_scope(site.tenant):
        for seconds in (1, 3600):
            canary.watch(site.tenant.pk, now=timezone.now() + timedelta(seconds=seconds))
        state = Snapshot.objects.get().state
    assert state is not None
    assert state["pools"][0]["retries"] == 3
    assert [one["address"] for one in state["pools"][0]["servers"]] == ["10.1.0.70"], "what the name has by now"
    assert not follow(site.tenant.pk)
    with platform_scope():
        assert names.behind(10) == []


def test_an_answer_is_asked_again_when_it_has_run_out(site: Site) -> None:
    now = timezone.now() + timedelta(seconds=1000)
    for ttl, least, most in ((0, 5, 5.5), (60, 60, 66), (86_400, 300, 330)):
        site.dns.ttl = ttl
        with platform_scope():
            names.look_at_due(now=now)
        assert least <= (row().next_at - now).total_seconds() <= most
        now = row().next_at


def test_what_fails_is_asked_more_and_more_seldom(site: Site) -> None:
    site.dns.addresses.pop(APP)
    now = timezone.now() + timedelta(seconds=1000)
    waits = []
    for _ in range(6):
        with platform_scope():
            names.look_at_due(now=now)
        waits.append((row().next_at - now).total_seconds())
        now = row().next_at
    assert waits == sorted(waits)
    assert 5 <= waits[0] <= 5.5
    assert 60 <= waits[-1] <= 66


def test_two_workers_share_what_is_due(site: Site) -> None:
    """The second one passes over what the first one holds, and what it has claimed."""
    now = timezone.now() + timedelta(seconds=1000)
    seen: list[list[str]] = []

    def second() -> None:
        with platform_scope():
            seen.append(names.claim(now=now))
        connection.close()

    with platform_scope(), transaction.atomic():
        held = list(Name.objects.select_for_update())
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(10)
    with platform_scope():
        first = names.claim(now=now)
        again = names.claim(now=now)
    assert (len(held), seen, first, again) == (1, [[]], [APP], [])


def test_one_looks_at_a_time_and_names_that_are_well_come_first(site: Site, kept: "redis.Redis") -> None:
    with platform_scope():
        for name in ("aaa.example.com", "bbb.example.com"):
            Name.objects.create(name=name, next_at=build.NOW, failing_since=build.NOW)
            NameUse.objects.create(tenant=site.tenant, name=name)
        assert names.claim(now=timezone.now() + timedelta(seconds=1000))[0] == APP
    kept.set(store.LOOKING, "1")
    site.dns.addresses[APP] = ["10.1.0.9"]
    assert look_again(5000) == 0
    kept.delete(store.LOOKING)
    assert look_again(5000) == 1
    assert not kept.exists(store.LOOKING)


def test_who_took_too_long_lets_the_next_one_keep_it(kept: "redis.Redis") -> None:
    with names.alone() as mine:
        assert mine
        kept.set(store.LOOKING, "another's")  # as when its time was over
        with names.alone() as second:
            assert not second
    assert kept.get(store.LOOKING) == "another's"
    kept.delete(store.LOOKING)


def test_an_older_answer_does_not_undo_a_newer_one(site: Site) -> None:
    now = timezone.now()
    with platform_scope():
        assert names.take(APP, Looked(("10.1.0.2",), 60), asked=now + timedelta(seconds=2), now=now)
        assert not names.take(APP, Looked(("10.1.0.1",), 60), asked=now, now=now)
    assert row().ips == ["10.1.0.2"]


def test_a_name_that_nobody_goes_by_is_let_go(site: Site) -> None:
    site.fleet.api.delete(f"/api/backends/{site.backend['id']}")
    asked = site.dns.asked[APP]
    look_again(10)
    with tenant_scope(site.tenant):
        assert NameUse.objects.exists(), "the nodes still serve it"
    site.fleet.cut()
    look_again(1000)
    with platform_scope():
        assert not NameUse.objects.exists()
        assert not Name.objects.exists()
    assert site.dns.asked[APP] <= asked + 1


def test_a_plan_bounds_the_addresses(site: Site) -> None:
    site.dns.addresses[APP] = [f"10.1.1.{n}" for n in range(1, 21)]
    look_again()
    found = site.shown()["resolution"]
    assert (len(found["addresses"]), found["left_out"]) == (16, 4)
    assert len(site.told()) == 16


def test_with_cookies_the_servers_stay_and_their_addresses_change(site: Site) -> None:
    site.fleet.api.patch(f"/api/pools/{site.pool.pk}", {"sticky": {"type": "cookie"}})
    site.fleet.cut()

    def keys() -> list[str]:
        return [one["key"] for one in site.fleet.last_told("n1")["fragments"][-1]["state"]["pools"][0]["servers"]]

    before = keys()
    site.dns.addresses[APP] = ["10.1.0.2", "10.1.0.33"]
    assert look_again() == 1
    assert keys() == before
    assert site.told() == ["10.1.0.33", "10.1.0.2"]


def test_nothing_is_kept_under_the_name_of_a_beats_entry() -> None:
    """redbeat keeps each under its prefix."""
    taken = {f"{app.conf.redbeat_key_prefix}{name}" for name in app.conf.beat_schedule}
    assert taken.isdisjoint({store.LOOKING, store.NODES, store.DRIFT, store.WORKERS, store.LEADER})
