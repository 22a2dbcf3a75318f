"""Tenants on their way between clusters."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from balancer.admin.acts import Act, ActRows
from balancer.admin.node_forms import MoveForm
from balancer.fleet.models import Move
from balancer.services import moves
from tenants.actor import Actor
from tenants.errors import Refused
from tenants.restkit import access
from tenants.scope import tenant_scope


def call_off(move: Move, sent: Any, by: Actor, now: datetime) -> None:
    with tenant_scope(move.tenant):
        moves.call_off(move, by=by, now=now)


@admin.register(Move)
class MoveAdmin(ActRows):
    list_display = ("tenant", "origin", "target", "state", "waits_for", "left", "began_at", "ended_at")
    list_filter = ("ending", "target")
    list_select_related = ("tenant", "origin", "target")
    search_fields = ("tenant__slug",)
    ordering = ("-began_at", "pk")
    change_list_template = "staff/fresh_list.html"
    fields = ("tenant", "origin", "target", "state", "waits_for", "left", "grace_seconds", "by", "began_at",
              "switched_at", "let_go_at", "ended_at")  # fmt: skip
    readonly_fields = fields
    acts = {
        "call-off": Act(
            "Call it off",
            "It goes back to the cluster that it came from, which serves it still.",
            call_off,
            "called off.",
            offered=lambda move: move.ended_at is None and move.let_go_at is None,
        )
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Move]:
        return super().get_queryset(request).select_related("tenant", "origin", "target", "by")

    def has_delete_permission(self, request: HttpRequest, obj: Move | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        form, status = MoveForm(request.POST if request.method == "POST" else None), 200
        if request.method == "POST" and form.is_valid():
            sent = form.cleaned_data
            by, grace = access.of(request).actor(access.address_of(request)), timedelta(minutes=sent["grace_minutes"])
            try:
                with tenant_scope(sent["tenant"]):
                    move = moves.begin(sent["tenant"], sent["to"], grace=grace, by=by, now=timezone.now())
            except Refused as refused:
                form.add_error(None, refused.detail)
                status = 409
            else:
                messages.success(request, f"{sent['tenant']} is on its way to {sent['to']}.")
                return redirect(self.page_of(move))
        question = "Both clusters serve it until the new one was seen to, and for the grace. No request is lost."
        return self.ask(request, "Move a tenant", question, form, things=[], button="Move", status=status)

    def state(self, move: Move) -> str:
        if move.ended_at:
            return move.get_ending_display()
        return "letting go" if move.let_go_at else "grace" if move.switched_at else "placing"

    def left(self, move: Move) -> str:
        """Of the grace."""
        if move.switched_at is None or move.let_go_at is not None or move.ended_at is not None:
            return "–"
        left = move.switched_at + timedelta(seconds=move.grace_seconds) - timezone.now()
        return f"{max(0, round(left.total_seconds()))} s"
