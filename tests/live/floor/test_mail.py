"""Mails through real servers, under STARTTLS and under TLS; and what a bad server, host or header comes to."""

import socket
import threading
from email.errors import HeaderParseError
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as django_mail
from django.utils import timezone

from tenants import vault
from tenants.models import AuditEntry, SmtpServer, Tenant
from tenants.outbound import smtp
from tenants.outbound.smtp import NotSent, Security, Server, Step
from tenants.scope import platform_scope
from tenants.services.mails import post
from tests import build
from tests.conftest import World
from tests.live.floor.authority import Authority, authority
from tests.live.floor.mailbox import PASSWORD, USER, Mailbox, mailbox
from tests.live.floor.talkers import talker

pytestmark = pytest.mark.django_db
WAYS = [Security.STARTTLS, Security.TLS]


@pytest.fixture(scope="module")
def trusted() -> Authority:
    return authority()


@pytest.fixture(autouse=True)
def localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1 alone, where the mailboxes listen; on many machines it is ::1 too."""
    ask = socket.getaddrinfo

    def over_v4(host: Any, port: Any, family: int = 0, *words: Any, **more: Any) -> Any:
        return ask(host, port, socket.AF_INET if host == "localhost" else family, *words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", over_v4)


@pytest.fixture
def pem(trusted: Authority, settings: Any, tmp_path: Path) -> Path:
    settings.OUTBOUND_ALLOWED = [ip_network("127.0.0.0/8")]
    settings.EXTRA_CA_FILE = str(trusted.file(tmp_path))
    return trusted.server(tmp_path, "localhost", "127.0.0.1")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Security:
    return Security(request.param)


@pytest.fixture
def box(way: Security, pem: Path) -> Any:
    with mailbox(pem, starttls=way is Security.STARTTLS) as it:
        yield it


def wanted(box: Mailbox, way: Security, **values: Any) -> dict[str, Any]:
    return {
        "host": "localhost", "port": box.port, "security": way.value, "username": USER, "password": PASSWORD,
        "sender": "ops@ours.test", "sender_name": 'Ours, "the" cação', **values,
    }  # fmt: skip


def put(world: World, body: dict[str, Any]) -> Any:
    return build.api(world.owner, world.ours).put("/api/tenants/ours/smtp", body)


def stored(tenant: Tenant) -> SmtpServer:
    with platform_scope():
        return SmtpServer.objects.get(tenant=tenant)


def deliver(tenant: Tenant | None, **values: str) -> None:
    fields = {"to": "you@there.test", "subject": "Olá — é só um teste", "body": "Bom dia,\n.\nTchau\n", **values}
    with platform_scope():
        post.deliver(**fields, tenant_id=tenant.pk if tenant else "")


def test_g17_a_tenants_mail_goes_by_its_own_server_under_tls(world: World, box: Mailbox, way: Security) -> None:
    assert put(world, wanted(box, way)).status_code == 200
    deliver(world.ours)
    [mail] = box.mails
    assert (box.recipients, box.signed_in, box.encrypted) == (["you@there.test"], [True], [True])
    assert mail["From"].addresses[0].addr_spec == "ops@ours.test"
    assert mail["From"].addresses[0].display_name == 'Ours, "the" cação'
    assert (mail["Subject"], mail["To"]) == ("Olá — é só um teste", "you@there.test")
    assert mail.get_content().replace("\r\n", "\n") == "Bom dia,\n.\nTchau\n"


def test_g17_the_password_is_sealed_masked_and_kept(world: World, box: Mailbox, way: Security) -> None:
    api = build.api(world.owner, world.ours)
    answer = put(world, wanted(box, way))
    assert answer.json()["password"] == "****"
    sealed = stored(world.ours).password
    assert PASSWORD not in sealed
    again = api.put(
        "/api/smtp", wanted(box, way, password="****", sender="new@ours.test"), **{"If-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 200, again.content
    deliver(world.ours)
    assert box.signed_in == [True]
    shown = api.get("/api/smtp")
    assert PASSWORD not in shown.content.decode()
    assert (shown.json()["password"], shown.json()["sender"]) == ("****", "new@ours.test")
    with platform_scope():
        rows = list(AuditEntry.objects.filter(tenant_id=world.ours.pk, act="smtp.change").order_by("pk"))
    assert len(rows) == 2
    assert rows[1].after == {"sender": "new@ours.test"}
    assert not any(PASSWORD in str(vars(row)) or sealed in str(vars(row)) for row in rows)


@pytest.mark.parametrize("change", [{"host": "127.0.0.1"}, {"port": 587}, {"username": "other"}])
def test_g17_a_kept_password_goes_to_no_other_server(
    world: World, box: Mailbox, way: Security, change: dict[str, Any]
) -> None:
    put(world, wanted(box, way))
    answer = put(world, wanted(box, way, password="****", **change))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/password"
    assert stored(world.ours).port == box.port


def test_g17_the_test_tells_each_step_truthfully(world: World, box: Mailbox, way: Security) -> None:
    put(world, wanted(box, way))
    answer = build.api(world.owner, world.ours).post("/api/smtp/test", {"to": "me@there.test"}).json()
    assert answer["ok"] is True
    assert [step["step"] for step in answer["steps"]] == ["resolve", "connect", "tls", "auth", "accepted"]
    assert answer["steps"][0]["detail"] == "127.0.0.1"
    assert answer["steps"][2]["detail"].startswith("TLSv1.")
    assert box.recipients == ["me@there.test"]
    assert stored(world.ours).tested_at is not None


def last(world: World, body: dict[str, Any]) -> dict[str, Any]:
    assert put(world, body).status_code == 200
    answer = build.api(world.owner, world.ours).post("/api/smtp/test").json()
    assert answer["ok"] is False
    assert [step["ok"] for step in answer["steps"][:-1]] == [True] * (len(answer["steps"]) - 1)
    step: dict[str, Any] = answer["steps"][-1]
    return step


def test_g17_a_wrong_password_fails_at_signing_in(world: World, box: Mailbox, way: Security) -> None:
    step = last(world, wanted(box, way, password="wrong"))
    assert (step["step"], "535" in step["detail"]) == ("auth", True)
    assert stored(world.ours).tested_at is None
    assert box.mails == []


def test_g17_a_refused_recipient_fails_at_the_end_in_the_servers_words(
    world: World, box: Mailbox, way: Security
) -> None:
    box.answers.append("550 no such \x07 mailbox here")
    step = last(world, wanted(box, way))
    assert (step["step"], step["detail"]) == ("accepted", "The server says: 550 no such mailbox here")


def test_g17_a_certificate_for_another_name_fails_at_tls(
    world: World, trusted: Authority, pem: Path, tmp_path: Path, way: Security
) -> None:
    with mailbox(trusted.server(tmp_path, "other.test"), starttls=way is Security.STARTTLS) as box:
        step = last(world, wanted(box, way))
        assert (step["step"], "not trusted" in step["detail"]) == ("tls", True)
        assert box.mails == []


def test_g17_a_server_without_starttls_gets_no_password(world: World, pem: Path) -> None:
    """Whoever sits between and takes the offer away gets nothing."""
    with mailbox(None) as box:
        step = last(world, wanted(box, Security.STARTTLS))
        assert (step["step"], "STARTTLS" in step["detail"]) == ("tls", True)
        assert (box.mails, box.attempts) == ([], 0)


def test_g17_a_closed_port_fails_at_connect_and_a_silent_one_ends(world: World, pem: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box = Mailbox(port=free.getsockname()[1])
        assert last(world, wanted(box, Security.TLS))["step"] == "connect"
    with talker(say_nothing) as silent:
        server = Server("localhost", silent.port, Security.STARTTLS)
        with pytest.raises(NotSent, match=r"longer than 0\.5 s") as caught:
            smtp.send(server, post.message("a@b.test", "x", "y", sender="c@d.test", name=""), seconds=0.5)
    assert (caught.value.step, caught.value.temporary) == (Step.CONNECT, True)


def say_nothing(one: socket.socket) -> None:
    one.recv(1)


def drip(one: socket.socket) -> None:
    while True:
        one.sendall(b"220-wait\r\n")
        threading.Event().wait(0.02)


@pytest.mark.parametrize("under_tls", [False, True])
def test_g17_a_server_that_never_finishes_is_cut_off(
    trusted: Authority, pem: Path, tmp_path: Path, under_tls: bool
) -> None:
    """TLS takes the socket over: the deadline holds for what it became."""
    with talker(drip, pem=pem if under_tls else None, speaks_first=True) as it:
        server = Server("localhost", it.port, Security.TLS if under_tls else Security.STARTTLS)
        with pytest.raises(NotSent, match=r"longer than 0\.8 s"):
            smtp.send(server, post.message("a@b.test", "x", "y", sender="c@d.test", name=""), seconds=0.8)


@pytest.mark.parametrize(
    ("host", "port", "pointer"),
    [
        ("127.0.0.1", 587, "/host"),
        ("169.254.169.254", 25, "/host"),
        ("[::1]", 465, "/host"),
        ("2130706433", 587, "/host"),
        ("mail.example.com", 6379, "/port"),
        ("8.8.8.8", 22, "/host"),
        ("a b", 25, "/host"),
        ("mail.example.com\r\nX", 25, "/host"),
    ],
)
def test_g17_a_server_inside_or_by_another_port_is_refused(world: World, host: str, port: int, pointer: str) -> None:
    answer = put(world, {"host": host, "port": port, "sender": "a@b.test", "password": ""})
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_g17_a_name_that_leads_inside_is_refused_when_it_is_used(world: World) -> None:
    assert put(world, {"host": "localhost", "port": 587, "sender": "a@b.test", "password": ""}).status_code == 200
    answer = build.api(world.owner, world.ours).post("/api/smtp/test").json()
    assert [(step["step"], step["ok"]) for step in answer["steps"]] == [("resolve", False)]
    assert "nothing is sent there" in answer["steps"][0]["detail"]
    with platform_scope(), pytest.raises(NotSent) as caught:
        deliver(world.ours)
    assert caught.value.temporary is False


@pytest.mark.parametrize(
    "values",
    [
        {"subject": "x\r\nBcc: all@there.test"},
        {"subject": "x\nBcc: all@there.test"},
        {"subject": "x\rBcc: all@there.test"},
        {"to": "you@there.test\r\nBcc: all@there.test"},
        {"to": "you@there.test>\r\nRCPT TO:<all@there.test"},
        {"to": "you@there.test, all@there.test"},
    ],
)
def test_g17_no_header_holds_more_than_a_line(
    world: World, box: Mailbox, way: Security, values: dict[str, str]
) -> None:
    put(world, wanted(box, way))
    with pytest.raises((ValueError, HeaderParseError)):
        deliver(world.ours, **values)
    assert box.attempts == 0
    assert put(world, wanted(box, way, sender_name="a\r\nBcc: b@c.test")).status_code == 422
    assert put(world, wanted(box, way, sender="a@b.test\r\nBcc: b@c.test")).status_code == 422


def test_g17_a_body_cannot_end_the_mail(world: World, box: Mailbox, way: Security) -> None:
    put(world, wanted(box, way))
    deliver(world.ours, body="one\r\n.\r\nMAIL FROM:<evil@x.test>\r\nRCPT TO:<all@there.test>\r\n")
    assert (len(box.mails), box.recipients) == (1, ["you@there.test"])
    assert "MAIL FROM:<evil@x.test>" in box.mails[0].get_content()


def test_g17_the_platforms_server_takes_what_no_tenants_does(
    world: World, box: Mailbox, way: Security, settings: Any
) -> None:
    """It may be inside: its operator named it."""
    settings.OUTBOUND_ALLOWED = []
    scheme = "smtps" if way is Security.TLS else "smtp+starttls"
    settings.SMTP_URL = f"{scheme}://{USER}:{PASSWORD}@localhost:{box.port}"
    settings.DEFAULT_FROM_EMAIL = "VeloFlux <no-reply@veloflux.test>"
    deliver(None)
    put(world, {"host": "mail.example.com", "port": 587, "sender": "a@b.test", "password": "", "enabled": False})
    deliver(world.ours)
    assert [mail["From"].addresses[0].addr_spec for mail in box.mails] == ["no-reply@veloflux.test"] * 2
    assert box.signed_in == [True, True]


def test_g17_without_any_server_a_mail_is_kept(world: World, settings: Any) -> None:
    settings.SMTP_URL = ""
    deliver(world.theirs)
    assert [one.to for one in django_mail.outbox] == [["you@there.test"]]


@pytest.mark.parametrize("url", ["smtp://h", "http://h", "smtps://", "smtps://h:x", "mail"])
def test_g17_a_url_that_is_no_mail_server_is_said_to_be(url: str) -> None:
    with pytest.raises(post.BadSmtpUrl):
        post.platform_server(url)


def test_g17_what_may_work_later_is_tried_again_and_what_will_not_is_told(
    world: World, box: Mailbox, way: Security, monkeypatch: pytest.MonkeyPatch
) -> None:
    from celery.exceptions import Retry

    from tenants.tasks import MAIL_AGAIN, send_mail

    put(world, wanted(box, way))
    fields = {"to": "you@there.test", "subject": "s", "body": "b", "tenant_id": world.ours.pk}
    again: list[float] = []

    def retry(**options: Any) -> Retry:
        again.append(options["countdown"])
        return Retry("later")

    monkeypatch.setattr(send_mail, "retry", retry)
    box.answers[:] = ["451 come back"]
    with pytest.raises(Retry):
        send_mail.run(**fields)
    assert again == [MAIL_AGAIN[0]]
    send_mail.run(**fields)
    assert len(box.mails) == 1
    box.answers[:] = ["550 never"]
    send_mail.run(**fields)
    with platform_scope():
        [row] = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="mail.fail")
    assert (row.outcome, "550 never" in row.detail) == ("refused", True)
    assert max(MAIL_AGAIN) < 300


def test_g17_another_tenants_seal_does_not_open(world: World, box: Mailbox, way: Security) -> None:
    put(world, wanted(box, way))
    with platform_scope():
        moved = stored(world.ours)
        SmtpServer.objects.create(
            tenant=world.theirs, host="localhost", port=box.port, password=moved.password, sender="a@b.test",
            updated_at=timezone.now(),
        )  # fmt: skip
        with pytest.raises(vault.CannotOpen):
            post.server_of(stored(world.theirs))
