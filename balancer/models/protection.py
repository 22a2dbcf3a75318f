"""What a tenant holds its clients to, and what its answers say: one row of each, or none while nothing was set."""

import hashlib
import json
from typing import ClassVar

from django.db import models
from django.db.models import Q

from balancer.haproxy.protection import (
    STATUSES,
    ContentTypeOptions,
    FrameOptions,
    Hsts,
    PermissionsPolicy,
    ReferrerPolicy,
)


class OnlyOne(models.Model):
    """Its id is fixed. The ETag is of what it says: before it is there, it says what is so without it."""

    said: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    @property
    def etag(self) -> str:
        content = json.dumps([getattr(self, name) for name in self.said])
        return hashlib.sha256(f"{self.pk}:{content}".encode()).hexdigest()[:20]


class RateLimit(OnlyOne):
    """Of each client address, on each node. `requests_per_second` None: no limit; `burst` None: a second's worth."""

    ONE = "rate-limit"
    said = ("requests_per_second", "burst", "status", "allowed_networks", "trusted_proxies")

    id = models.CharField(primary_key=True, max_length=12, default=ONE, editable=False)
    requests_per_second = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(default=429)
    allowed_networks = models.JSONField(default=list, blank=True)
    trusted_proxies = models.JSONField(default=list, blank=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(id="rate-limit"), name="rate_limit_once"),
            models.CheckConstraint(condition=Q(status__in=STATUSES), name="rate_limit_status_is_known"),
            models.CheckConstraint(
                condition=Q(requests_per_second=None) | Q(requests_per_second__gte=1), name="rate_limit_is_none_or_some"
            ),
        )

    def __str__(self) -> str:
        return "Rate limit"


class SecurityHeaders(OnlyOne):
    """Each by one of fixed choices; `off` leaves what the origin says."""

    ONE = "headers"
    said = ("hsts", "content_type_options", "frame_options", "referrer_policy", "permissions_policy")

    id = models.CharField(primary_key=True, max_length=12, default=ONE, editable=False)
    hsts = models.CharField(max_length=40, choices=[(c.value, c.value) for c in Hsts], default=Hsts.OFF.value)
    content_type_options = models.CharField(
        max_length=40, choices=[(c.value, c.value) for c in ContentTypeOptions], default=ContentTypeOptions.OFF.value
    )
    frame_options = models.CharField(
        max_length=40, choices=[(c.value, c.value) for c in FrameOptions], default=FrameOptions.OFF.value
    )
    referrer_policy = models.CharField(
        max_length=40, choices=[(c.value, c.value) for c in ReferrerPolicy], default=ReferrerPolicy.OFF.value
    )
    permissions_policy = models.CharField(
        max_length=40, choices=[(c.value, c.value) for c in PermissionsPolicy], default=PermissionsPolicy.OFF.value
    )
    updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id="headers"), name="security_headers_once"),)

    def __str__(self) -> str:
        return "Security headers"
