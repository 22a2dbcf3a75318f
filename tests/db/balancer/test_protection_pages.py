"""The pages of rate limits and security headers, without JavaScript, in both languages."""

import pytest

from balancer.models import RateLimit
from balancer.queries import protection
from billing.services import subscriptions
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db
LIMIT, HEADERS = "/t/ours/rate-limit", "/t/ours/security-headers"
FORM = {
    "requests_per_second": "20",
    "burst": "40",
    "status": "503",
    "allowed_networks": "203.0.113.7\r\n2001:db8::/32, 10.0.0.0/8\r\n",
    "trusted_proxies": "",
}


def stored(world: World) -> RateLimit:
    with tenant_scope(world.ours):
        return protection.rate_limit()


def test_an_operator_sets_the_limit_and_sees_it(world: World) -> None:
    client = signed_in(build.member(world.ours, Role.OPERATOR))
    empty = text(client.get(LIMIT))
    assert 'data-testid="rate-limit" data-state="off"' in empty
    assert "Nothing is set yet" in empty
    assert "by each of 2 nodes for itself" in empty
    assert f'href="{LIMIT}"' in empty  # in the menu
    done = client.post(LIMIT, FORM, follow=True)
    shown = text(done)
    assert "The rate limit is saved. Deploying to 2 nodes." in shown
    assert 'data-testid="rate-limit" data-state="on"' in shown
    assert "20/s, 40 at once" in shown
    assert "203.0.113.7/32\n2001:db8::/32\n10.0.0.0/8</textarea>" in shown
    row = stored(world)
    assert (row.status, row.allowed_networks) == (503, ["203.0.113.7/32", "2001:db8::/32", "10.0.0.0/8"])
    assert "Rate limit" in text(client.get("/t/ours/changes"))


@pytest.mark.parametrize(
    ("changed", "words", "em_portugues"),
    [
        ({"requests_per_second": "0"}, "greater than or equal to 1", "maior ou igual a 1"),
        ({"requests_per_second": "many"}, "Enter a whole number", "número inteiro"),
        ({"burst": "40", "requests_per_second": ""}, "give both, or leave both out", "informe as duas"),
        ({"requests_per_second": "1001"}, "Your plan allows 1000", "Seu plano permite 1000"),
        ({"allowed_networks": "10.0.0.1/8"}, "the network is 10.0.0.0/8", "a rede é 10.0.0.0/8"),
        ({"trusted_proxies": "10.0.0.0/8\n<b>"}, "“&lt;b&gt;” is not a network", "“&lt;b&gt;” não é uma rede"),
        ({"trusted_proxies": "0.0.0.0/0"}, "is too wide", "ampla demais"),
        ({"trusted_proxies": "\n".join(f"10.{n}.0.0/16" for n in range(51))}, "takes 50 networks", "aceita 50 redes"),
        ({"trusted_proxies": "x" * 10_001}, "at most 10000 characters", "no máximo 10000"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    world: World, changed: dict[str, str], words: str, em_portugues: str
) -> None:
    for language, said in (("en", words), ("pt-br", em_portugues)):
        answer = signed_in(world.owner, language).post(LIMIT, {**FORM, **changed})
        assert answer.status_code == 422
        shown = text(answer)
        assert said in shown
        field = next(iter(changed))
        assert f'id="id_{field}_error"' in shown
        assert "2001:db8::/32" in shown or field == "allowed_networks"  # what was typed stays
    assert stored(world).updated_at is None


def test_a_viewer_sees_what_is_set_and_changes_nothing(world: World) -> None:
    signed_in(world.owner).post(LIMIT, FORM)
    client = signed_in(world.viewer)
    shown = text(client.get(LIMIT))
    assert "20/s, 40 at once" in shown
    assert "disabled" in shown
    assert ">Save<" not in shown
    for path in (LIMIT, HEADERS):
        assert client.post(path, FORM).status_code == 403
        assert signed_in(world.their_owner).get(path).status_code == 404
    assert stored(world).status == 503


def test_somebody_elses_change_meanwhile_is_shown_and_not_run_over(world: World) -> None:
    client = signed_in(world.owner)
    seen = "2000-01-01T00:00:00+00:00"  # nothing was set when the page was opened
    signed_in(world.owner).post(LIMIT, FORM)
    answer = client.post(LIMIT, {**FORM, "burst": "30", "seen": seen})
    assert answer.status_code == 422
    assert "Now stored: 40" in text(answer)
    assert stored(world).burst == 40


def test_a_smaller_plan_is_said_where_it_bounds(world: World) -> None:
    client = signed_in(world.owner)
    client.post(LIMIT, FORM)
    subscriptions.change(world.ours, plan="free", by=build.actor(), now=build.NOW)
    shown = text(client.get(LIMIT))
    assert "10/s, 20 at once" in shown
    assert "You have set 20/s; your plan allows less" in shown


def test_headers_are_chosen_and_kept(world: World) -> None:
    client = signed_in(world.owner)
    assert 'data-testid="headers-none"' in text(client.get(HEADERS))
    chosen = {"hsts": "year", "content_type_options": "nosniff", "frame_options": "deny", "referrer_policy": "off",
              "permissions_policy": "strict"}  # fmt: skip
    shown = text(client.post(HEADERS, chosen, follow=True))
    assert "The security headers are saved." in shown
    assert 'data-testid="headers-none"' not in shown
    with tenant_scope(world.ours):
        row = protection.security_headers()
    assert {name: getattr(row, name) for name in chosen} == chosen
    assert client.post(HEADERS, {**chosen, "hsts": "max-age=1\nX: 1"}).status_code == 422
    portuguese = text(signed_in(world.owner, "pt-br").get(HEADERS))
    assert "Cabeçalhos de segurança" in portuguese
    assert "Um ano, com todos os subdomínios" in portuguese
