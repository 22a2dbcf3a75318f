"""/api/profile/sessions: where one is signed in, and to end it."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.models import SignIn, SignInKind, SignInMethod
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import KitViewSet
from tenants.services.signing_in import browsers, sessions


class SessionSerializer(StrictSerializer):
    id = serializers.CharField()
    kind = serializers.ChoiceField(SignInKind.choices)
    method = serializers.ChoiceField(SignInMethod.choices)
    tenant = serializers.CharField(source="tenant.slug", allow_null=True, default=None)
    second_factor = serializers.SerializerMethodField()
    current = serializers.SerializerMethodField()
    browser = serializers.SerializerMethodField()
    address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_second_factor(self, sign_in: SignIn) -> bool:
        return sign_in.second_factor_at is not None

    def get_current(self, sign_in: SignIn) -> bool:
        """Whether this request is of it."""
        return bool(sign_in.pk == self.context["current"])

    def get_browser(self, sign_in: SignIn) -> str:
        return browsers.named(sign_in.user_agent)


class SessionFilter(filters.FilterSet):
    class Meta:
        model = SignIn
        fields = ("kind", "method", "address")


class SessionViewSet(mixins.ListModelMixin, KitViewSet):
    queryset = SignIn.objects.none()
    serializer_class = SessionSerializer
    filterset_class = SessionFilter
    search_fields = ("address", "user_agent")
    ordering_fields = ("last_seen_at", "created_at", "expires_at")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.access.require_person()

    def get_queryset(self) -> QuerySet[SignIn]:
        here = self.access.signed_in().sign_in
        return sessions.live(self.user, now=timezone.now(), seen_from=here).select_related("tenant")

    def get_serializer_context(self) -> dict[str, Any]:
        current = self.access.signed_in().sign_in
        return {**super().get_serializer_context(), "current": current.pk if current else None}

    def retrieve(self, request: Request, **_: Any) -> Response:
        return self.answer(self.get_object())

    def destroy(self, request: Request, **_: Any) -> Response:
        """End it: its next request is refused, and its open sockets close within seconds."""
        sessions.revoke(self.get_object(), by=self.actor, now=timezone.now())
        return Response(status=204)
