"""Claim domains, prove them, and look again whether they are still proven.

Nothing is asked of the network inside a transaction: first it is looked, then written under the tenant's lock.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from balancer.fleet.models import DomainProof, ProofMethod
from balancer.models import Listener, Route
from balancer.services import edits, proofs, rules
from balancer.services.proofs import NotProven
from tenants import scope
from tenants.actor import SYSTEM, Actor
from tenants.errors import Conflict, FieldError, InvalidField, NotFound, Refused
from tenants.models import Outcome
from tenants.services.mails import owners_mail
from tenants.services.trail import audit

CLAIM = timedelta(days=7)  # how long a claim waits for its proof
LOOK_AGAIN = timedelta(days=1)
PATIENCE = timedelta(days=7)  # how long a proven domain may not be found
MOST_OPEN = 100
EXEMPT = (".localhost", ".test")


class Unproven(Refused):
    def __init__(self, sentences: list[str]) -> None:
        errors = tuple(FieldError("", "not_proven", sentence) for sentence in sentences)
        super().__init__(" ".join(sentences), "not_proven", 422, errors)


@transaction.atomic
def add(domain: str, *, by: Actor, now: datetime) -> DomainProof:
    """A claim, with what is to be published. It blocks nobody else."""
    tenant = edits.hold_tenant()
    name = cleaned(domain)
    mine = DomainProof.objects.filter(tenant=tenant)
    if mine.filter(domain=name).exists():
        raise Conflict(f"{name} is in your list already.", "claimed", "/domain")
    if mine.filter(verified_at=None).count() >= MOST_OPEN:
        raise InvalidField("domain", f"{MOST_OPEN} domains wait for their proof. Prove or remove some first.", "many")
    proof = DomainProof.objects.create(
        tenant=tenant, domain=name, token=secrets.token_hex(16), created_at=now, updated_at=now, expires_at=now + CLAIM
    )
    audit.record("domain.add", by=by, now=now, tenant=tenant, thing=proof)
    return proof


def verify(proof: DomainProof, *, by: Actor, now: datetime, method: str = "") -> DomainProof:
    """Look now, by one method or by both. Raise `Unproven` with what was seen, or `Conflict`: it is another's."""
    seen, sentences = looked(proof, method)
    with transaction.atomic():
        if seen:
            return _proven(proof, seen, by=by, now=now)
        held = _held(proof)
        _note_failure(held, sentences, now=now)
        audit.record(
            "domain.verify", by=by, now=now, tenant=held.tenant_id, thing=held,
            outcome=Outcome.REFUSED, detail=" ".join(sentences),
        )  # fmt: skip
    raise Unproven(sentences)


@transaction.atomic
def remove(proof: DomainProof, *, by: Actor, now: datetime) -> None:
    """Raise `Conflict` while a route needs it."""
    edits.hold_tenant()
    held = _held(proof)
    if held.verified_at is not None:
        needed = [host for host in hosts_within(held.domain) if not covered(host, but=held.pk)]
        if needed:
            raise Conflict(f"Routes still use {held.domain}: {', '.join(needed[:3])}. Delete them first.", "in_use")
    gone = held.pk
    held.delete()
    held.pk = gone
    audit.record("domain.remove", by=by, now=now, tenant=held.tenant_id, thing=held)


def proven() -> frozenset[str]:
    """All of this scope's tenant, for many hosts at once."""
    mine = DomainProof.objects.filter(tenant=scope.required().tenant_id).exclude(verified_at=None)
    return frozenset(mine.values_list("domain", flat=True))


def require(host: str, among: frozenset[str] | None = None) -> None:
    """Raise `InvalidField` for a host that no proven domain of this scope's tenant covers; `among`: those that are."""
    if settings.DEMO and f".{host}".endswith(EXEMPT):
        return
    if not (covered(host) if among is None else among & set(names_over(host))):
        wanted = host.removeprefix("*.").removeprefix("www.")
        raise InvalidField(
            "host",
            f"{host} is not proven to be yours. Add {wanted} under Domains, prove it there, then save this again.",
            "domain_unproven",
        )


def covered(host: str, *, but: str = "") -> bool:
    mine = DomainProof.objects.filter(tenant=scope.required().tenant_id, domain__in=names_over(host))
    return mine.exclude(verified_at=None).exclude(pk=but).exists()


def names_over(host: str) -> list[str]:
    """The host itself and every name that it is below."""
    labels = host.removeprefix("*.").split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def hosts_within(domain: str) -> list[str]:
    """Of this tenant's routes, and of listeners."""
    routed = Route.objects.order_by().values_list("host", flat=True)
    named = Listener.objects.values_list("host", flat=True)
    hosts = sorted({*routed, *filter(None, named)})
    return [host for host in hosts if f".{host.removeprefix('*.')}".endswith(f".{domain}")]


def cleaned(domain: str) -> str:
    try:
        name = rules.host(domain)
    except ValueError as error:
        raise InvalidField("domain", str(error)) from error
    if name.startswith("*."):
        raise InvalidField("domain", f"Leave the *. out: {name[2:]} stands for all names below it.")
    if "." not in name:
        raise InvalidField("domain", "A domain has a dot in it, like example.com.")
    if name.rpartition(".")[2].isdigit():
        raise InvalidField("domain", f"{name} is an address; name a domain, like example.com.", "address")
    if name in settings.RESERVED_HOSTS or name.endswith(tuple(f".{host}" for host in settings.RESERVED_HOSTS)):
        raise InvalidField("domain", f"{name} is the console's own; choose a host of yours.", "reserved")
    return name


def looked(proof: DomainProof, method: str = "") -> tuple[str, list[str]]:
    """How it is proven, empty when it is not; and what was seen instead."""
    sentences = []
    for one in [method] if method else sorted(ProofMethod.values, key=lambda each: each != (proof.method or "dns")):
        try:
            proofs.look(proof, one)
        except NotProven as problem:
            sentences.append(problem.sentence)
        else:
            return one, []
    return "", sentences


def look_again(proof: DomainProof, *, now: datetime) -> None:
    """For the sweep. One that is not found for `PATIENCE` is proven no more: routes that are there go on, new ones for
    it are refused, and whoever proves it then has it."""
    seen, sentences = looked(proof)
    with transaction.atomic():
        held = DomainProof.objects.select_for_update().filter(pk=proof.pk).exclude(verified_at=None).first()
        if held is None:
            return
        if seen:
            held.method, held.checked_at, held.failing_since, held.problem = seen, now, None, ""
            held.save()
            return
        _note_failure(held, sentences, now=now)
        if held.failing_since is not None and now - held.failing_since >= PATIENCE:
            held.verified_at, held.expires_at, held.failing_since = None, now + CLAIM, None
            held.save()
            _tell_owners("domain_lost", held)
            audit.record("domain.lapse", by=SYSTEM, now=now, tenant=held.tenant_id, thing=held, detail=held.problem)


def sweep(*, now: datetime, most: int) -> int:
    """Forget claims that nobody proved, and look at those that were not looked at for longest. In the platform's scope.

    Answers how many were looked at.
    """
    DomainProof.objects.filter(verified_at=None, expires_at__lte=now).delete()
    due = DomainProof.objects.exclude(verified_at=None).filter(checked_at__lte=now - LOOK_AGAIN)
    proofs_due = list(due.order_by("checked_at", "pk")[:most])
    for proof in proofs_due:
        look_again(proof, now=now)
    return len(proofs_due)


def _proven(proof: DomainProof, method: str, *, by: Actor, now: datetime) -> DomainProof:
    held = _held(proof)
    first = held.verified_at is None
    held.method, held.verified_at, held.checked_at = method, held.verified_at or now, now
    held.failing_since, held.problem, held.expires_at, held.updated_at = None, "", None, now
    try:
        with transaction.atomic():
            held.save()
    except IntegrityError as error:
        raise Conflict(
            f"{held.domain} is in use by another account. If it is yours, ask support to move it.", "taken"
        ) from error
    if first:
        audit.record("domain.verify", by=by, now=now, tenant=held.tenant_id, thing=held, after={"method": method})
    return held


def _note_failure(held: DomainProof, sentences: list[str], *, now: datetime) -> None:
    """By the way that it was proven, or by DNS: what is kept is one sentence."""
    held.checked_at, held.problem, held.updated_at = now, sentences[0][:500], now
    begins = held.verified_at is not None and held.failing_since is None
    if begins:
        held.failing_since = now
    held.save()
    if begins:
        _tell_owners("domain_failing", held)


def _tell_owners(template: str, held: DomainProof) -> None:
    """Once for what happened, under the row's lock: the next look finds it written."""
    context = {"domain": held.domain, "days": PATIENCE.days}
    owners_mail.send(template, held.tenant_id, path=f"/domains/{held.pk}", context=context)


def _held(proof: DomainProof) -> DomainProof:
    found = DomainProof.objects.select_for_update().filter(pk=proof.pk).first()
    if found is None:
        raise NotFound("This domain was removed in the meantime.")
    return found
