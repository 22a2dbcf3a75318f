"""/api/profile: who one is."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.api.auth import MembershipSerializer
from tenants.errors import Forbidden
from tenants.models import Theme, User
from tenants.queries import people
from tenants.restkit import access
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.services import profiles

LANGUAGES = ("", "en", "pt-br")


class ProfileSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    email = serializers.EmailField(read_only=True)
    first_name = LineField(max_length=80, allow_blank=True, default="")
    last_name = LineField(max_length=80, allow_blank=True, default="")
    language = serializers.ChoiceField(LANGUAGES, default="")
    theme = serializers.ChoiceField(Theme.values, default=Theme.AUTO.value)
    is_staff = serializers.BooleanField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


def person(request: Request) -> User:
    return access.of(request._request).signed_in().user


class Profile(APIView):
    @extend_schema(responses=ProfileSerializer, operation_id="profile_get")
    def get(self, request: Request) -> Response:
        """Show who one is."""
        return Response(ProfileSerializer(person(request)).data)

    @extend_schema(request=ProfileSerializer, responses=ProfileSerializer, operation_id="profile_put")
    def put(self, request: Request) -> Response:
        """Replace what one says about oneself."""
        # A key speaks for its maker in one tenant only.
        if access.of(request._request).signed_in().role is not None:
            raise Forbidden("own", ["people"])
        form = ProfileSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = profiles.update(person(request), **form.validated_data)
        return Response(ProfileSerializer(user).data)


class ProfileTenants(APIView):
    @extend_schema(responses=MembershipSerializer(many=True), operation_id="profile_tenants")
    def get(self, request: Request) -> Response:
        """List the tenants that one belongs to, all of them: nobody has more than fits a page."""
        rows = [
            {"id": m.tenant.pk, "slug": m.tenant.slug, "name": m.tenant.name, "role": m.role}
            for m in people.memberships(person(request).pk)
        ]
        whole = {"items": rows, "total_count": len(rows), "page": 1, "page_size": max(len(rows), 50)}
        return Response({**whole, "has_more": False, "next": None})
