"""`/api/tenants/{t}/billing`: what Stripe says, said once; and plainly what it does not say."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import stripe as library
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from billing.models import Subscription
from billing.services import accounts, stripe_accounts, subscriptions
from billing.stripe import asking
from tenants.actor import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tests import build, stripe_server
from tests.conftest import World
from tests.db.billing.conftest import OURS, THEIRS, link
from tests.stripe_server import Stripe

django_db = pytest.mark.django_db
Answer = dict[str, Any]


def billing(world: World, tenant: Tenant | None = None) -> Answer:
    tenant = tenant or world.ours
    owner = world.owner if tenant == world.ours else world.their_owner
    response = build.api(owner, tenant).get(f"/api/tenants/{tenant.slug}/billing")
    assert response.status_code == 200, response.content
    found: Answer = response.json()
    return found


def iso(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")


@django_db
def test_g14_it_equals_what_stripe_says(world: World, linked: Stripe) -> None:
    linked.subscriptions["sub_Ours"].update(status="past_due", cancel_at_period_end=True)
    linked.previews["sub_Ours"].update(amount_due=1234, currency="brl")
    found = billing(world)
    item, preview = linked.subscriptions["sub_Ours"]["items"]["data"][0], linked.previews["sub_Ours"]
    card = linked.methods["pm_1"]["card"]
    assert found["status"] == "past_due"
    assert found["period"] == {
        "start": iso(item["current_period_start"]), "end": iso(item["current_period_end"]), "cancels": True,
    }  # fmt: skip
    assert found["next_invoice"] == {"amount": 1234, "currency": "brl", "date": iso(preview["next_payment_attempt"])}
    assert found["payment_method"] == {
        "type": "card", **{name: card[name] for name in ("brand", "last4", "exp_month", "exp_year")},
    }  # fmt: skip
    assert (found["stripe"]["state"], found["stripe"]["plan"]) == ("answered", "pro")
    assert found["plan"] == {"code": "pro", "name": "Pro", "price": {"amount": 2999, "currency": "usd"}}


@django_db
def test_g14_it_asks_with_our_key_at_the_pinned_version_and_tells_nothing_else(world: World, linked: Stripe) -> None:
    billing(world)
    assert linked.asked == ["GET /v1/subscriptions/sub_Ours", "POST /v1/invoices/create_preview"]
    for headers in linked.headers:
        assert headers["authorization"] == f"Bearer {stripe_server.KEY}"
        assert headers["stripe-version"] == stripe_server.VERSION == library.api_version
        assert "x-stripe-client-telemetry" not in headers
        assert "platform" not in headers["x-stripe-client-user-agent"]


@django_db
@pytest.mark.parametrize("where", ["subscription", "source", "customer", "none"])
def test_g14_the_method_is_the_one_that_stripe_would_charge(world: World, linked: Stripe, where: str) -> None:
    """The subscription's own comes first, then the customer's; an older kind of card, or an account, is one too."""
    taken, customer = linked.subscriptions["sub_Ours"], linked.customers["cus_Ours"]
    account = {"bank_name": "B", "last4": "6789"}
    linked.methods["pm_own"] = {
        "id": "pm_own", "object": "payment_method", "type": "us_bank_account", "us_bank_account": account,
    }  # fmt: skip
    card = {"id": "card_1", "object": "card", "brand": "Visa", "last4": "1111", "exp_month": 1, "exp_year": 2031}
    shown = {
        "subscription": ("us_bank_account", None, "6789", None),
        "source": ("card", "Visa", "1111", 2031),
        "customer": ("card", "visa", "4001", 2029),
        "none": None,
    }
    if where == "subscription":
        taken["default_payment_method"] = "pm_own"
    if where in ("source", "none"):
        customer["invoice_settings"]["default_payment_method"] = None
        customer["default_source"] = card if where == "source" else None
    found = billing(world)["payment_method"]
    wanted = shown[where]
    assert (found and tuple(found[name] for name in ("type", "brand", "last4", "exp_year"))) == wanted


@django_db
def test_g14_no_invoice_is_invented_where_none_comes(world: World, linked: Stripe) -> None:
    del linked.previews["sub_Ours"]
    found = billing(world)
    assert (found["next_invoice"], found["stripe"]["state"]) == (None, "answered")
    stripe_accounts.forget(world.ours.pk)
    linked.subscriptions["sub_Ours"]["status"] = "canceled"
    found = billing(world)
    assert (found["next_invoice"], found["status"]) == (None, "canceled")
    assert linked.asked[-1] == "GET /v1/subscriptions/sub_Ours"


@django_db
def test_g14_a_customer_without_a_subscription_shows_its_method_only(world: World, linked: Stripe) -> None:
    link(world.ours, "cus_Ours", None)
    found = billing(world)
    assert (found["status"], found["period"], found["next_invoice"]) == ("trialing", None, None)
    assert found["payment_method"]["last4"] == "4001"
    assert linked.asked == ["GET /v1/customers/cus_Ours"]


@django_db
def test_g14_use_stands_against_the_plans_limits_and_what_is_not_measured_is_no_number(world: World) -> None:
    build.backend(world.ours)
    build.route(world.ours, build.pool(world.ours), host="a.test")
    usage = billing(world)["usage"]
    assert usage == {
        "members": {"used": 2, "limit": 25},
        "listeners": {"used": 0, "limit": 10},
        "caches": {"used": 0, "limit": 5},
        "routes": {"used": 1, "limit": 50},
        "backends": {"used": 1, "limit": 200},
        "pools": {"used": 2, "limit": None},
        "domains": {"used": 0, "limit": None},
        "requests": {"used": None, "limit": 10_000_000},
        "traffic": {"used": None, "limit": 10**12},
    }


@django_db
def test_i16_without_a_key_it_says_so_and_asks_nobody(world: World, linked: Stripe, settings: Any) -> None:
    settings.STRIPE_KEY = ""
    found = billing(world)
    assert found["stripe"] == {"state": "off", "as_of": None, "age": None, "plan": None}
    assert (found["status"], found["next_invoice"], found["payment_method"]) == ("trialing", None, None)
    assert linked.asked == []


@django_db
def test_g14_a_tenant_that_is_no_customer_is_not_asked_for(world: World, stripe: Stripe) -> None:
    assert billing(world)["stripe"]["state"] == "not_linked"
    assert stripe.asked == []


@django_db
def test_b10_a_second_look_asks_stripe_no_second_time(world: World, linked: Stripe) -> None:
    first = billing(world)
    linked.subscriptions["sub_Ours"]["status"] = "unpaid"
    second = billing(world)
    assert len(linked.asked) == 2
    assert {**first, "stripe": None} == {**second, "stripe": None}
    assert second["stripe"]["as_of"] == first["stripe"]["as_of"]
    assert billing(world, world.theirs)["payment_method"]["last4"] == "4002"


def heard(tenant: Tenant, now: datetime) -> accounts.Account:
    with tenant_scope(tenant):
        return accounts.of(tenant, now=now)


@django_db
def test_b10_it_is_asked_again_after_its_time(world: World, linked: Stripe, settings: Any) -> None:
    now = timezone.now()
    seconds = settings.STRIPE_FRESH_SECONDS
    heard(world.ours, now)
    linked.subscriptions["sub_Ours"]["status"] = "unpaid"
    assert heard(world.ours, now + timedelta(seconds=seconds - 1)).status == "active"
    assert heard(world.ours, now + timedelta(seconds=seconds)).status == "unpaid"


@django_db
def test_b10_a_plan_change_makes_the_next_look_ask_anew(
    world: World, linked: Stripe, django_capture_on_commit_callbacks: Any
) -> None:
    billing(world)
    billing(world, world.theirs)
    linked.subscriptions["sub_Ours"]["status"] = "past_due"
    with django_capture_on_commit_callbacks(execute=True), platform_scope():
        subscriptions.change(world.ours, plan="business", by=SYSTEM, now=timezone.now())
    before = len(linked.asked)
    found = billing(world)
    assert (found["plan"]["code"], found["status"]) == ("business", "past_due")
    assert len(linked.asked) == before + 2
    billing(world, world.theirs)
    assert len(linked.asked) == before + 2, "Another tenant's answer was thrown away too."


@django_db
def test_b10_an_answer_that_was_asked_for_before_the_change_is_not_taken_for_news(world: World, linked: Stripe) -> None:
    linked.before = lambda: stripe_accounts.forget(world.ours.pk)
    billing(world)
    linked.before = lambda: None
    billing(world)
    assert len(linked.asked) == 4


@django_db
@pytest.mark.parametrize("trouble", [500, 503, 429, 0])
def test_g14_a_stripe_that_is_down_leaves_the_last_answer_with_its_age(
    world: World, linked: Stripe, settings: Any, trouble: int
) -> None:
    now = timezone.now()
    first = heard(world.ours, now)
    linked.broken = trouble
    if not trouble:
        settings.STRIPE_API_BASE = "http://127.0.0.1:1"
    later = heard(world.ours, now + timedelta(minutes=10))
    assert later.heard.state == "down"
    assert later.heard.said == first.heard.said
    assert later.heard.as_of is not None
    assert abs((now - later.heard.as_of).total_seconds()) < 0.001
    asked = len(linked.asked)
    assert heard(world.ours, now + timedelta(minutes=10, seconds=1)).heard.state == "down"
    assert len(linked.asked) == asked, "A Stripe that is down was asked again at once."


@django_db
def test_g14_a_stripe_that_never_answered_shows_no_number(world: World, linked: Stripe) -> None:
    linked.broken = 500
    found = billing(world)
    assert found["stripe"] == {"state": "down", "as_of": None, "age": None, "plan": None}
    assert (found["next_invoice"], found["payment_method"], found["period"]) == (None, None, None)
    assert len(linked.asked) == 1, "It was asked more than once."


@django_db
def test_g14_a_stripe_that_takes_its_time_is_not_waited_for(
    world: World, linked: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "READ_SECONDS", 0.3)
    linked.slow = 2.5
    begun = time.monotonic()
    found = billing(world)
    assert found["stripe"]["state"] == "down"
    assert time.monotonic() - begun < linked.slow


@django_db
def test_g14_a_key_that_is_not_taken_is_said_and_shown_nowhere(
    world: World, linked: Stripe, settings: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.STRIPE_KEY = "sk_test_wrong0wrong0wrong"
    with capture_logs() as logs:
        answer = build.api(world.owner, world.ours).get("/api/billing")
    assert answer.json()["stripe"]["state"] == "refused"
    assert [(line["state"], line["error"]) for line in logs if line["event"] == "stripe_not_heard"] == [
        ("refused", "AuthenticationError")
    ]
    page = console(world.owner, world.ours)
    assert "sk_test" not in "".join([answer.content.decode(), page, str(logs), *capfd.readouterr()])


@django_db
@pytest.mark.parametrize("how", ["customer", "deleted", "gone", "metadata"])
def test_g14_another_tenants_customer_is_never_shown(world: World, linked: Stripe, how: str) -> None:
    """Stripe's own word counts, whatever our row says; and nothing that was known before is shown either."""
    billing(world)
    match how:
        case "customer":
            linked.subscriptions["sub_Ours"]["customer"] = "cus_Theirs"
        case "deleted":
            linked.customers["cus_Ours"] = {"id": "cus_Ours", "object": "customer", "deleted": True}
        case "gone":
            del linked.subscriptions["sub_Ours"]
        case "metadata":
            linked.customers["cus_Ours"]["metadata"] = {"tenant": world.theirs.pk}
    stripe_accounts.forget(world.ours.pk)
    found = billing(world)
    assert found["stripe"] == {"state": "mismatch", "as_of": None, "age": None, "plan": None}
    assert (found["next_invoice"], found["payment_method"], found["period"]) == (None, None, None)


@django_db
def test_g14_what_was_known_of_another_customer_is_not_shown_after_a_change(world: World, linked: Stripe) -> None:
    billing(world)
    linked.broken = 500
    Subscription.objects.filter(tenant=world.ours).update(stripe_customer_id="cus_New", stripe_subscription_id=None)
    assert billing(world)["payment_method"] is None


@django_db
def test_g14_a_customer_is_one_tenants(world: World, linked: Stripe) -> None:
    for customer, subscription in (THEIRS, ("cus_Theirs", None), ("cus_Other", "sub_Theirs"), (None, "sub_Ours")):
        with pytest.raises(ValidationError), transaction.atomic():
            link(world.ours, customer, subscription)
    for values in ({"stripe_customer_id": "cus_Theirs"}, {"stripe_customer_id": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Subscription.objects.filter(tenant=world.ours).update(**values)


@django_db
@pytest.mark.parametrize("role", Role)
def test_g14_owners_and_billing_only(world: World, linked: Stripe, role: Role) -> None:
    person = build.member(world.ours, role)
    let_in = role in (Role.OWNER, Role.BILLING)
    assert build.api(person, world.ours).get("/api/billing").status_code == (200 if let_in else 403)
    client = Client()
    client.force_login(person)
    page = client.get(f"/t/{world.ours.slug}/billing")
    assert page.status_code == (200 if let_in else 403)
    menu = client.get(f"/t/{world.ours.slug}/").content.decode()
    assert (f'href="/t/{world.ours.slug}/billing"' in menu) == let_in


def console(person: Any, tenant: Tenant, language: str = "en") -> str:
    client = Client(headers={"Accept-Language": language})
    client.force_login(person)
    response = client.get(f"/t/{tenant.slug}/billing")
    assert response.status_code == 200
    return response.content.decode()


def part(page: str, testid: str) -> str:
    found = re.search(rf'data-testid="{testid}"[^>]*>(.*?)</dd>', page, re.S)
    assert found, testid
    return " ".join(re.sub("<[^>]*>", " ", found[1]).split())


@django_db
def test_g14_the_page_says_the_same(world: World, linked: Stripe) -> None:
    linked.previews["sub_Ours"].update(amount_due=123456)
    linked.subscriptions["sub_Ours"]["items"]["data"][0]["price"]["lookup_key"] = "veloflux_business_yearly"
    page = console(world.owner, world.ours)
    date = datetime.fromtimestamp(linked.previews["sub_Ours"]["next_payment_attempt"], UTC).date()
    assert part(page, "next-invoice") == f"1234.56 USD · {date}"
    assert part(page, "payment-method") == "visa •••• 4001 · expires 04/2029"
    assert part(page, "billing-status") == "active"
    assert part(page, "meter-members") == "Members 2 / 25"
    assert part(page, "meter-requests") == "Requests not measured yet"
    assert 'data-testid="plan-differs"' in page
    assert 'data-testid="stripe"' not in page
    theirs = console(world.their_owner, world.theirs)
    assert 'data-testid="plan-differs"' in theirs
    linked.broken = 500
    stripe_accounts.forget(world.ours.pk)
    page = console(world.owner, world.ours, "pt-br")
    assert 'data-state="down"' in page
    assert part(page, "payment-method") == "visa •••• 4001 · vence em 04/2029"
    assert "A Stripe não responde." in page


@django_db
def test_staff_set_the_two_ids_and_it_is_in_the_tenants_trail(world: World, stripe: Stripe) -> None:
    stripe.add(*OURS)
    client = Client()
    client.force_login(build.staff())
    url = f"/staff/billing/subscription/{world.ours.pk}/change/"
    wrong = client.post(url, {"plan": "pro", "stripe_customer_id": "sub_Ours", "stripe_subscription_id": ""})
    assert "begins with cus_" in wrong.content.decode()
    alone = client.post(url, {"plan": "pro", "stripe_customer_id": "", "stripe_subscription_id": "sub_Ours"})
    assert "name the customer too" in alone.content.decode()
    saved = client.post(url, {"plan": "pro", "stripe_customer_id": "cus_Ours", "stripe_subscription_id": "sub_Ours"})
    assert saved.status_code == 302, saved.content
    assert billing(world)["payment_method"]["last4"] == "4001"
    entry = AuditEntry.objects.get(tenant_id=world.ours.pk, act="tenant.stripe")
    assert entry.after == {"stripe_customer_id": "cus_Ours", "stripe_subscription_id": "sub_Ours"}


def test_g14_stripe_is_asked_outside_of_any_transaction_and_without_a_connection(
    committed: World, stripe: Stripe
) -> None:
    """The database itself is asked who is connected, while Stripe answers."""
    stripe.add(*OURS)
    link(committed.ours, *OURS)
    seen: list[tuple[str, str]] = []
    known = connection.settings_dict

    def look() -> None:
        with psycopg.connect(
            host=known["HOST"], port=known["PORT"], user=known["USER"], password=known["PASSWORD"], dbname="postgres"
        ) as own:
            rows = own.execute(
                "SELECT state, query FROM pg_stat_activity WHERE datname = %s AND state LIKE 'idle in transaction%%'",
                [known["NAME"]],
            )
            seen.extend(rows.fetchall())

    stripe.before = look
    try:
        assert billing(committed)["stripe"]["state"] == "answered"
    finally:
        link(committed.ours, None, None)
    assert len(stripe.asked) == 2
    assert seen == []
