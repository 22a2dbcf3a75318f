"""A signed-in place: one browser's console session, or one chain of refresh tokens. "Sessions" lists and ends them."""

import uuid

from django.db import models

from tenants.ids import new_id
from tenants.models.tenant import Tenant
from tenants.models.user import User


class SignInKind(models.TextChoices):
    CONSOLE = "console", "Browser"
    TOKEN = "token", "API token"


class SignInMethod(models.TextChoices):
    PASSWORD = "password", "Password"
    PASSKEY = "passkey", "Passkey"
    SSO = "sso", "Single sign-on"


class SignIn(models.Model):
    """`tenant` is what tokens are bound to; a console session is bound to none, unless its single sign-on was.

    `proven_at` is when the person last showed that it is them (sign-in, or again before something dangerous);
    `second_factor_at` when a second factor was part of it. `ended_at` is final. `id_token` is sealed (`tenants.vault`).
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, related_name="sign_ins")
    kind = models.CharField(max_length=8, choices=SignInKind)
    method = models.CharField(max_length=10, choices=SignInMethod)
    session_key = models.CharField(max_length=40, null=True, unique=True)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    proven_at = models.DateTimeField()
    second_factor_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=24, blank=True)
    sso_issuer = models.CharField(max_length=300, blank=True)
    sso_subject = models.CharField(max_length=255, blank=True)
    sso_session = models.CharField(max_length=255, blank=True)  # the provider's `sid`
    id_token = models.TextField(blank=True)

    class Meta:
        ordering = ("-last_seen_at", "id")
        indexes = (
            models.Index(fields=["user", "-last_seen_at"], name="sign_in_by_user"),
            models.Index(
                fields=["sso_issuer", "sso_subject"], condition=~models.Q(sso_issuer=""), name="sign_in_by_subject"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} by {self.method}"


class RefreshToken(models.Model):
    """One link of a rotating chain; a second use of any link ends its sign-in. Only the digest is kept."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    sign_in = models.ForeignKey(SignIn, on_delete=models.CASCADE, related_name="refresh_tokens")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return str(self.pk)


class OneTimeKind(models.TextChoices):
    VERIFY_EMAIL = "verify_email", "Verify e-mail"
    CHANGE_EMAIL = "change_email", "Change e-mail"
    RESET_PASSWORD = "reset_password", "Reset password"


class OneTimeToken(models.Model):
    """What a mail's link carries: good once, for a while. `email` is the address that it was sent to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="one_time_tokens")
    kind = models.CharField(max_length=16, choices=OneTimeKind)
    email = models.EmailField(max_length=254)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.user}"
