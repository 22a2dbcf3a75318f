"""Render a page of this app: the console's frame, with live values."""

from typing import Any

from django.http import HttpResponse

from balancer.console import words
from tenants.console import page as console
from tenants.console.doors import TenantRequest


def page(request: TenantRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return console.page(request, template, {"live_words": words.for_script(), **context}, status=status)
