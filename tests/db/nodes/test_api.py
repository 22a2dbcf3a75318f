"""/api/nodes: for staff, who show that it is them before a key is made."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from tenants.models import SignIn
from tenants.scope import platform_scope
from tests import build
from tests.build import Api
from tests.conftest import World
from tests.db.nodes.conftest import Beat, node
from tests.db.nodes.test_keys import fetch

pytestmark = pytest.mark.django_db


def test_two_nodes_of_one_name_are_refused_and_a_cluster_nobody_knows_too(staff: Api) -> None:
    for name, cluster, code in (("n1", "main", "taken"), ("n9", "elsewhere", "unknown_cluster")):
        answer = staff.post("/api/nodes", {"name": name, "cluster": cluster})
        assert answer.json()["errors"][0]["code"] == code, answer.content
    made = staff.post("/api/nodes", {"name": "n9", "cluster": "elsewhere", "create_cluster": True})
    assert made.json()["cluster"] == "elsewhere"
    assert staff.post("/api/nodes", {"name": "n 8", "cluster": "main"}).status_code == 422


@pytest.mark.parametrize("act", ["", "/cordon", "/uncordon", "/rotate-key", "/redeploy"])
def test_whoever_is_not_staff_is_refused(world: World, act: str) -> None:
    owner = build.api(world.owner, world.ours)
    path = f"/api/nodes/{node('n1').pk}{act}"
    answer = owner.post(path) if act else owner.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert build.api()("POST" if act else "GET", path).status_code == 401
    assert owner.post("/api/nodes", {"name": "mine", "cluster": "main"}).status_code == 403


def test_staff_prove_it_is_them_before_a_key_is_made_or_a_node_goes(staff: Api, kept: "redis.Redis") -> None:
    with platform_scope():
        SignIn.objects.update(proven_at=timezone.now() - timedelta(hours=1))
    path = f"/api/nodes/{node('n1').pk}"
    answers = [
        staff.post("/api/nodes", {"name": "n3", "cluster": "main"}), staff.post(f"{path}/rotate-key"),
        staff.delete(path),
    ]  # fmt: skip
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "reauthentication_required")] * 3
    assert staff.get(path).status_code == 200, "a look needs none"


def test_guesses_are_limited(settings: Any, kept: "redis.Redis") -> None:
    settings.THROTTLES = {"auth": 3}
    answers = [fetch("vfn_" + "y" * 43).status_code for _ in range(4)]
    assert answers == [422, 422, 422, 429]


def test_a_list_of_nodes_says_how_each_is(staff: Api, beat: Beat) -> None:
    beat("n1", drift=["taaaaaaaaaaaa should be: x"], version="2.6.12-1")
    listed = staff.get("/api/nodes?cluster=main&ordering=name").json()["items"]
    one, two = listed
    assert (one["name"], one["status"]["fresh"], one["status"]["version"]) == ("n1", "live", "2.6.12-1")
    assert (two["name"], two["status"]["fresh"], two["status"]["age"]) == ("n2", "offline", None)
    assert staff.get("/api/nodes?joined=false").json()["items"] == []
    assert staff.get("/api/nodes?cordoned=true").json()["items"] == []
