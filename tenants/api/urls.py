"""From the root: the roof includes these at ""."""

from django.urls import URLPattern, URLResolver, re_path

from tenants.api import auth, docs, mfa, profile
from tenants.api.audit import AuditViewSet
from tenants.api.invitations import AcceptInvitation, InvitationViewSet
from tenants.api.keys import KeyViewSet
from tenants.api.members import MemberViewSet
from tenants.api.root import Root
from tenants.api.sessions import SessionViewSet
from tenants.api.smtp import SmtpViewSet
from tenants.api.sso import SsoViewSet
from tenants.api.tenant import TenantDetail
from tenants.api.tenants import TenantsViewSet
from tenants.restkit.routers import ID, TENANT, tenant_urls, urls

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^api/?$", Root.as_view(), name="root"),
    re_path(r"^api/schema/?$", docs.Document.as_view(), name="schema"),
    re_path(r"^api/docs/?$", docs.Swagger.as_view(), name="docs"),
    re_path(r"^api/redoc/?$", docs.Redoc.as_view(), name="redoc"),
    re_path(r"^(?:api/)?auth/register/?$", auth.Register.as_view(), name="register"),
    re_path(r"^(?:api/)?auth/login/?$", auth.Login.as_view(), name="api-login"),
    re_path(r"^(?:api/)?auth/refresh/?$", auth.Refresh.as_view(), name="refresh"),
    re_path(r"^api/auth/logout/?$", auth.Logout.as_view(), name="api-logout"),
    re_path(r"^api/auth/verify-email/?$", auth.VerifyEmail.as_view(), name="verify-email"),
    re_path(r"^api/auth/password/forgot/?$", auth.PasswordForgot.as_view(), name="password-forgot"),
    re_path(r"^api/auth/password/reset/?$", auth.PasswordReset.as_view(), name="password-reset"),
    re_path(r"^api/auth/mfa/verify/?$", auth.MfaVerify.as_view(), name="mfa-verify"),
    re_path(r"^api/profile/?$", profile.Profile.as_view(), name="profile"),
    re_path(r"^api/profile/tenants/?$", profile.ProfileTenants.as_view(), name="profile-tenants"),
    re_path(r"^api/profile/password/?$", profile.ProfilePassword.as_view(), name="profile-password"),
    re_path(r"^api/profile/email/?$", profile.ProfileEmail.as_view(), name="profile-email"),
    re_path(r"^api/profile/mfa/?$", mfa.Mfa.as_view(), name="profile-mfa"),
    re_path(r"^api/profile/mfa/verify/?$", mfa.MfaConfirm.as_view(), name="profile-mfa-verify"),
    re_path(r"^api/profile/mfa/recovery-codes/?$", mfa.RecoveryCodes.as_view(), name="profile-mfa-codes"),
    re_path(rf"^api/profile/mfa/passkeys/(?P<pk>{ID})/?$", mfa.PasskeyDetail.as_view(), name="profile-passkey"),
    *urls("profile/sessions", SessionViewSet, "session"),
    re_path(r"^api/invitations/accept/?$", AcceptInvitation.as_view(), name="invitation-accept"),
    *tenant_urls("users", MemberViewSet),
    *tenant_urls("invitations", InvitationViewSet),
    *tenant_urls("keys", KeyViewSet),
    *tenant_urls("audit", AuditViewSet),
    *tenant_urls("smtp", SmtpViewSet),
    *tenant_urls("oidc", SsoViewSet),
    *urls("tenants", TenantsViewSet, "tenant"),
    re_path(
        rf"^api/tenants/{TENANT}/?$",
        TenantDetail.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="tenant-detail",
    ),
    *(
        re_path(rf"^api/tenants/{TENANT}/{act}/?$", TenantDetail.as_view({"post": act}), name=f"tenant-{act}")
        for act in ("suspend", "activate", "restore")
    ),
]
