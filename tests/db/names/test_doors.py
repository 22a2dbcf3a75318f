"""Names through every door: many at once, documents, validation, status, pages in both languages."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from balancer.haproxy.naming import address_key
from balancer.models import Backend, Pool, Route
from balancer.queries import status as queries
from balancer.services import status
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet
from tests.db.names.conftest import APP, Site, look_again
from tests.db.status import frames
from tests.nameserver import NameServer

SIXTEEN = [f"name{n}.example.com" for n in range(16)]


@pytest.fixture
def named(dns: NameServer) -> NameServer:
    for n, name in enumerate(SIXTEEN):
        dns.addresses[name] = [f"10.2.0.{n + 1}"]
    return dns


def operations(pool: Pool, names: list[str]) -> dict[str, Any]:
    return {"operations": [{"action": "add", "data": {"pool": pool.pk, "address": f"{name}:80"}} for name in names]}


def test_many_at_once_are_looked_up_together_and_each_is_judged(fleet: Fleet, named: NameServer) -> None:
    pool = build.pool(fleet.tenant)
    named.addresses[SIXTEEN[5]] = ["169.254.169.254"]
    refused = fleet.post("bulk/backends", operations(pool, SIXTEEN), status=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/operations/5/data/address"]
    named.addresses[SIXTEEN[5]] = ["10.2.0.6"]
    done = fleet.post("bulk/backends", operations(pool, SIXTEEN))
    assert [one["status"] for one in done["results"]] == ["created"] * 16
    fleet.cut()
    state = fleet.last_told("n1")["fragments"][-1]["state"]
    assert len(state["pools"][0]["servers"]) == 16
    twice = fleet.post("bulk/backends", operations(pool, [SIXTEEN[0], "Name1.Example.com."]), status=409)
    assert [error["code"] for error in twice["errors"]] == ["address_taken"] * 2


def test_a_pool_is_replaced_by_names_and_who_has_the_same_stays(fleet: Fleet, named: NameServer) -> None:
    pool = build.pool(fleet.tenant)
    path = f"/api/pools/{pool.pk}/backends"
    first = fleet.api.put(path, {"backends": [{"address": f"{SIXTEEN[0]}:80"}, {"address": "10.0.0.1:80"}]}).json()
    second = fleet.api.put(path, {"backends": [{"address": f"{SIXTEEN[0]}:80"}, {"address": f"{SIXTEEN[1]}:80"}]})
    assert second.status_code == 200, second.content
    kept = {one["address"]: one["id"] for one in first["items"]}
    now = {one["address"]: one["id"] for one in second.json()["items"]}
    assert now.keys() == {f"{SIXTEEN[0]}:80", f"{SIXTEEN[1]}:80"}
    assert now[f"{SIXTEEN[0]}:80"] == kept[f"{SIXTEEN[0]}:80"]
    named.addresses[SIXTEEN[2]] = ["0.0.0.0"]
    refused = fleet.api.put(path, {"backends": [{"address": "10.0.0.1:80"}, {"address": f"{SIXTEEN[2]}:80"}]})
    assert refused.json()["errors"][0]["pointer"] == "/backends/1/address"


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_out_and_in_again_is_the_same(site: Site, form: str) -> None:
    site.fleet.api.patch(f"/api/backends/{site.backend['id']}", {"weight": 7, "region": "eu"})
    text = site.fleet.api.get(f"/api/config/export?format={form}").content.decode()
    assert f"{APP}:8080" in text
    assert "10.1.0.1" not in text, "where it leads is no part of a configuration"
    with tenant_scope(site.tenant):
        Route.objects.all().delete()
        Pool.objects.all().delete()
    client = Client(headers={"Authorization": site.fleet.api.credential or ""})
    answer = client.post("/api/config/import?mode=replace", data=text, content_type=f"application/{form}")
    assert answer.status_code == 200, answer.content
    assert site.fleet.api.get(f"/api/config/export?format={form}").content.decode() == text


def test_other_forms_know_it(site: Site) -> None:
    assert f'"{APP}:8080"' in site.fleet.get("config/export?format=terraform")
    text = site.fleet.get("config/export?format=haproxy")
    assert " 10.1.0.1:8080 " in text
    assert " 10.1.0.2:8080 " in text
    assert " 10.1.0.1:8080 " in site.fleet.get("revisions/1/config")


def test_it_is_validated_with_its_addresses(site: Site) -> None:
    assert site.fleet.post("config/validate")["valid"]
    document = json.loads(site.fleet.api.get("/api/config/export?format=json").content)
    site.dns.addresses["evil.example.com"] = ["169.254.169.254"]
    document["pools"][0]["backends"][0]["address"] = "evil.example.com:80"
    answer = site.fleet.api.post("/api/config/validate", document)
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"] == "/pools/0/backends/0/address"


def test_it_is_found_by_its_name(site: Site) -> None:
    def count(query: str) -> int:
        return int(site.fleet.get(f"backends?{query}")["total_count"])

    assert (count(f"address={APP}:8080"), count(f"address={APP}:81"), count("search=app.exam")) == (1, 0, 1)


def say(world: World, site: Site, **opers: str) -> None:
    """What a node sees of each address, by its last number."""
    with platform_scope():
        node = world.ours.placement.cluster.nodes.get(name="n1")
        told = {
            frames.name(world.ours, address_key(site.backend["id"], f"10.1.0.{last}", 8080), f"p{site.pool.pk}"):
            frames.server(sessions=3, **({"admin": oper} if oper == "maint" else {"oper": oper}))
            for last, oper in ((name[1:], oper) for name, oper in opers.items())
        }  # fmt: skip
        now = timezone.now()
        status.observe(node, frames.frame(told, at=now, full=True), now=now)


def test_each_address_is_shown_with_what_is_seen_there(site: Site, committed: World) -> None:
    say(committed, site, a1="up", a2="down")
    shown = site.shown()
    assert [(one["address"], one["status"]["oper"]) for one in shown["resolution"]["addresses"]] == [
        ("10.1.0.1:8080", "up"), ("10.1.0.2:8080", "down"),
    ]  # fmt: skip
    assert (shown["status"]["oper"], shown["status"]["sessions"]) == ("up", 6), "requests go there"
    say(committed, site, a1="down", a2="down")
    assert site.shown()["status"]["oper"] == "down"
    assert site.fleet.get(f"pools/{site.pool.pk}")["status"]["total"] == 1, "backends are counted, not addresses"


def test_addresses_on_their_way_out_say_nothing(site: Site, committed: World) -> None:
    say(committed, site, a1="up", a2="up", a9="maint")
    seen = queries.tenant_snapshot(committed.ours.key, now=timezone.now()).by_backend()[site.backend["id"]][1]
    assert seen.sessions == 6


def page(world: World, site: Site, language: str = "en") -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(world.owner)
    answer = client.get(f"/t/{site.tenant.slug}/pools/{site.pool.pk}")
    assert answer.status_code == 200
    content: str = answer.content.decode()
    return content


def test_the_pools_page_shows_the_addresses_and_what_is_wrong(site: Site, committed: World) -> None:
    say(committed, site, a1="up", a2="down")
    text = page(committed, site)
    assert "10.1.0.1:8080" in text
    assert 'data-state="down"' in text
    site.dns.addresses.pop(APP)
    look_again()
    assert f"The name {APP} does not exist." in page(committed, site)
    assert f"O nome {APP} não existe." in page(committed, site, "pt-br")


def test_the_form_takes_a_name_and_says_what_is_wrong_with_it(site: Site, committed: World) -> None:
    client = Client()
    client.force_login(committed.owner)
    path = f"/t/{site.tenant.slug}/pools/{site.pool.pk}/backends/new"
    site.dns.addresses["evil.example.com"] = ["169.254.169.254"]
    refused = client.post(path, {"address": "evil.example.com:80", "weight": "1"})
    assert refused.status_code == 422
    assert "where no traffic is sent" in refused.content.decode()
    saved = client.post(path, {"address": "Later.example.com:80", "weight": "1"}, follow=True)
    assert "The name later.example.com does not exist." in saved.content.decode()
    with tenant_scope(site.tenant):
        assert Backend.objects.get(host="later.example.com").port == 80
