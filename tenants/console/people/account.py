"""One's own account: who one is, and where one is signed in."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.console.forms import EmailForm, ProfileForm
from tenants.console.tenancy.own import OwnRequest, own, own_page, proven
from tenants.console.views import remember
from tenants.errors import NotFound, Refused
from tenants.services.people import profiles
from tenants.services.people.profiles import FIELDS
from tenants.services.signing_in import browsers, sessions


@own_page()
@require_http_methods(["GET", "POST"])
def profile(request: OwnRequest) -> HttpResponse:
    person = request.person
    form = ProfileForm(request.POST or None, initial={name: getattr(person, name) for name in FIELDS})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        profiles.change(person, **given, by=request.actor, now=timezone.now())
        messages.success(request, _("Your profile is saved."))
        return remember(redirect("account:profile"), given)
    context = {"form": form, "verify": settings.VERIFY_EMAIL}
    return own(request, "tenants/profile.html", context, status=422 if form.errors else 200)


@own_page(credentials=True)
@proven
@require_http_methods(["GET", "POST"])
def email(request: OwnRequest) -> HttpResponse:
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data["email"]
        try:
            profiles.ask_for_email(request.person, wanted, by=request.actor, now=timezone.now())
        except Refused as refused:
            form.show(refused)
        else:
            said = _("We have sent a mail to %(email)s. Open its link to change to it.") % {"email": wanted}
            messages.success(request, said)
            return redirect("account:profile")
    return own(request, "tenants/email.html", {"form": form}, status=422 if form.errors else 200)


@own_page()
@require_GET
def index(request: OwnRequest) -> HttpResponse:
    live = sessions.live(request.person, now=timezone.now(), seen_from=request.sign_in).select_related("tenant")
    rows = [
        {"sign_in": row, "browser": browsers.named(row.user_agent), "here": row.pk == request.sign_in.pk}
        for row in live[:200]
    ]
    return own(request, "tenants/sessions.html", {"rows": rows})


@own_page()
@require_POST
def revoke(request: OwnRequest, sign_in_id: str) -> HttpResponse:
    now = timezone.now()
    theirs = sessions.live(request.person, now=now, seen_from=request.sign_in).filter(pk=sign_in_id).first()
    if theirs is None:
        raise NotFound
    sessions.revoke(theirs, by=request.actor, now=now)
    if theirs.pk == request.sign_in.pk:
        return redirect("account:login")
    messages.success(request, _("That session is signed out."))
    return redirect("account:sessions")


@own_page()
@require_POST
def revoke_others(request: OwnRequest) -> HttpResponse:
    sessions.revoke_others(request.person, but=request.sign_in, by=request.actor, now=timezone.now())
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("account:sessions")
