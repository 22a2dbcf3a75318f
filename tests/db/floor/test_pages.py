"""The console's pages of audit, keys and mail: what they show, to whom, in both languages, and what their forms do."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actor import SYSTEM
from tenants.models import ApiKey, AuditEntry, SignIn, SmtpServer
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.trail import audit
from tests import build
from tests.conftest import World
from tests.pages import page_of, signed_in

pytestmark = pytest.mark.django_db
PAGES = ("/t/ours/audit", "/t/ours/keys", "/t/ours/mail")


@pytest.fixture
def browser(world: World) -> Client:
    return signed_in(world.owner)


def write(world: World, act: str, **values: Any) -> AuditEntry:
    values = {"by": SYSTEM, "now": timezone.now(), **values}
    return audit.record(act, tenant=world.ours, **values)


@pytest.mark.parametrize("path", PAGES)
def test_f16_pages_speak_both_languages_and_are_for_their_role(world: World, path: str) -> None:
    english, portuguese = signed_in(world.owner), signed_in(world.owner, "pt-BR")
    titles = [re.search(r"<h1>([^<]+)", page_of(client.get(path)))[1] for client in (english, portuguese)]  # type: ignore[index]
    assert titles[0] != titles[1]
    assert signed_in(world.viewer).get(path).status_code == 403
    assert path not in page_of(signed_in(world.viewer).get("/t/ours/pools"))
    assert path in page_of(english.get(path))
    assert signed_in(world.their_owner).get(path).status_code == 404


def test_f16_the_page_shows_who_what_when_and_before_and_after(world: World, browser: Client) -> None:
    row = write(world, "member.role", name="viewer@ours.test", before={"role": "viewer"}, after={"role": "admin"})
    write(world, "x.evil", name="<script>alert(1)</script>", detail='"><img src=x>', after={"a": "<b>"})
    shown = page_of(browser.get("/t/ours/audit"))
    assert f'data-testid="row-audit-{row.pk}"' in shown
    assert "<del>viewer</del> → <ins>admin</ins>" in shown
    assert "<ins>&lt;b&gt;</ins>" in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<img src=x>" not in shown


def test_f16_the_page_filters_pages_and_hands_the_filters_to_the_export(world: World, browser: Client) -> None:
    for number in range(55):
        write(world, "many.run", name=f"n{number}")
    write(world, "one.other", now=timezone.now() - timedelta(days=40))
    first = page_of(browser.get("/t/ours/audit?act=many."))
    assert first.count('data-act="many.run"') == 50
    assert "one.other" not in first
    older = re.search(r'rel="next" href="\?([^"]+)"', first)
    assert older is not None
    assert "format=csv&amp;act=many." in first
    second = page_of(browser.get("/t/ours/audit?" + older[1].replace("&amp;", "&")))
    assert second.count('data-act="many.run"') == 5
    day = (timezone.now() - timedelta(days=40)).date().isoformat()
    assert page_of(browser.get(f"/t/ours/audit?since={day}&until={day}")).count("data-act=") == 1
    assert "Nothing fits" in page_of(browser.get("/t/ours/audit?search=nowhere"))
    assert browser.get("/t/ours/audit?since=never").status_code == 422
    link = re.search(r'href="(/api/tenants/ours/audit/export\?format=jsonl[^"]*)"', first)
    assert link is not None
    response = browser.get(link[1].replace("&amp;", "&"))
    assert b"".join(response.streaming_content).count(b'"act": "many.run"') == 55  # type: ignore[attr-defined]


def test_a17_a_key_is_made_shown_once_and_revoked(world: World, browser: Client) -> None:
    form = {"name": "deploy bot", "role": "operator", "days": "30", "scopes": ["view", "deploy"]}
    response = browser.post("/t/ours/keys", form)
    whole = re.search(r'id="whole-key">(vf_[^<]+)<', page_of(response))
    assert whole is not None
    assert response.headers["Cache-Control"].find("no-store") >= 0
    with platform_scope():
        key = ApiKey.objects.get(name="deploy bot")
    assert (key.scopes, key.role) == (["deploy", "view"], "operator")
    assert key.expires_at is not None
    assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
    assert build.Api(f"Bearer {whole[1]}").get("/api/pools").status_code == 200
    listed = page_of(browser.get("/t/ours/keys"))
    assert whole[1] not in listed
    assert "deploy bot" in listed
    assert "deploy bot" in page_of(browser.get(f"/t/ours/keys/{key.pk}/revoke"))
    assert build.Api(f"Bearer {whole[1]}").get("/api/pools").status_code == 200
    assert browser.post(f"/t/ours/keys/{key.pk}/revoke").status_code == 302
    assert build.Api(f"Bearer {whole[1]}").get("/api/pools").status_code == 401
    assert browser.get(f"/t/ours/keys/{key.pk}/revoke").status_code == 404


def test_a17_a_form_that_asks_too_much_says_so_at_the_field(world: World) -> None:
    operator = signed_in(build.member(world.ours, Role.OPERATOR))
    shown = page_of(operator.post("/t/ours/keys", {"name": "x", "role": "admin", "days": ""}))
    assert "A key cannot hold more rights than you do." in shown
    shown = page_of(operator.post("/t/ours/keys", {"name": "", "role": "viewer", "scopes": ["edit"]}))
    assert 'id="id_name_error"' in shown
    shown = page_of(operator.post("/t/ours/keys", {"name": "y", "role": "viewer", "scopes": ["edit"]}))
    assert "The role viewer does not have edit." in shown
    with platform_scope():
        assert not ApiKey.objects.filter(tenant=world.ours).exists()


def test_a17_one_sees_ones_own_keys_and_who_answers_for_people_sees_all(world: World, browser: Client) -> None:
    operator = build.member(world.ours, Role.OPERATOR)
    key, _ = build.key(world.ours, world.owner, Role.VIEWER)
    build.key(world.theirs, world.their_owner, Role.VIEWER)
    assert key.prefix not in page_of(signed_in(operator).get("/t/ours/keys"))
    assert signed_in(operator).post(f"/t/ours/keys/{key.pk}/revoke").status_code == 404
    assert page_of(browser.get("/t/ours/keys")).count('data-testid="row-key-') == 1


@pytest.mark.parametrize("path", ["/t/ours/keys", "/t/ours/mail"])
def test_f16_who_was_not_seen_of_late_proves_it_first(world: World, browser: Client, path: str) -> None:
    with platform_scope():
        SignIn.objects.update(proven_at=timezone.now() - timedelta(hours=1))
    form = {
        "name": "x",
        "role": "owner",
        "host": "smtp.example.com",
        "port": "587",
        "security": "tls",
        "sender": "a@b.test",
    }
    response = browser.post(path, form)
    assert (response.status_code, response.headers["Location"].startswith("/reauthenticate?next=")) == (302, True)
    with platform_scope():
        assert not ApiKey.objects.filter(tenant=world.ours).exists()
        assert not SmtpServer.objects.exists()


MAIL = {"host": "smtp.example.com", "port": "587", "security": "starttls", "username": "u", "sender": "ops@ours.test"}


def test_g17_the_mail_page_keeps_a_server_and_never_shows_its_password(world: World, browser: Client) -> None:
    assert browser.post("/t/ours/mail", {**MAIL, "password": "s3cret", "enabled": "on"}).status_code == 302
    shown = page_of(browser.get("/t/ours/mail"))
    assert 'data-state="on"' in shown
    assert "s3cret" not in shown
    assert 'value="****"' in shown
    assert browser.post("/t/ours/mail", {**MAIL, "password": "****", "sender": "b@ours.test"}).status_code == 302
    with platform_scope():
        server = SmtpServer.objects.get(tenant=world.ours)
    assert (server.sender, server.enabled, bool(server.password)) == ("b@ours.test", False, True)
    answer = browser.post("/t/ours/mail", {**MAIL, "host": "evil.example.com", "password": "****"})
    assert "give its password anew" in page_of(answer)
    assert browser.post("/t/ours/mail/remove").status_code == 302
    with platform_scope():
        assert not SmtpServer.objects.exists()


def test_g17_the_mail_page_tells_the_step_that_failed_in_the_readers_language(world: World, browser: Client) -> None:
    browser.post("/t/ours/mail", {**MAIL, "host": "localhost", "password": "x"})
    shown = page_of(browser.post("/t/ours/mail/test"))
    assert 'data-testid="smtp-step-resolve" data-ok="false"' in shown
    assert "is not an address of the public internet" in shown
    shown = page_of(signed_in(world.owner, "pt-BR").post("/t/ours/mail/test"))
    assert "não é um endereço da internet pública" in shown


@pytest.mark.parametrize(
    ("change", "field"),
    [({"host": "127.0.0.1"}, "host"), ({"port": "22"}, "port"), ({"port": "0"}, "port"), ({"sender": "x"}, "sender")],
)
def test_g17_a_field_that_is_wrong_is_marked(world: World, browser: Client, change: dict[str, str], field: str) -> None:
    assert f'id="id_{field}_error"' in page_of(browser.post("/t/ours/mail", {**MAIL, **change}))
