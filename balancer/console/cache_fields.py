"""What a route's form asks about keeping answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from balancer.console.forms import DurationField
from balancer.console.route_fields import SizeField
from balancer.haproxy.routing import CACHE_OBJECT_MAX, CACHE_OBJECT_MIN, CACHE_TTL_MAX_S, Cache
from tenants.console.formwork import ConsoleForm

KEPT = Cache(60)


class CacheFields(ConsoleForm):
    cache_ttl_ms = DurationField(
        label=_("Keep answers for"),
        required=False,
        help_text=_("Up to 60m; an answer that may be kept for less is kept for less. Empty: nothing is kept."),
    )
    cache_max_object = SizeField(
        label=_("Largest answer that is kept"), required=False, help_text=_("From 1k to 256k. Empty: 64k.")
    )
    cache_cookies = forms.BooleanField(
        label=_("Requests with cookies too"),
        required=False,
        help_text=_("Only where the pages are the same for everybody: all of them get one and the same answer."),
    )

    def clean_cache_ttl_ms(self) -> int | None:
        length: int | None = self.cleaned_data["cache_ttl_ms"]
        if length is not None and not (1000 <= length <= CACHE_TTL_MAX_S * 1000 and length % 1000 == 0):
            raise forms.ValidationError(_("From 1s to 60m, in whole seconds."))
        return length

    def clean_cache_max_object(self) -> int | None:
        size: int | None = self.cleaned_data["cache_max_object"]
        if size is not None and not CACHE_OBJECT_MIN <= size <= CACHE_OBJECT_MAX:
            raise forms.ValidationError(_("From 1k to 256k."))
        return size

    def cache(self) -> dict[str, Any] | None:
        """What the service takes."""
        got = self.cleaned_data
        if got["cache_ttl_ms"] is None:
            return None
        size = got["cache_max_object"]
        return {
            "ttl_s": got["cache_ttl_ms"] // 1000,
            "max_object": KEPT.max_object if size is None else size,
            "cookies": got["cache_cookies"],
        }
