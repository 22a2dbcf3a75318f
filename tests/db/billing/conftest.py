"""A Stripe that answers, and our two tenants as its customers."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from billing.services import subscriptions
from tenants.actor import SYSTEM
from tenants.models import Tenant
from tenants.scope import platform_scope
from tests import stripe_server
from tests.conftest import World
from tests.stripe_server import Stripe

OURS, THEIRS = ("cus_Ours", "sub_Ours"), ("cus_Theirs", "sub_Theirs")


@pytest.fixture
def stripe(settings: Any) -> Iterator[Stripe]:
    with stripe_server.running() as server:
        settings.STRIPE_KEY, settings.STRIPE_API_BASE = stripe_server.KEY, server.url
        yield server


@pytest.fixture
def linked(stripe: Stripe, world: World) -> Stripe:
    stripe.add(*OURS)
    stripe.add(*THEIRS, plan="business", amount=9999)
    link(world.ours, *OURS)
    link(world.theirs, *THEIRS)
    return stripe


def link(tenant: Tenant, customer: str | None, subscription: str | None) -> None:
    with platform_scope():
        subscriptions.link(tenant, customer=customer, subscription=subscription, by=SYSTEM, now=timezone.now())
