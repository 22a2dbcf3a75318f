"""/api/smtp: the tenant's own mail server."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.errors import NotFound
from tenants.models import SmtpSecurity, SmtpServer
from tenants.outbound.smtp import Step
from tenants.restkit import etags
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb
from tenants.services.mails import smtp_servers
from tenants.services.mails.smtp_servers import MASK, Wanted


class SmtpSerializer(StrictSerializer):
    enabled = serializers.BooleanField(default=True, help_text="Off: mails go by the platform's own server.")
    host = LineField(max_length=255)
    port = serializers.IntegerField(default=587, min_value=1, max_value=65535, help_text="25, 465, 587 or 2525.")
    security = serializers.ChoiceField(SmtpSecurity.values, default=SmtpSecurity.STARTTLS.value)
    username = LineField(max_length=255, allow_blank=True, default="")
    password = serializers.CharField(
        max_length=1000,
        allow_blank=True,
        trim_whitespace=False,
        default=MASK,
        help_text="Reads as ****; **** keeps it.",
    )
    sender = serializers.EmailField(max_length=254)
    sender_name = LineField(max_length=80, allow_blank=True, default="")
    tested_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def to_representation(self, instance: SmtpServer) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        return {**shown, "password": MASK if instance.password else ""}


class TestSerializer(StrictSerializer):
    to = serializers.EmailField(max_length=254, required=False, help_text="Your own address, where none is given.")


class StepSerializer(serializers.Serializer[Any]):
    step = serializers.ChoiceField([step.value for step in Step])
    ok = serializers.BooleanField()
    detail = serializers.CharField()
    ms = serializers.IntegerField()


class TriedSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    steps = StepSerializer(many=True)


class SmtpViewSet(TenantView):
    """The tenant's own mail server."""

    queryset = SmtpServer.objects.all()
    serializer_class = SmtpSerializer
    throttle_class_names: ClassVar[dict[str, str]] = {"test": "expensive"}
    verbs: ClassVar[dict[str, Verb]] = dict.fromkeys(("show", "replace", "test", "metadata"), Verb.SECRETS)

    def server(self) -> SmtpServer:
        found = smtp_servers.of(self.tenant)
        if found is None:
            raise NotFound("No mail server is set: mails go by the platform's own.")
        return found

    @extend_schema(responses=SmtpSerializer)
    def show(self, request: Request, **_: Any) -> Response:
        """Show the mail server; its password is never shown."""
        return self.answer(self.server())

    @extend_schema(request=SmtpSerializer, responses=SmtpSerializer)
    def replace(self, request: Request, **_: Any) -> Response:
        """Set the mail server. With another host, port or user the password is asked for anew."""
        self.access.require_proof(now=timezone.now())
        before = smtp_servers.of(self.tenant)
        if before is not None:
            etags.check(request, before)
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = Wanted(**form.validated_data)
        return self.answer(smtp_servers.save(self.tenant, wanted, by=self.actor, now=timezone.now()))

    @extend_schema(request=TestSerializer, responses=TriedSerializer)
    @action(detail=False, methods=["post"])
    def test(self, request: Request, **_: Any) -> Response:
        """Send a mail through it, and tell how far it came: resolve, connect, TLS, sign in, accepted."""
        form = TestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        to = form.validated_data.get("to") or self.user.email
        steps = smtp_servers.try_out(self.tenant, self.server(), to, by=self.actor, now=timezone.now())
        return Response({"ok": steps[-1].ok, "steps": [asdict(step) for step in steps]})
