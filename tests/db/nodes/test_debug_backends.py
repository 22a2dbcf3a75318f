"""/api/debug/backends: what nodes answered, beside what they shall have; and who did not answer."""

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from balancer import enqueue
from balancer.api.debug_backends import entry_json, server_json
from balancer.edge import signing
from balancer.fleet.models import Cluster, Snapshot
from balancer.haproxy.codec import digest, to_json
from balancer.haproxy.desired import AdminState, Pool, Route, Server, Tenant
from balancer.haproxy.render import map_entries
from balancer.queries import really, store
from balancer.services import inspections
from balancer.services.nodes import key_of
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.nodes.conftest import Beat, node
from tests.pages import page_of, signed_in

pytestmark = pytest.mark.django_db
POOL, ONE, TWO = "p" + "a" * 12, "b" + "b" * 12, "b" + "c" * 12


def state(key: str) -> Tenant:
    servers = (Server(ONE, "10.0.0.1", 80), Server(TWO, "10.0.0.2", 80, weight=7, admin=AdminState.DRAIN))
    return Tenant(key=key, pools=(Pool(POOL, servers=servers),), routes=(Route("r1", "a.test", "/", POOL),))


def server(address: str, **values: Any) -> dict[str, Any]:
    found = {"address": address, "port": 80, "weight": 100, "admin": "ready", "oper": "up", "check_port": 0}
    found |= {"check": "L7OK", "code": 200, "check_ms": 3, "detail": "ok", "changed_s": 5, "max_connections": None}
    return {**found, "sessions": 1, "rate": 2, "queue": 0, "total": 9, "raw": "4 t_p 1 b", **values}


def told(key: str, **values: Any) -> dict[str, Any]:
    proxy = f"{key}_{POOL}"
    servers = {f"{proxy}/{ONE}": server("10.0.0.1"), f"{proxy}/{TWO}": server("10.0.0.2", weight=7, admin="drain")}
    maps = {"maps/hosts.map": {"a.test": key}, "maps/routes.map": {"a.test/": proxy}}
    found = {"tenant": key, "generation": 1, "waits": False, "at": timezone.now().timestamp(), "pid": 1}
    return {**found, "version": "2.6.12", "servers": servers, "maps": maps, "errors": [], "cut": False, **values}


@pytest.fixture
def snapshot(world: World) -> Tenant:
    desired = state(world.ours.key)
    revision = build.revision(world.ours)
    with tenant_scope(world.ours):
        values = {"revision": revision, "generation": 1, "digest": digest(desired), "state": to_json(desired)}
        Snapshot.objects.create(tenant=world.ours, cluster=Cluster.objects.get(is_default=True), **values)
    return desired


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Mapping[str, Any]]:
    """By node, what it says when it is asked; who is not in it is silent."""
    found: dict[str, Mapping[str, Any]] = {}

    def ask(node_id: str, body: str, signature: str, *, within: float) -> None:
        with platform_scope():
            asked = next(one for one in Cluster.objects.get(is_default=True).nodes.all() if one.pk == node_id)
        signing.verify(key_of(asked), body, signature)
        question = json.loads(body)
        assert (question["node"], question["act"], within) == (node_id, "look", inspections.PATIENCE)
        if asked.name in found:
            answer = {"ask": question["ask"], **found[asked.name]}
            threading.Timer(0.05, inspections.answered, [asked, answer]).start()

    monkeypatch.setattr(enqueue, "look", ask)
    return found


def look(world: World) -> dict[str, Any]:
    answer = build.api(world.owner, world.ours).get("/api/debug/backends")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_what_is_as_it_should_be_has_no_difference(
    world: World, beat: Beat, snapshot: Tenant, answers: dict[str, Any]
) -> None:
    beat("n1")
    answers["n1"] = told(world.ours.key)
    body = look(world)
    one, two = body["nodes"]
    assert (one["node"], one["answered"], one["differences"], one["version"]) == ("n1", True, 0, "2.6.12")
    assert [(side["backend"], side["differs"]) for side in one["backends"]] == [("b" * 12, []), ("c" * 12, [])]
    assert one["backends"][0]["running"]["last_check"] == {
        "check": "L7OK",
        "code": 200,
        "detail": "ok",
        "duration": "3ms",
    }
    assert (two["node"], two["answered"], two["why"]) == ("n2", False, "It was never heard.")


def test_every_difference_is_named(world: World, beat: Beat, snapshot: Tenant, answers: dict[str, Any]) -> None:
    beat("n1")
    proxy = f"{world.ours.key}_{POOL}"
    answers["n1"] = told(
        world.ours.key,
        servers={
            f"{proxy}/{ONE}": server("10.9.9.9", weight=3, admin="maint"),
            f"{proxy}/b{'d' * 12}": server("10.0.0.3"),
        },
        maps={"maps/hosts.map": {"b.test": world.ours.key}, "maps/routes.map": {"a.test/": "elsewhere"}},
        errors=[{"proxy": proxy, "side": "response", "at": "22/Nov", "server": ONE, "position": 4, "more": "x"}],
    )
    (one, _) = look(world)["nodes"]
    assert [(side["backend"][0], side["differs"]) for side in one["backends"]] == [
        ("b", ["address", "weight", "admin"]),
        ("c", ["missing"]),
        ("d", ["extra"]),
    ]
    assert {(side["map"], side["key"], side["differs"]) for side in one["maps"]} == {
        ("hosts", "a.test", "missing"),
        ("hosts", "b.test", "extra"),
        ("routes", "a.test/", "other"),
    }
    assert one["differences"] == 6
    assert one["breaches"] == [{"proxy": proxy, "side": "response", "at": "22/Nov", "server": ONE, "position": 4}]


def test_a_node_that_is_silent_is_told_and_not_waited_for_longer(
    world: World, beat: Beat, answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inspections.PATIENCE <= 4.5
    monkeypatch.setattr(inspections, "PATIENCE", 0.5)
    beat("n1", "n2")
    answers["n2"] = told(world.ours.key)
    said = {one["node"]: (one["answered"], one["why"]) for one in look(world)["nodes"]}
    assert said == {"n1": (False, "It did not answer in time."), "n2": (True, "")}


def test_an_answer_that_nobody_asked_for_or_about_another_tenant_is_dropped(world: World, kept: "redis.Redis") -> None:
    question = "0" * 32
    inspections.answered(node("n1"), {"ask": question, "tenant": world.ours.key})
    inspections.answered(node("n1"), {"ask": "../x", "tenant": world.ours.key})
    assert kept.keys("look:*") == []
    kept.set(store.look_key(question), world.ours.key)
    inspections.answered(node("n1"), {"ask": question, "tenant": world.theirs.key})
    inspections.answered(node("n1"), {"ask": question, "tenant": world.ours.key, "x": "y" * inspections.ANSWER_MOST})
    assert not kept.exists(store.answers_key(question))
    inspections.answered(node("n1"), {"ask": question, "tenant": world.ours.key, "node": "another's"})
    (text,) = kept.lrange(store.answers_key(question), 0, -1)
    assert json.loads(text)["node"] == node("n1").pk, "it speaks for itself only"


def test_it_is_for_admins(world: World) -> None:
    answer = build.api(world.viewer, world.ours).get("/api/debug/backends")
    assert (answer.status_code, answer.json()["needed"]) == (403, "secrets")


SERVERS, ENTRIES = 5, 8


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer holds no more than that."""
    monkeypatch.setattr("balancer.queries.really.SERVERS_TOLD_MOST", SERVERS)
    monkeypatch.setattr("balancer.queries.really.ENTRIES_TOLD_MOST", ENTRIES)


def big(key: str) -> Tenant:
    """One server more than a node's answer holds, and one entry more."""
    servers = tuple(Server(f"b{n:012}", f"10.0.{n // 250}.{n % 250}", 80) for n in range(SERVERS + 1))
    routes = tuple(Route(f"r{n}", "a.test", f"/{n}", POOL) for n in range(ENTRIES))
    return Tenant(key=key, pools=(Pool(POOL, servers=servers),), routes=routes)


def cut_answer(key: str) -> dict[str, Any]:
    """As `edge.inspection` cuts it; the first server differs."""
    whole, proxy = big(key), f"{key}_{POOL}"
    kept = whole.pools[0].servers[:SERVERS]
    found = {f"{proxy}/{one.key}": server(one.address) for one in kept}
    found[f"{proxy}/{kept[0].key}"]["weight"] = 3
    entries, left = dict[str, dict[str, str]](), ENTRIES
    for path, wanted in map_entries(whole).items():
        entries[path] = dict(list(wanted.items())[:left])
        left -= len(entries[path])
    return told(key, servers=found, maps=entries, cut=True)


def test_what_a_cut_answer_left_out_is_not_called_missing(world: World, few: None) -> None:
    key = world.ours.key
    state, answer = big(key), cut_answer(key)
    servers, entries = really.servers(state, answer), really.entries(state, answer)
    assert [(one.server[-1], one.differs) for one in servers if one.differs] == [("0", ("weight",))]
    assert [one.differs for one in entries if one.differs] == []
    assert [one.server.rpartition("b")[2] for one in servers if one.untold] == [f"{SERVERS:012}"]
    assert len([one for one in entries if one.untold]) == len(entries) - ENTRIES > 0
    whole = {**answer, "servers": dict(list(answer["servers"].items())[: SERVERS - 1])}
    assert really.servers(state, whole)[-1].differs == ("missing",), "of servers it was whole"
    assert really.servers(state, {**answer, "cut": False})[-1].differs == ("missing",)
    shown = [server_json(servers[-1]), entry_json(next(one for one in entries if one.untold))]
    assert [(one["running"], one["differs"], one["untold"]) for one in shown] == [(None, [], True), (None, "", True)]


def test_the_page_says_that_an_answer_was_cut(world: World, beat: Beat, answers: dict[str, Any], few: None) -> None:
    desired = big(world.ours.key)
    revision = build.revision(world.ours)
    with tenant_scope(world.ours):
        values = {"revision": revision, "generation": 1, "digest": digest(desired), "state": to_json(desired)}
        Snapshot.objects.create(tenant=world.ours, cluster=Cluster.objects.get(is_default=True), **values)
    beat("n1")
    answers["n1"] = cut_answer(world.ours.key)
    one = look(world)["nodes"][0]
    assert (one["cut"], one["differences"]) == (True, 1)
    said = {"en": ("What the answer left out", "not told", "1 difference"), "pt-br": ("ficou de fora", "não informado")}
    for language, words in said.items():
        visitor = signed_in(build.member(world.ours, Role.ADMIN), language)
        shown = page_of(visitor.get(f"/t/{world.ours.slug}/on-the-nodes"))
        assert [word for word in (*words, 'data-testid="really-cut"') if word not in shown] == []


def test_a_node_whose_clock_is_ahead_is_told_to_set_it(
    world: World, beat: Beat, answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspections, "PATIENCE", 0.5)
    beat("n1", at=timezone.now() + timedelta(seconds=45))
    beat("n2", at=timezone.now() + timedelta(seconds=1))
    one, two = look(world)["nodes"]
    assert one["why"].startswith("Its clock is 4")
    assert "Set its clock." in one["why"]
    assert two["why"] == "It did not answer in time."
    answers["n1"] = told(world.ours.key)
    assert look(world)["nodes"][0]["why"] == "", "it answered nevertheless"
    del answers["n1"]
    shown = page_of(signed_in(build.member(world.ours, Role.ADMIN), "pt-br").get(f"/t/{world.ours.slug}/on-the-nodes"))
    assert "s adiantado: as perguntas expiram" in shown
