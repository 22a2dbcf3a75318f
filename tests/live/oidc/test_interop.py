"""With a provider that somebody else wrote: npm's oidc-provider, certified by the OpenID Foundation."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urljoin

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from tenants.actor import Actor
from tenants.models import Membership, SignIn
from tenants.roles import Role
from tenants.services.sso import sso_config, sso_test
from tenants.services.sso.sso_rules import Wanted
from tests.conftest import World
from tests.db.sso.journey import BASE
from tests.live.oidc import node
from tests.live.oidc.node import Running
from tests.live.oidc.provider import CLIENT, SECRET
from tests.live.stack import until

pytestmark = [pytest.mark.live, pytest.mark.django_db]
CALLBACK = f"{BASE}/auth/oidc/callback"


class Ear:
    """Hears what the provider tells of sign-outs."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        tokens = self.tokens

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                tokens.extend(form.get("logout_token", []))
                self.send_response(200)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/backchannel"


@pytest.fixture(scope="module")
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def provider(ear: Ear, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("oidc-provider")
    with node.running(folder, redirect_uri=CALLBACK, after_sign_out=f"{BASE}/login", backchannel=ear.url) as running:
        yield running


@pytest.fixture
def configured(world: World, provider: Running) -> World:
    wanted = Wanted(
        enabled=True,
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        scopes="openid email profile groups",
        create_members=True,
        group_roles={"ops": "operator"},
    )
    by = Actor(world.owner.pk, "test", role=Role.OWNER, name=world.owner.email)
    sso_config.save(world.ours, wanted, by=by, now=timezone.now())
    return world


def sign_in_there(browser: httpx.Client, url: str, name: str) -> str:
    """Through its pages, as a person would: log in, agree, and be sent back."""
    answer = browser.get(url)
    while True:
        if answer.status_code in (302, 303):
            where = urljoin(str(answer.url), answer.headers["Location"])
            if where.startswith(CALLBACK):
                return where
            answer = browser.get(where)
            continue
        assert answer.status_code == 200, answer.text
        prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
        action = re.search(r'action="([^"]+)"', answer.text)
        assert prompt, answer.text
        assert action
        form = {"prompt": prompt[1], **({"login": name, "password": "any"} if prompt[1] == "login" else {})}
        answer = browser.post(urljoin(str(answer.url), action[1]), data=form)


def sign_in(client: Client, browser: httpx.Client, name: str = "rui") -> str:
    left = client.get("/auth/oidc/login/ours").headers["Location"]
    answer = client.get(sign_in_there(browser, left, name).removeprefix(BASE))
    assert answer.status_code == 302, answer.content
    return str(answer.headers["Location"])


def test_a_person_comes_in_with_their_groups_role(configured: World) -> None:
    client = Client()
    with httpx.Client() as browser:
        assert sign_in(client, browser) == "/t/ours/"
        member = Membership.objects.get(tenant=configured.ours, user__email="rui@acme.test")
        assert member.role == Role.OPERATOR
        assert client.get("/t/ours/pools").status_code == 200
        # Its session is still there: without a word the second time.
        left = client.get("/auth/oidc/login/ours?silent=1").headers["Location"]
        assert "prompt=none" in left
        back = browser.get(left)
        assert back.headers["Location"].startswith(CALLBACK), back.text
        assert client.get(back.headers["Location"].removeprefix(BASE)).status_code == 302
        # And proven anew when that is asked for: its login page comes, and `auth_time` is of now.
        left = client.get("/auth/oidc/login/ours?fresh=1").headers["Location"]
        answer = client.get(sign_in_there(browser, left, "rui").removeprefix(BASE))
        assert answer.status_code == 302, answer.content


def test_who_it_does_not_know_any_more_meets_the_door(configured: World) -> None:
    client = Client()
    left = client.get("/auth/oidc/login/ours?silent=1").headers["Location"]
    with httpx.Client() as stranger:
        back = stranger.get(left).headers["Location"]
    assert "error=login_required" in back
    assert client.get(back.removeprefix(BASE)).headers["Location"].startswith("/login/ours")


def test_a_code_is_good_once_there_too(configured: World) -> None:
    client = Client()
    with httpx.Client() as browser:
        left = client.get("/auth/oidc/login/ours").headers["Location"]
        path = sign_in_there(browser, left, "ana").removeprefix(BASE)
    cookies = dict(client.cookies)
    assert client.get(path).status_code == 302
    client.cookies.update(cookies)
    assert client.get(path).status_code == 400


def test_signing_out_there_ends_it_here(configured: World, ear: Ear) -> None:
    client = Client()
    with httpx.Client() as browser:
        sign_in(client, browser, "eva")
        other = Client()
        sign_in(other, browser, "eva")
        where = client.post("/auth/oidc/logout").context["where"]
        page = browser.get(where)
        assert page.status_code == 200, page.text
        xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.text)
        action = re.search(r'action="([^"]+)"', page.text)
        assert xsrf, page.text
        assert action
        done = browser.post(urljoin(str(page.url), action[1]), data={"xsrf": xsrf[1], "logout": "yes"})
        assert done.headers["Location"].startswith(f"{BASE}/login")
    until(lambda: ear.tokens, what="a logout token")
    told = client.post(f"/auth/oidc/backchannel-logout/{configured.ours.pk}", {"logout_token": ear.tokens[-1]})
    assert told.status_code == 200, told.content
    assert not SignIn.objects.filter(user__email="eva@acme.test", ended_at=None).exists()
    assert other.get("/t/ours/pools").status_code == 302


def test_every_step_of_the_test_is_good(configured: World) -> None:
    by = Actor(configured.owner.pk, "test", role=Role.OWNER)
    steps = {step.name: step for step in sso_test.run(configured.ours, by=by, now=timezone.now())}
    assert {name: step.ok for name, step in steps.items()} == dict.fromkeys(steps, True), steps


def test_a_wrong_secret_and_an_unknown_redirect_uri_are_told(
    configured: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = Actor(configured.owner.pk, "test", role=Role.OWNER)
    wanted = Wanted(enabled=True, issuer=configured.ours.sso.issuer, client_id=CLIENT, client_secret="wrong")
    sso_config.save(configured.ours, wanted, by=by, now=timezone.now())
    monkeypatch.setattr(sso_config, "redirect_uri", lambda: f"{BASE}/elsewhere")
    steps = {step.name: step for step in sso_test.run(configured.ours, by=by, now=timezone.now())}
    assert steps["client"].ok is False
    assert steps["redirect_uri"].ok is False, steps["redirect_uri"]
