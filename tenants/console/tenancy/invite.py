"""/invite/<token>: take a place that was offered by mail, as oneself or as somebody new."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants.console.page import page
from tenants.console.sentences import sentence
from tenants.console.tenancy.tenancy_forms import JoinForm
from tenants.console.words import ROLES
from tenants.errors import Refused
from tenants.models import Invitation, Membership, SignInMethod, User
from tenants.restkit import access
from tenants.services.people import invitations
from tenants.services.people.invitations import NewPerson, NotValid
from tenants.services.signing_in import console_sessions


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest, token: str) -> HttpResponse:
    try:
        invitation = invitations.find(token, now=timezone.now())
    except NotValid as refused:
        return page(request, "tenants/invite_gone.html", {"refused": sentence(refused)}, status=404)
    caller = access.of(request).caller
    form = JoinForm(request.POST or None)
    refused_because = ""
    if request.method == "POST" and (caller is not None or form.is_valid()):
        try:
            joined = _accept(request, token, caller.user if caller else None, form)
        except Refused as refused:
            if caller is None and refused.errors:
                form.show(refused)
            else:
                refused_because = sentence(refused)
        else:
            messages.success(request, _("Welcome to %(tenant)s.") % {"tenant": joined.tenant.name})
            return redirect("console:overview", joined.tenant.slug)
    context = {**_context(invitation, caller.user if caller else None, request), "form": form}
    status = 422 if refused_because or (request.method == "POST" and form.errors) else 200
    return page(request, "tenants/invite.html", {**context, "refused": refused_because}, status=status)


def _accept(request: HttpRequest, token: str, user: User | None, form: JoinForm) -> Membership:
    given = {} if user else form.cleaned_data
    new = None if user else NewPerson(given["password"], given["first_name"])
    joined = invitations.accept(
        token,
        who=user or new,
        through="session" if user else "invitation",
        address=access.address_of(request),
        now=timezone.now(),
    )
    if user is None:
        console_sessions.begin(request, joined.user, method=SignInMethod.PASSWORD)
    return joined


def _context(invitation: Invitation, user: User | None, request: HttpRequest) -> dict[str, object]:
    return {
        "invitation": invitation,
        "place": invitation.tenant.name,
        "role_word": ROLES[invitation.role],
        "right_person": user is not None and user.email == invitation.email,
        "wrong_person": user is not None and user.email != invitation.email,
        "known": user is None and invitations.has_account(invitation),
        "login": f"{reverse('account:login')}?next={request.path}",
    }
