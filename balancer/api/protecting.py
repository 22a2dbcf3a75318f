"""The part of a document that a tenant has one of: what clients are held to, and what answers say."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from balancer.api.operations import field_errors
from balancer.api.portable import PROTECTION, writable
from balancer.fleet.models import Edit
from balancer.queries.objects import Difference
from balancer.services import protection
from balancer.services.edits import Changed
from balancer.services.protection import ClientLimits, Headers
from tenants.actor import Actor
from tenants.errors import FieldError, Refused

SET: Mapping[str, tuple[type, Callable[..., Changed[Any]]]] = {
    "rate_limit": (ClientLimits, protection.limit_clients),
    "security_headers": (Headers, protection.dress_answers),
}


def wanted(part: Mapping[str, Any]) -> dict[str, Any]:
    """Each as its service takes it; what it leaves out has its default. Raise `Refused` with every pointer."""
    found, errors = {}, []
    for name, sent in part.items():
        form = PROTECTION[name].serializer(data=sent)
        known = writable(PROTECTION[name].serializer()).fields
        strange = sorted(sent.keys() - set(known)) if isinstance(sent, dict) else []
        if strange:
            errors.append(FieldError(f"{at(name)}/{strange[0]}", "unknown", "There is no such field in a document."))
        elif form.is_valid():
            found[name] = SET[name][0](**form.validated_data)
        else:
            errors += field_errors(form.errors, at(name))
    if errors:
        raise Refused(f"Nothing was changed. {errors[0].detail}", "import_refused", 422, tuple(errors))
    return found


def bring(parts: Mapping[str, Any], *, by: Actor, now: datetime) -> list[Edit]:
    """Set those that differ. In a transaction."""
    made = []
    for name, values in parts.items():
        row = PROTECTION[name].current()
        if any(getattr(row, field) != value for field, value in asdict(values).items()):
            with pointed(name):
                made.append(SET[name][1](values, by=by, now=now).edit)
    return made


def difference(edit: Edit) -> Difference:
    return Difference(edit.kind, edit.object_id, edit.name, "update", edit.before, edit.after)


def at(name: str) -> str:
    return f"/protection/{name}"


@contextmanager
def pointed(name: str) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        refused.errors = tuple(FieldError(at(name) + one.pointer, one.code, one.detail) for one in refused.errors)
        raise
