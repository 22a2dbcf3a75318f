"""What a tenant holds its clients to and has its answers say: asked for, kept, bounded, and as HAProxy will have it."""

from dataclasses import asdict
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from balancer.fleet.models import Edit
from balancer.haproxy.protection import ClientRules, FrameOptions, Hsts, SecurityHeaders
from balancer.models import RateLimit
from balancer.queries import desired_state
from billing.services import subscriptions
from tenants.actor import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.balancer.test_bad_input import HOSTILE, refused
from tests.db.stored import everything

pytestmark = pytest.mark.django_db
LIMIT, HEADERS = "/api/tenants/ours/rate-limit", "/api/tenants/ours/security-headers"
NONE: dict[str, Any] = {
    "per_address": {"requests_per_second": None, "burst": None, "status": 429},
    "allowed_networks": [],
    "trusted_proxies": [],
}
SOME: dict[str, Any] = {
    "per_address": {"requests_per_second": 20, "burst": 40, "status": 403},
    "allowed_networks": ["203.0.113.7", " 2001:DB8::/32", "203.0.113.7/32"],
    "trusted_proxies": ["10.0.0.0/8"],
}
OFF = dict.fromkeys(("hsts", "content_type_options", "frame_options", "referrer_policy", "permissions_policy"), "off")


def state(tenant: Tenant) -> Any:
    with tenant_scope(tenant):
        return desired_state.of(tenant)


def test_nothing_is_set_at_first_and_that_can_be_read(world: World) -> None:
    viewer = build.api(world.viewer, world.ours)
    shown = viewer.get(LIMIT)
    assert shown.headers["ETag"]
    assert shown.json() == {
        **NONE, "effective": {"requests_per_second": None, "burst": None}, "counted": {"per": "node", "nodes": 2},
        "updated_at": None,
    }  # fmt: skip
    assert viewer.get("/api/rate-limit").json() == shown.json()
    assert viewer.get(HEADERS).json() == {**OFF, "updated_at": None}
    assert (state(world.ours).clients, state(world.ours).headers) == (ClientRules(), SecurityHeaders())


def test_what_is_set_is_kept_told_and_on_its_way_to_the_nodes(world: World) -> None:
    operator = build.member(world.ours, Role.OPERATOR)
    answer = build.api(operator, world.ours).put(LIMIT, SOME)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["per_address"] == SOME["per_address"]
    assert body["allowed_networks"] == ["203.0.113.7/32", "2001:db8::/32"]  # one spelling, and once
    assert body["effective"] == {"requests_per_second": 20, "burst": 40}
    assert body["change"]["state"] == "pending"
    assert build.api(world.viewer, world.ours).get(LIMIT).json() == {k: v for k, v in body.items() if k != "change"}
    wanted = ClientRules(20, 40, 403, ("203.0.113.7/32", "2001:db8::/32"), ("10.0.0.0/8",))
    assert state(world.ours).clients == wanted
    assert state(world.theirs).clients == ClientRules()
    with platform_scope():
        edit = Edit.objects.filter(tenant=world.ours).latest("id")
        entry = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="ratelimit.update").latest("id")
    assert (edit.kind, edit.revision, edit.by_id) == ("ratelimit", None, operator.pk)
    assert edit.after["trusted_proxies"] == ["10.0.0.0/8"]
    assert (entry.before["requests_per_second"], entry.after["requests_per_second"]) == (None, 20)
    again = build.api(operator, world.ours).put(LIMIT, {})  # what is left out goes back
    assert {name: again.json()[name] for name in NONE} == NONE
    assert state(world.ours).clients == ClientRules()


def test_headers_are_set_by_their_choices(world: World) -> None:
    api = build.api(world.owner, world.ours)
    answer = api.put(HEADERS, {"hsts": "year", "frame_options": "deny"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["content_type_options"] == "off"
    assert state(world.ours).headers == SecurityHeaders(hsts=Hsts.YEAR, frame_options=FrameOptions.DENY)
    with platform_scope():
        assert AuditEntry.objects.filter(tenant_id=world.ours.pk, act="securityheaders.update").exists()


@pytest.mark.parametrize("path", [LIMIT, HEADERS])
def test_a_write_over_what_one_has_not_seen_is_refused(world: World, path: str) -> None:
    api = build.api(world.owner, world.ours)
    first = api.get(path)
    another: dict[str, Any] = {"hsts": "day"} if path == HEADERS else SOME
    assert api.put(path, another, **{"If-Match": '"other"'}).status_code == 412
    done = api.put(path, another, **{"If-Match": first.headers["ETag"]})
    assert done.status_code == 200
    assert done.headers["ETag"] == api.get(path).headers["ETag"] != first.headers["ETag"]
    assert api.put(path, {}, **{"If-Match": first.headers["ETag"]}).status_code == 412
    assert api.put(path, api.get(path).json(), **{"If-Match": done.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", [LIMIT, HEADERS])
def test_another_tenants_is_not_there(world: World, path: str) -> None:
    stranger = build.api(world.their_owner)
    before = everything(world.ours, world.theirs)
    assert stranger.get(path).status_code == 404
    assert stranger.put(path, {}).status_code == 404
    assert everything(world.ours, world.theirs) == before
    for role in (Role.VIEWER, Role.BILLING):
        answer = build.api(build.member(world.ours, role), world.ours).put(path, {})
        assert (answer.status_code, answer.json()["needed"]) == (403, "edit")


RATE, BURST, STATUS = ("/per_address/" + name for name in ("requests_per_second", "burst", "status"))


@pytest.mark.parametrize(
    ("per_address", "pointer", "words"),
    [
        ({"requests_per_second": 0}, RATE, "greater than or equal to 1"),
        ({"requests_per_second": -1}, RATE, "greater than or equal to 1"),
        ({"requests_per_second": "many"}, RATE, "integer"),
        ({"requests_per_second": 1.5}, RATE, "integer"),
        ({"requests_per_second": True}, RATE, "integer"),
        ({"requests_per_second": [5]}, RATE, "integer"),
        ({"requests_per_second": 10**30}, RATE, "less than or equal to"),
        ({"requests_per_second": 5, "burst": 0}, BURST, "greater than or equal to 1"),
        ({"requests_per_second": 5, "burst": 1201}, BURST, "from 1 to 1200"),
        ({"burst": 5}, BURST, "give both"),
        ({"requests_per_second": 5, "status": 200}, STATUS, "not a valid choice"),
        ({"requests_per_second": 5, "status": "429\n"}, STATUS, "not a valid choice"),
        ({"requests_per_second": 5, "status": None}, STATUS, "null"),
        ({"rps": 5}, "/per_address/rps", "There is no such field"),
    ],
)
def test_a_rate_that_is_none_is_refused_by_its_field(
    world: World, per_address: dict[str, Any], pointer: str, words: str
) -> None:
    api = build.api(world.owner, world.ours)
    before = everything(world.ours)
    refused(api.put(LIMIT, {"per_address": per_address}), 422, pointer, words)
    assert everything(world.ours) == before


@pytest.mark.parametrize("field", ["allowed_networks", "trusted_proxies"])
@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("10.0.0.1/8", "the network is 10.0.0.0/8"),
        ("2001:db8::1/32", "the network is 2001:db8::/32"),
        ("0.0.0.0/0", "too wide"),
        ("::/0", "too wide"),
        ("::/16", "too wide"),
        ("10.0.0.0/7", "too wide"),
        ("::ffff:10.0.0.0/104", "without the ::ffff:"),
        ("fe80::1%eth0", "zone"),
        ("10.0.0.0/33", "not a network"),
        ("10.0.0.0-10.0.0.9", "not a network"),
        ("example.com", "not a network"),
        ("10.0.0.0/8 ta", "not a network"),
        ('10.0.0.0/8"', "not a network"),
        ("10.0.0.0/8#", "not a network"),
        ("#10.0.0.0/8", "not a network"),
        ("10.0.0.0/8;show env", "not a network"),
        *((each, "") for each in HOSTILE),
        ("10.0.0.0/8\n10.1.0.0/16", "not a network"),
        ("1" * 101, "no more than 100 characters"),
        ("", "blank"),
    ],
)
def test_what_is_no_network_of_a_list_is_refused_by_its_place(
    world: World, field: str, network: str, words: str
) -> None:
    api, body = build.api(world.owner, world.ours), {field: ["192.0.2.0/24", network]}
    before = everything(world.ours)
    refused(api.put(LIMIT, body), 422, f"/{field}/1", words)
    assert everything(world.ours) == before


@pytest.mark.parametrize("field", ["allowed_networks", "trusted_proxies"])
def test_a_list_has_fifty_networks_at_most(world: World, field: str) -> None:
    api = build.api(world.owner, world.ours)
    many = [f"10.{n // 256}.{n % 256}.0/24" for n in range(10_000)]
    before = everything(world.ours)
    refused(api.put(LIMIT, {field: many}), 422, f"/{field}", "takes 50 networks; this has 10000")
    refused(api.put(LIMIT, {field: many[:51]}), 422, f"/{field}", "this has 51")
    refused(api.put(LIMIT, {field: "10.0.0.0/8"}), 422, f"/{field}", "list")
    refused(api.put(LIMIT, {field: [1.5, {}]}), 422, f"/{field}/1", "string")
    assert everything(world.ours) == before
    assert api.put(LIMIT, {field: many[:50]}).status_code == 200


@pytest.mark.parametrize("field", OFF)
@pytest.mark.parametrize("value", ["on", "DENY", "max-age=1", "off\n", 'x" X-Evil: "1', "#", "", None, 5, ["off"]])
def test_a_header_takes_one_of_its_choices(world: World, field: str, value: Any) -> None:
    api = build.api(world.owner, world.ours)
    before = everything(world.ours)
    refused(api.put(HEADERS, {field: value}), 422, f"/{field}", "")
    assert everything(world.ours) == before


def test_the_plan_is_the_bound_and_says_so(world: World) -> None:
    api = build.api(world.owner, world.ours)
    at_most = {"per_address": {"requests_per_second": 1000, "burst": 2000}}
    assert api.put(LIMIT, at_most).status_code == 200
    before = everything(world.ours)
    for values, pointer, limit in (
        ({"requests_per_second": 1001}, RATE, 1000),
        ({"requests_per_second": 1000, "burst": 2001}, BURST, 2000),
    ):
        answer = api.put(LIMIT, {"per_address": values})
        refused(answer, 402, pointer, "choose a larger plan")
        problem = answer.json()
        assert (problem["code"], problem["limit"], problem["used"]) == ("limit_reached", limit, limit + 1)
        assert problem["upgrade_url"].endswith("/pricing")
    assert everything(world.ours) == before


def test_a_smaller_plan_bounds_what_is_set_and_a_larger_one_gives_it_back(world: World) -> None:
    api = build.api(world.owner, world.ours)
    api.put(LIMIT, {"per_address": {"requests_per_second": 500, "burst": 1500}})
    change(world.ours, "free")
    assert state(world.ours).clients == ClientRules(10, 20)
    shown = api.get(LIMIT).json()
    assert shown["per_address"]["requests_per_second"] == 500
    assert shown["effective"] == {"requests_per_second": 10, "burst": 20}
    assert api.put(LIMIT, {"per_address": shown["per_address"]}).status_code == 402
    change(world.ours, "pro")
    assert state(world.ours).clients == ClientRules(500, 1500)


def change(tenant: Tenant, plan: str) -> None:
    subscriptions.change(tenant, plan=plan, by=SYSTEM, now=timezone.now())


def test_the_config_shows_what_holds_and_the_export_takes_it_along(world: World) -> None:
    api = build.api(world.owner, world.ours)
    api.put(LIMIT, SOME)
    api.put(HEADERS, {"hsts": "day"})
    change(world.ours, "free")
    shown = build.api(world.viewer, world.ours).get("/api/tenants/ours/config").json()
    assert shown["traffic"] == {
        "rate_limit": {
            "per_address": {"requests_per_second": 10, "burst": 20, "status": 403},
            "allowed_networks": ["203.0.113.7/32", "2001:db8::/32"],
            "trusted_proxies": ["10.0.0.0/8"],
            "counted": {"per": "node", "nodes": 2},
        },
        "security_headers": {**OFF, "hsts": "day"},
    }
    taken = api.get("/api/tenants/ours/export").json()
    assert taken["rate_limit"]["allowed_networks"] == ["203.0.113.7/32", "2001:db8::/32"]
    assert taken["security_headers"]["hsts"] == "day"


def test_there_is_one_row_and_it_holds_what_the_rules_say(world: World) -> None:
    for wrong in ({"id": "second"}, {"status": 200}, {"requests_per_second": 0}):
        with tenant_scope(world.ours), pytest.raises(IntegrityError), transaction.atomic():
            RateLimit.objects.create(**wrong)


def test_the_etag_is_of_what_is_said() -> None:
    assert RateLimit().etag == RateLimit(updated_at=timezone.now()).etag != RateLimit(burst=5).etag
    assert asdict(SecurityHeaders()).keys() == OFF.keys()
