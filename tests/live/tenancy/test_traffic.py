"""What a tenant's life does to its traffic, on real HAProxy nodes: by what staff and owners do, and by nothing else."""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from balancer.haproxy.running import LIMITS
from tests.live.load import ask
from tests.live.origins import Origin, start
from tests.live.road.conftest import Site, post
from tests.live.runtime import reloads, say
from tests.live.stack import NodeUnderTest, Stack, until

pytestmark = pytest.mark.live
PASSWORD = "correct horse battery staple"
SOON = 5.0  # seconds


def on_every_node(stack: Stack, host: str, status: int, *, within: float = SOON) -> None:
    for node in stack.nodes:
        until(lambda n=node: seen(n, host) == status, within=within, what=f"{host} answering {status}")  # type: ignore[misc]


def seen(node: NodeUnderTest, host: str) -> int:
    return httpx.get(node.url, headers={"Host": host}, timeout=5).status_code


@pytest.fixture
def origin() -> Iterator[Origin]:
    running = start("shop")
    yield running
    running.stop()


class Customer:
    """Somebody who signed up, with a site that serves."""

    def __init__(self, stack: Stack, origin: Origin, *, plan: str = "pro") -> None:
        self.stack, name = stack, f"shop-{secrets.token_hex(4)}"
        self.host = f"{name}.test"
        new = {"email": f"{name}@people.test", "password": PASSWORD, "tenant_name": name, "plan": plan}
        made = httpx.post(f"{stack.console}/api/auth/register", json=new, timeout=20)
        assert made.status_code == 201, made.text
        self.slug, self.id = made.json()["tenant"]["slug"], made.json()["tenant"]["id"]
        self.api = stack.api(self.slug, key=made.json()["token"])
        check = {"path": "/health", "interval": "300ms", "rise": 1, "fall": 2, "timeout": "3s"}
        pool = post(self.api, "/pools", {"name": "web", "health_check": check})
        post(self.api, "/backends", {"pool": pool["id"], "address": origin.address})
        post(self.api, "/routes", {"host": self.host, "pool": pool["id"]})
        on_every_node(stack, self.host, 200, within=20)

    def act(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.api.request(method, path, json=body or {})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def customer(stack: Stack, origin: Origin) -> Iterator[Customer]:
    made = Customer(stack, origin)
    yield made
    made.api.close()


@pytest.fixture
def staff(stack: Stack, customer: Customer) -> Iterator[httpx.Client]:
    """The first start's owner is staff; this names the customer's tenant."""
    with stack.api(customer.slug, key=signed_in(stack, customer.slug)) as client:
        yield client


def test_g1_a_suspended_tenants_sites_answer_503_within_seconds_and_come_back(
    stack: Stack, customer: Customer, staff: httpx.Client, make_site: Callable[..., Site]
) -> None:
    neighbour = make_site(1)
    before = [reloads(node) for node in stack.nodes]
    suspended = staff.post("/suspend", json={"reason": "unpaid"})
    assert suspended.json()["status"] == "suspended", suspended.text
    on_every_node(stack, customer.host, 503)
    assert "suspended" in httpx.get(stack.nodes[0].url, headers={"Host": customer.host}).text
    assert ask(stack.nodes[0].http_port, neighbour.host, times=20).by == {neighbour.origins[0].name: 20}
    refused = customer.api.post("/pools", json={"name": "late"})
    assert (refused.status_code, refused.json()["code"]) == (403, "suspended")
    assert staff.post("/activate").json()["status"] == "active"
    on_every_node(stack, customer.host, 200)
    assert [reloads(node) for node in stack.nodes] == before  # maps, at run time


def test_g1_a_deleted_tenants_traffic_stops_is_restored_and_is_purged_from_the_nodes(
    stack: Stack, customer: Customer, road_database: str
) -> None:
    deleted = customer.act("DELETE", "", {"confirm": customer.slug})
    assert deleted["status"] == "deleted"
    on_every_node(stack, customer.host, 421)
    taken = customer.api.get("/export").json()
    assert [route["host"] for route in taken["routes"]] == [customer.host]
    customer.act("POST", "/restore")
    on_every_node(stack, customer.host, 200, within=15)  # its pool is new to the node: a reload
    customer.act("DELETE", "", {"confirm": customer.slug})
    on_every_node(stack, customer.host, 421)
    with psycopg.connect(road_database, autocommit=True) as db:
        db.execute("UPDATE tenants_tenant SET purge_at = now() - interval '1 second' WHERE id = %s", [customer.id])
        stack.run("-c", PURGE)
        schema = db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [f"t_{customer.id}"]).fetchone()
        assert schema is None
        db.execute("SELECT set_config('veloflux.tenant', '*', false)")
        kept = db.execute("SELECT count(*) FROM tenants_auditentry WHERE tenant_id = %s", [customer.id]).fetchone()
        assert kept is not None
        assert kept[0] > 3
    for node in stack.nodes:
        held = node.folder / "fragments" / f"t{customer.id}.json"
        until(lambda h=held: left(h), what=f"{node.name} forgetting the tenant")  # type: ignore[misc]
    assert customer.api.get("").status_code == 401  # the tenant's sign-ins went with it


def left(fragment: Any) -> bool:
    """Gone from the disk, or there as what says that it left."""
    return not fragment.exists() or '"pools"' not in fragment.read_text()


PURGE = """
import veloflux_site.celery, django
django.setup()
from veloflux_site.celery import app
app.send_task("tenants.tasks.purge", queue="control")
import time
from tenants.models import Tenant
from tenants.scope import platform_scope
from django.utils import timezone
deadline = time.monotonic() + 20
with platform_scope():
    while Tenant.objects.filter(status="deleted", purge_at__lte=timezone.now()).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
"""


def test_i8_another_plan_reaches_haproxy_by_itself(stack: Stack, customer: Customer) -> None:
    """Nothing else is changed; the nodes' map of limits shows it."""
    key = f"t{customer.id}"
    for node in stack.nodes:
        assert limit_of(node, key) == "1000/2000"
    stack.run("-c", CHANGE_PLAN.format(tenant=customer.id, plan="free"))
    for node in stack.nodes:
        until(lambda n=node: limit_of(n, key) == "10/20", within=SOON, what=f"{node.name} at the free plan's limit")  # type: ignore[misc]


CHANGE_PLAN = """
import veloflux_site.celery, django
django.setup()
from django.utils import timezone
from billing.services import subscriptions
from tenants.actor import SYSTEM
from tenants.models import Tenant
from tenants.scope import platform_scope
with platform_scope():
    subscriptions.change(Tenant.objects.get(pk="{tenant}"), plan="{plan}", by=SYSTEM, now=timezone.now())
"""


def limit_of(node: NodeUnderTest, key: str) -> str:
    rows = dict(line.split()[1:3] for line in say(node, f"show map {LIMITS}").splitlines() if len(line.split()) == 3)
    return rows.get(key, "")


def test_g1_a_former_slug_works_and_a_page_leads_on(stack: Stack, customer: Customer) -> None:
    renamed = customer.act("PUT", "", {"name": "Renamed", "slug": f"{customer.slug}-new"})
    assert renamed["slug"] == f"{customer.slug}-new"
    assert customer.api.get("/pools").json()["total_count"] == 1


def signed_in(stack: Stack, tenant: str) -> str:
    login = {"email": stack.bootstrap["email"], "password": stack.bootstrap["password"], "tenant": tenant}
    answer = httpx.post(f"{stack.console}/api/auth/login", json=login, timeout=20)
    assert answer.status_code == 200, answer.text
    token: str = json.loads(answer.text)["token"]
    return token


def test_g20_from_signing_up_to_the_first_proxied_request_by_one_form(stack: Stack, origin: Origin) -> None:
    """As a browser without JavaScript does it: sign in, the first site's form, and the site answers on every node."""
    name = f"fresh-{secrets.token_hex(4)}"
    new = {"email": f"{name}@people.test", "password": PASSWORD, "tenant_name": name, "plan": "free"}
    assert httpx.post(f"{stack.console}/api/auth/register", json=new, timeout=20).status_code == 201
    with httpx.Client(base_url=stack.console, timeout=20) as browser:
        sent = submit(browser, "/login", {"email": new["email"], "password": PASSWORD})
        assert sent.status_code == 302, sent.text
        assert f"/t/{name}/start" in browser.get(f"/t/{name}/").text
        form = {"host": f"{name}.test", "addresses": origin.address, "check_path": "/health"}
        made = submit(browser, f"/t/{name}/start", form)
        assert made.headers.get("Location") == f"/t/{name}/", made.text
    on_every_node(stack, f"{name}.test", 200, within=20)


def submit(browser: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    """Open the page and send its form."""
    browser.get(path)
    token = browser.cookies["csrftoken"]
    return browser.post(path, data={**form, "csrfmiddlewaretoken": token})
