"""How one signs in: password, authenticator app, recovery codes, passkeys."""

import json

import segno
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants import vault
from tenants.console.asking import Question
from tenants.console.forms import PasswordForm, TotpForm
from tenants.console.people import ceremonies
from tenants.console.sentences import sentence
from tenants.console.tenancy.own import OwnRequest, own, own_page, proven
from tenants.errors import Refused
from tenants.models import Passkey
from tenants.queries import people
from tenants.restkit import access
from tenants.services.signing_in import console_sessions, passkeys, passwords, second_factor

CODES = "recovery_codes"  # sealed, in the session, from where they are made to where they are shown


@own_page()
@require_GET
def index(request: OwnRequest) -> HttpResponse:
    person, asking = request.person, []
    if request.sign_in.second_factor_at is None:
        theirs = people.memberships(person.pk, only=request.sign_in.tenant_id)
        asking = [row.tenant for row in theirs if row.tenant.second_factor_from is not None]
    context = {
        "has": second_factor.factors(person),
        "passkeys": Passkey.objects.filter(user=person),
        "asking": asking,
        "now": timezone.now(),
        "has_password": person.has_usable_password(),
    }
    return own(request, "tenants/security.html", context)


@sensitive_post_parameters("current_password", "password")
@own_page(credentials=True)
@require_http_methods(["GET", "POST"])
def password(request: OwnRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            passwords.change(
                request.person,
                current=given["current_password"],
                new=given["password"],
                keep=request.sign_in,
                source=access.source_of(request),
                by=request.actor,
                now=timezone.now(),
            )
        except Refused as refused:
            form.show(refused)
        else:
            console_sessions.keep(request, request.person)
            messages.success(request, _("Your password is changed. Every other session is signed out."))
            return redirect("account:security")
    return own(request, "tenants/password.html", {"form": form}, status=422 if form.errors else 200)


@own_page(credentials=True)
@proven
@never_cache
@require_http_methods(["GET", "POST"])
def totp(request: OwnRequest) -> HttpResponse:
    """GET shows what is being set up, the same until it is confirmed."""
    now, person = timezone.now(), request.person
    if second_factor.factors(person).totp:
        return redirect("account:security")
    begun = second_factor.waiting(person) or second_factor.begin_totp(person, by=request.actor, now=now)
    form = TotpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factor.confirm_totp(
                person, form.cleaned_data["otp"], sign_in=request.sign_in, by=request.actor, now=now
            )
        except Refused as refused:
            form.show(refused)
        else:
            return own(request, "tenants/codes.html", {"codes": codes})
    context = {"form": form, "secret": begun.secret, "uri": begun.uri, "qr": qr(begun.uri)}
    return own(request, "tenants/totp.html", context, status=422 if form.errors else 200)


@own_page(credentials=True)
@proven
@require_http_methods(["GET", "POST"])
def totp_remove(request: OwnRequest) -> HttpResponse:
    has = second_factor.factors(request.person)
    if not has.totp:
        return redirect("account:security")
    if request.method == "GET":
        return ask(request, _("Remove the authenticator app?"), _("Remove the app"), last=has.passkeys == 0)
    second_factor.remove_totp(request.person, by=request.actor, now=timezone.now())
    messages.success(request, _("The authenticator app is removed."))
    return redirect("account:security")


@own_page(credentials=True)
@proven
@never_cache
@require_http_methods(["GET", "POST"])
def codes(request: OwnRequest) -> HttpResponse:
    """POST makes new ones; GET shows those that a first passkey brought, once."""
    if request.method == "POST":
        made = second_factor.renew_codes(request.person, by=request.actor, now=timezone.now())
        return own(request, "tenants/codes.html", {"codes": made})
    sealed = request.session.pop(CODES, "")
    if not sealed:
        return redirect("account:security")
    return own(request, "tenants/codes.html", {"codes": json.loads(vault.unseal(sealed, about=_about(request)))})


@own_page(credentials=True)
@proven
@require_POST
def passkey_options(request: OwnRequest) -> HttpResponse:
    try:
        asked = passkeys.registration_options(request.person, ceremonies.site_of(request))
    except Refused as refused:
        return JsonResponse({"detail": sentence(refused)}, status=refused.status)
    return ceremonies.ask(request, asked)


@own_page(credentials=True)
@proven
@require_POST
def passkey_add(request: OwnRequest) -> HttpResponse:
    try:
        made = passkeys.register(
            request.person,
            passkeys.parsed(request.body),
            challenge=ceremonies.challenge(request),
            site=ceremonies.site_of(request),
            name=request.GET.get("name", "").strip(),
            sign_in=request.sign_in,
            by=request.actor,
            now=timezone.now(),
        )
    except Refused as refused:
        return JsonResponse({"detail": sentence(refused)}, status=refused.status)
    if made:
        request.session[CODES] = vault.seal(json.dumps(made), about=_about(request))
    else:
        messages.success(request, _("The passkey is added."))
    return JsonResponse({"next": "/security/codes" if made else "/security"})


@own_page(credentials=True)
@proven
@require_http_methods(["GET", "POST"])
def passkey_remove(request: OwnRequest, passkey_id: str) -> HttpResponse:
    if request.method == "GET":
        passkey, has = get_object_or_404(request.person.passkeys, pk=passkey_id), second_factor.factors(request.person)
        title = _("Remove the passkey %(name)s?") % {"name": passkey.name}
        return ask(request, title, _("Remove the passkey"), last=has.passkeys == 1 and not has.totp)
    passkeys.remove(request.person, passkey_id, by=request.actor, now=timezone.now())
    messages.success(request, _("The passkey is removed."))
    return redirect("account:security")


def ask(request: OwnRequest, title: str, act: str, *, last: bool) -> HttpResponse:
    """`last`: no second factor is left then."""
    follows: tuple[str, ...] = (_("It lets you in no more. Your other ways to sign in stay."),)
    if last:
        follows = (
            _("It is your last second factor: your password alone lets you in then, and your recovery codes end too."),
            _("A tenant that asks for a second factor does not let you in until you set one up again."),
        )
    return own_question(request, Question(title, follows, act, reverse("account:security"), _("Security")))


@own_page(credentials=True)
@require_GET
def codes_new(request: OwnRequest) -> HttpResponse:
    if not second_factor.factors(request.person).any:
        return redirect("account:security")
    follows = (_("The codes that you have now end at once. The new ones are shown once."),)
    back, to = reverse("account:security"), reverse("account:codes")
    asked = Question(_("Make new recovery codes?"), follows, _("Make new codes"), back, _("Security"), to)
    return own_question(request, asked)


def own_question(request: OwnRequest, question: Question) -> HttpResponse:
    return own(request, "tenants/ask.html", {"question": question})


def qr(uri: str) -> SafeString:
    """As SVG without a style attribute: it stays under the strict policy. Black on white, for cameras."""
    drawn = segno.make(uri, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff", svgclass="vf-qr")
    return mark_safe(drawn)  # noqa: S308 - drawn from numbers


def _about(request: OwnRequest) -> str:
    return f"session.recovery_codes:{request.person.pk}"
