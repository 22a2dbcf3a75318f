"""Stop looking as somebody else."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from tenants.restkit import access
from tenants.services import impersonation


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    found = access.of(request)
    if found.caller is not None and found.caller.impersonation is not None:
        person = found.caller.impersonation.person
        impersonation.end(request.session, by=found.actor(access.address_of(request)), now=timezone.now())
        return redirect("admin:tenants_user_change", person.pk)
    return redirect("account:home")
