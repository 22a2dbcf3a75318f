"""Make what a first start needs: a first login, a cluster with its nodes, the demo tenant. Safe to run again."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from balancer.models import Pool
from balancer.services import backends, broker_users, nodes, pools, routes
from tenants.actor import SYSTEM, Actor
from tenants.models import Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tenants.services import keys
from tenants.services.people import accounts

EMAIL = "admin@demo.localhost"
HOST = "demo.localhost"
ORIGINS = [f"127.0.0.1:{port}" for port in range(9101, 9105)]


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """Shown once: only digests are kept."""

    email: str
    password: str
    api_key: str


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print what was made as JSON")
        parser.add_argument("--nodes", default="n1,n2", help="names of the nodes, by comma")
        parser.add_argument("--origins", default=",".join(ORIGINS), help="the demo tenant's backends, by comma")

    def handle(self, *_: Any, **options: Any) -> None:
        with platform_scope():
            cluster = nodes.default_cluster()
            made = [node_environment(nodes.onboard(name, cluster)) for name in options["nodes"].split(",")]
            login = first_login()
        demo_traffic(options["origins"].split(","))
        answer = {
            "created": login is not None,
            "email": EMAIL,
            "password": login.password if login else None,
            "api_key": login.api_key if login else None,
            "tenant": "demo",
            "host": HOST,
            "nodes": made,
        }
        self.stdout.write(json.dumps(answer) if options["json"] else "\n".join(f"{k}: {v}" for k, v in answer.items()))


def node_environment(onboarded: nodes.Onboarded) -> dict[str, str]:
    """Write what the node's own processes are started with: nothing of the console's is in it."""
    folder = Path(settings.NODES_DIR) / onboarded.node.name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    env = {
        "VELOFLUX_NODE_ID": onboarded.node.pk,
        "VELOFLUX_NODE_NAME": onboarded.node.name,
        "VELOFLUX_NODE_KEY": nodes.key_of(onboarded.node),
        "VELOFLUX_NODE_DIR": str(folder),
        "VELOFLUX_NODE_BROKER_URL": broker_users.url_for(onboarded.broker_user, onboarded.broker_password),
    }
    path = folder / "env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in env.items()))
    return {"name": onboarded.node.name, "id": onboarded.node.pk, "env_file": str(path)}


@transaction.atomic
def first_login() -> FirstLogin | None:
    """The demo tenant's owner, who is staff too; None when there is one already. All of it or none: the password is
    known here only."""
    if User.objects.filter(email=EMAIL).exists():
        return None
    password = secrets.token_urlsafe(15)
    user, tenant = accounts.register(
        accounts.NewAccount(
            email=EMAIL, password=password, first_name="Demo", last_name="Admin", tenant_name="Demo", plan="pro"
        ),
        now=timezone.now(),
    )
    accounts.make_staff(user, now=timezone.now())
    with tenant_scope(tenant):
        by = Actor(user.pk, "system", role=Role.OWNER)
        _, key = keys.create(tenant, name="first start", role=Role.OWNER, expires_at=None, by=by, now=timezone.now())
    return FirstLogin(EMAIL, password, key)


def demo_traffic(origins: list[str]) -> None:
    """A pool of the four origins and a route to it, unless the tenant has a pool already."""
    with platform_scope():
        tenant = Tenant.objects.get(slug="demo")
    now = timezone.now()
    with tenant_scope(tenant):
        if Pool.objects.exists():
            return
        pool = pools.create(
            pools.NewPool(name="demo", check_path="/health", check_interval_ms=2000), by=SYSTEM, now=now
        ).object
        for origin in origins:
            backends.add(pool, backends.NewBackend(address=origin), by=SYSTEM, now=now)
        routes.create(routes.NewRoute(host=HOST, pool=pool.pk), by=SYSTEM, now=now)
