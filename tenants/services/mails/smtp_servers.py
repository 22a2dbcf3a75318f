"""A tenant's own mail server: kept, shown without its password, and tried out."""

import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from tenants import vault
from tenants.actor import Actor
from tenants.errors import InvalidField
from tenants.lines import SENTENCE, is_line
from tenants.models import Outcome, SmtpServer, Tenant
from tenants.outbound import guard, smtp
from tenants.outbound.smtp import NotSent, Step
from tenants.services.mails import post
from tenants.services.trail import audit

MASK = "****"
ANOTHER = "This is another server than before: give its password anew."


@dataclass(frozen=True, slots=True)
class Wanted:
    """`password` as `MASK` keeps the one that is there."""

    host: str
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: str = ""
    sender: str = ""
    sender_name: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    step: str
    ok: bool
    detail: str
    ms: int


def of(tenant: Tenant) -> SmtpServer | None:
    return SmtpServer.objects.filter(tenant=tenant).first()


@transaction.atomic
def save(tenant: Tenant, wanted: Wanted, *, by: Actor, now: datetime) -> SmtpServer:
    """Raise `InvalidField`. A password that is kept goes to the very server and user that it was given for: whoever
    may not read it may not have it sent elsewhere either."""
    check(wanted)
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    before = of(tenant)
    made = SmtpServer(tenant=tenant, updated_at=now, tested_at=None)
    fields = asdict(wanted)
    password = fields.pop("password")
    for name, value in fields.items():
        setattr(made, name, value)
    made.password = (
        _password(before, wanted) if password == MASK else vault.seal(password, about=post.about_password(made))
    )
    made.save(force_insert=before is None, force_update=before is not None)
    audit.record(
        "smtp.change",
        by=by,
        now=now,
        tenant=tenant,
        thing=made,
        name=made.host,
        before=_shown(before),
        after=_shown(made),
    )
    return made


def check(wanted: Wanted) -> None:
    """What can be said without asking anybody. Whether it leads inside is judged at each connection."""
    for name in ("username", "sender_name"):
        if not is_line(getattr(wanted, name)):
            raise InvalidField(name, SENTENCE, "line")
    try:
        host = guard.canonical(wanted.host)
        if guard.is_address(host):
            guard.resolve(host, wanted.port, ports=smtp.PORTS)
    except guard.Unreachable as error:
        raise InvalidField("host", error.sentence) from error
    allowed = ", ".join(str(port) for port in sorted(smtp.PORTS))
    if not guard.is_address(host) and not guard.port_may(wanted.port, smtp.PORTS):
        raise InvalidField("port", f"Mail is sent by the ports {allowed}; {wanted.port} is none of them.")


def remove(tenant: Tenant, *, by: Actor, now: datetime) -> None:
    """Its mails go by the platform's server again."""
    with transaction.atomic():
        before = of(tenant)
        if before is None:
            return
        before.delete()
        audit.record("smtp.remove", by=by, now=now, tenant=tenant, name=before.host, before=_shown(before))


def try_out(tenant: Tenant, server: SmtpServer, to: str, *, by: Actor, now: datetime) -> list[Tried]:
    """Send one mail to `to` and tell what each step came to; the one that failed is the last."""
    told: list[Tried] = []
    clock = [time.monotonic()]

    def heard(step: Step, sentence: str, *, ok: bool = True) -> None:
        clock.append(time.monotonic())
        told.append(Tried(step.value, ok, sentence, round((clock[-1] - clock[-2]) * 1000)))

    try:
        post.try_out(post.server_of(server), to, sender=server.sender, name=server.sender_name, told=heard)
    except NotSent as error:
        heard(error.step, error.sentence, ok=False)
    except vault.CannotOpen:
        heard(Step.AUTH, "The password cannot be read any more. Give it anew.", ok=False)
    worked = told[-1].ok
    with transaction.atomic():
        if worked:
            SmtpServer.objects.filter(pk=server.pk).update(tested_at=now)
        outcome = Outcome.DONE if worked else Outcome.REFUSED
        detail = f"{told[-1].step}: {told[-1].detail}"
        audit.record("smtp.test", by=by, now=now, tenant=tenant, name=server.host, outcome=outcome, detail=detail)
    return told


def _password(before: SmtpServer | None, wanted: Wanted) -> str:
    if before is None:
        return ""
    same = (before.host, before.port, before.username) == (wanted.host, wanted.port, wanted.username)
    if before.password and not same:
        raise InvalidField("password", ANOTHER, "another_server")
    return before.password


def _shown(server: SmtpServer | None) -> dict[str, Any]:
    if server is None:
        return {}
    names = ("enabled", "host", "port", "security", "username", "password", "sender", "sender_name")
    return {name: getattr(server, name) for name in names}
