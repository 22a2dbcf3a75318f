"""An act of staff's on one row: asked for on a page of its own, then done by a service."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from redis.exceptions import RedisError

from tenants.actor import Actor
from tenants.admin_base import Rows
from tenants.console.doors import to_prove
from tenants.errors import Refused
from tenants.restkit import access
from tenants.scope import platform_scope
from tenants.services.signing_in.reauth import ReauthenticationNeeded

AWAY = "Redis did not answer: nothing was done. Repeat it in a moment."


class Nothing(forms.Form):
    """Nothing to be said but yes."""


@dataclass(frozen=True, slots=True)
class Act:
    """`do` may answer with a page, such as what is shown once; else a message says `done`. `offered`: on which rows.
    `proven`: what could let somebody in, before which they show again that it is them."""

    title: str
    question: str
    do: Callable[[Any, dict[str, Any], Actor, datetime], dict[str, Any] | None]
    done: str = ""
    form: type[forms.Form] = Nothing
    offered: Callable[[Any], bool] = field(default=lambda _: True)
    proven: bool = False
    leaves: bool = False  # the row is gone afterwards


class ActRows(Rows):
    """Rows whose page has buttons. `acts`: by their name in the URL."""

    acts: dict[str, Act] = {}
    change_form_template = "staff/acts.html"
    actions = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        return [path("<str:pk>/do/<slug:act>/", view, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        offered = [(name, act.title) for name, act in self.acts.items() if row is not None and act.offered(row)]
        saving = dict.fromkeys(("show_save", "show_save_and_continue", "show_save_and_add_another"), False)
        more = {"acts": offered, "act_url": self._act_url(), **saving}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def act(self, request: HttpRequest, pk: str, act: str) -> HttpResponse:
        """GET asks, POST does."""
        chosen, row = self.acts.get(act), self.get_object(request, pk)
        if chosen is None or row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise Http404
        if not chosen.offered(row):
            messages.warning(request, f"{row}: that is so already, or cannot be now.")
            return redirect(self.page_of(row))
        form = chosen.form(request.POST if request.method == "POST" else None)
        try:
            if chosen.proven:
                access.of(request).require_staffs_proof(now=timezone.now())
            if request.method == "POST" and form.is_valid():
                return self._done(request, chosen, row, form)
        except ReauthenticationNeeded:
            return to_prove(request)
        return self.ask(request, chosen.title, chosen.question, form, things=[row], button=chosen.title)

    def _done(self, request: HttpRequest, act: Act, row: Any, form: forms.Form) -> HttpResponse:
        by = access.of(request).actor(access.address_of(request))
        said = str(row)
        try:
            with platform_scope():
                once = act.do(row, form.cleaned_data, by, timezone.now())
        except (Refused, RedisError) as refused:
            form.add_error(None, refused.detail if isinstance(refused, Refused) else AWAY)
            return self.ask(request, act.title, act.question, form, things=[row], button=act.title, status=409)
        if once is not None:
            return self.once(request, once, back=self.page_of(row))
        messages.success(request, f"{said}: {act.done}")
        return (
            redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            if act.leaves
            else redirect(self.page_of(row))
        )

    def ask(
        self,
        request: HttpRequest,
        title: str,
        question: str,
        form: forms.Form,
        *,
        things: list[Any],
        button: str,
        status: int = 200,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "question": question,
            "things": things,
            "form": form,
            "button": button,
        }
        return render(request, "staff/ask.html", context, status=status)

    def once(self, request: HttpRequest, shown: dict[str, Any], *, back: str) -> HttpResponse:
        """What is known here this once, so that no cache and no history has it."""
        context = {**self.admin_site.each_context(request), "title": "Shown once", **shown, "back": back}
        response = render(request, "staff/once.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def page_of(self, row: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def _act_url(self) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_act"
