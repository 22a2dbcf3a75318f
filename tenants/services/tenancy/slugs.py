"""A tenant's name in URLs."""

import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.utils.text import slugify

from tenants.ids import ALPHABET
from tenants.models import FormerSlug, Tenant

MOST = 40
TRIES = 5
KEPT = timedelta(days=365)  # how long links with a former slug work
# Until commit: who gives one up and who wants it look at it one after the other.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('slug ' || %s, 0))"
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
# What a path, a host or a person might take for ours.
RESERVED = frozenset(
    """
    admin api app assets auth billing blog console docs health help invite login logout mail me metrics
    new null platform pricing public reset root security settings signup staff static status support
    system t tenants test veloflux www ws
    """.split()  # noqa: SIM905 - forty quoted words would be forty lines
)


def valid(slug: str) -> bool:
    return SLUG.fullmatch(slug) is not None and "--" not in slug and slug not in RESERVED


def candidates(name: str) -> Iterator[str]:
    """The name itself where it can be one, then the same with something random after it."""
    base = re.sub(r"[-_]+", "-", slugify(name))[:MOST].strip("-") or "tenant"
    if valid(base):
        yield base
    for _ in range(TRIES):
        tail = "".join(secrets.choice(ALPHABET) for _ in range(5))
        yield f"{base[: MOST - 6].strip('-')}-{tail}"


def free(slug: str, *, now: datetime, but: str = "") -> bool:
    """Nobody has it, and nobody's links still use it, except the tenant `but`. In the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [slug])
    former = FormerSlug.objects.filter(slug=slug, until__gt=now).exclude(tenant=but)
    return not former.exists() and not Tenant.objects.filter(slug=slug).exclude(pk=but).exists()
