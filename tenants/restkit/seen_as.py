"""What staff may ask for while they look as somebody else: reading, each request of it written down."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tenants.restkit import problems
from tenants.restkit.access import Access, address_of
from tenants.services import impersonation
from tenants.services.impersonation import ReadOnly

READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Staff's own pages, and the ways out.
THEIR_OWN = ("/staff/", "/impersonation/end", "/logout")


def refusal(request: HttpRequest, found: Access) -> HttpResponse | None:
    """The answer to a write; None lets the request through. Raise `PermissionDenied`, whose page says the rest."""
    caller = found.caller
    if caller is None or caller.impersonation is None or request.path_info.startswith(THEIR_OWN):
        return None
    refused = request.method not in READING
    impersonation.note(
        f"{request.method} {request.path_info}",
        by=found.actor(address_of(request)),
        tenant_id=caller.impersonation.tenant_id,
        now=timezone.now(),
        refused=refused,
    )
    if not refused:
        return None
    said = ReadOnly()
    if problems.is_api(request):
        return problems.answer(said.status, said.code, said.detail)
    raise PermissionDenied(said.detail)
