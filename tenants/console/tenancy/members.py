"""Members: who belongs, who is invited, and what each may do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console import menu
from tenants.console.asking import Question
from tenants.console.doors import TenantRequest, tenant_page, to_prove
from tenants.console.menu import Item
from tenants.console.page import page
from tenants.console.sentences import sentence
from tenants.console.tenancy import tenancy_sentences as tenancy_sentences  # adds what the services say
from tenants.console.tenancy.tenancy_forms import InviteForm, RoleForm
from tenants.console.words import ROLES
from tenants.errors import Refused
from tenants.models import Invitation, Membership
from tenants.restkit import access
from tenants.roles import Role, Verb, rights
from tenants.services.people import invitations
from tenants.services.signing_in import reauth
from tenants.services.tenancy import limits, members

menu.add([Item("account:members", gettext_lazy("Members"), "users")])


@dataclass(frozen=True, slots=True)
class MemberRow:
    """`mine`: the one who looks. `may_change`: they hold no right that he lacks."""

    member: Membership
    role: Promise
    mine: bool
    may_change: bool


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    return listed(request, InviteForm(by=request.actor, initial={"role": Role.VIEWER.value}))


@require_POST
@tenant_page(Verb.MEMBERS)
def invite(request: TenantRequest) -> HttpResponse:
    form = InviteForm(request.POST, by=request.actor)
    if form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            if given["role"] == Role.OWNER:
                access.of(request).require_proof(now=now)
            made = invitations.invite(
                request.tenant,
                email=given["email"],
                role=Role(given["role"]),
                language=translation.get_language() or "en",
                by=request.actor,
                now=now,
            )
        except reauth.ReauthenticationNeeded:
            return to_prove(request, reverse("account:members", args=[request.tenant.slug]))
        except Refused as refused:
            form.show(refused)
        else:
            messages.success(request, _("%(email)s is invited; the mail is on its way.") % {"email": made.email})
            return redirect("account:members", request.tenant.slug)
    return listed(request, form, status=422)


@require_http_methods(["GET", "POST"])
@tenant_page(Verb.MEMBERS)
def member(request: TenantRequest, member_id: str) -> HttpResponse:
    """One member: another role, suspended and back, removed."""
    found = _member(request, member_id)
    form = RoleForm(request.POST or None, by=request.actor, initial={"role": found.role})
    if request.method == "POST" and form.is_valid():
        wanted, now = Role(form.cleaned_data["role"]), timezone.now()
        if wanted is Role.OWNER and found.role != Role.OWNER:
            access.of(request).require_proof(now=now)
        try:
            members.change_role(found, wanted, by=request.actor, now=now)
        except Refused as refused:
            form.show(refused)
        else:
            said = _("%(email)s is now %(role)s.") % {"email": found.user.email, "role": ROLES[wanted]}
            messages.success(request, said)
            return redirect("account:members", request.tenant.slug)
    context = {"row": _row(found, request), "form": form}
    return page(request, "tenants/member.html", context, status=422 if form.errors else 200)


def _remove(found: Membership, request: TenantRequest) -> str:
    members.remove(found, by=request.actor, now=timezone.now())
    return _("%(email)s is no longer a member.") % {"email": found.user.email}


def _suspend(found: Membership, request: TenantRequest) -> str:
    members.suspend(found, by=request.actor, now=timezone.now())
    return _("%(email)s is suspended.") % {"email": found.user.email}


def _resume(found: Membership, request: TenantRequest) -> str:
    members.resume(found, by=request.actor, now=timezone.now())
    return _("%(email)s is back.") % {"email": found.user.email}


ACTS: dict[str, Callable[[Membership, TenantRequest], str]] = {
    "remove": _remove,
    "suspend": _suspend,
    "resume": _resume,
}


@require_http_methods(["GET", "POST"])
@tenant_page(Verb.MEMBERS)
def act(request: TenantRequest, member_id: str, act: str) -> HttpResponse:
    if act not in ACTS:
        raise Http404
    found = _member(request, member_id)
    if request.method == "GET":
        return _asked(request, found) if act == "remove" else redirect("account:member", request.tenant.slug, member_id)
    try:
        messages.success(request, ACTS[act](found, request))
    except Refused as refused:
        messages.error(request, sentence(refused))
        return redirect("account:member", request.tenant.slug, member_id)
    return redirect("account:members", request.tenant.slug)


def _asked(request: TenantRequest, found: Membership) -> HttpResponse:
    who = found.user.email
    follows = (
        _("Signed out of this tenant at once; the keys that they made here are revoked for good."),
        _("Only a new invitation brings them back."),
    )
    title, act = _("Remove %(who)s?") % {"who": who}, _("Remove the member")
    question = Question(title, follows, act, reverse("account:member", args=[request.tenant.slug, found.pk]), who)
    return page(request, "tenants/ask.html", {"question": question})


@require_http_methods(["GET", "POST"])
@tenant_page(even_closed=True)
def leave(request: TenantRequest) -> HttpResponse:
    """A page that asks; its button sends the POST."""
    mine = Membership.objects.filter(tenant=request.tenant, user=request.actor.user_id).select_related("user").first()
    if mine is None:
        raise Http404
    if request.method == "POST":
        try:
            members.remove(mine, by=request.actor, now=timezone.now())
        except Refused as refused:
            return page(request, "tenants/leave.html", {"refused": sentence(refused)}, status=refused.status)
        messages.success(request, _("You have left %(tenant)s.") % {"tenant": request.tenant.name})
        return redirect("account:home")
    return page(request, "tenants/leave.html")


@require_POST
@tenant_page(Verb.MEMBERS)
def invitation_act(request: TenantRequest, invitation_id: str, act: str) -> HttpResponse:
    found = Invitation.objects.filter(tenant=request.tenant, pk=invitation_id).select_related("tenant").first()
    if found is None or act not in ("resend", "revoke"):
        raise Http404
    now, by = timezone.now(), request.actor
    try:
        if act == "resend":
            invitations.resend(found, language=translation.get_language() or "en", by=by, now=now)
            messages.success(request, _("A new link is on its way to %(email)s.") % {"email": found.email})
        else:
            invitations.revoke(found, by=by, now=now)
            messages.success(request, _("The invitation of %(email)s is withdrawn.") % {"email": found.email})
    except Refused as refused:
        messages.error(request, sentence(refused))
    return redirect("account:members", request.tenant.slug)


def listed(request: TenantRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    found = Membership.objects.filter(tenant=request.tenant).select_related("user").order_by("user__email", "pk")
    waiting: list[Any] = []
    if Verb.MEMBERS in rights(request.actor.role, is_staff=request.actor.is_staff):
        still = Invitation.objects.filter(tenant=request.tenant, accepted_at=None, revoked_at=None)
        waiting = [
            {"it": one, "role": ROLES[one.role], "open": one.expires_at > now} for one in still.order_by("email")
        ]
    seats, used = limits.seats(request.tenant), limits.seats_used(request.tenant, now=now)
    context = {
        "rows": [_row(one, request) for one in found],
        "waiting": waiting,
        "form": form,
        "seats": seats,
        "used": used,
        "full": seats is not None and used >= seats and not form.is_bound,  # what was typed stays, with its refusal
    }
    return page(request, "tenants/members.html", context, status=status)


def _row(found: Membership, request: TenantRequest) -> MemberRow:
    mine = rights(request.actor.role, is_staff=request.actor.is_staff)
    may_change = Verb.MEMBERS in mine and rights(Role(found.role), is_staff=False) <= mine
    return MemberRow(found, ROLES[found.role], found.user_id == request.actor.user_id, may_change)


def _member(request: TenantRequest, member_id: str) -> Membership:
    found = Membership.objects.filter(tenant=request.tenant, pk=member_id).select_related("user", "tenant").first()
    if found is None:
        raise Http404
    return found


vars(invitation_act)["throttle_class_name"] = "expensive"  # as the API's: each is a mail to somebody
