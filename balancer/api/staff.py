"""Endpoints of whoever runs the service."""

from typing import TYPE_CHECKING

from rest_framework.request import Request

from tenants.errors import Forbidden
from tenants.restkit import access
from tenants.restkit.permissions import SignedIn

if TYPE_CHECKING:
    from rest_framework.views import APIView


class StaffOnly(SignedIn):
    """Nobody's tenant makes anybody staff, and a staff member's key with a role is held to that role."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        super().has_permission(request, view)
        if not access.of(request._request).is_staff:
            raise Forbidden("staff", ["staff"])
        return True
