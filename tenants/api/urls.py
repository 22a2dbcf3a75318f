"""From the root: the roof includes these at ""."""

from django.urls import URLPattern, URLResolver, re_path
from drf_spectacular.views import SpectacularAPIView

from tenants.api import auth, docs, profile
from tenants.api.audit import AuditViewSet
from tenants.api.invitations import AcceptInvitation, InvitationViewSet
from tenants.api.keys import KeyViewSet
from tenants.api.members import MemberViewSet
from tenants.api.root import Root
from tenants.api.tenant import TenantDetail
from tenants.api.tenants import TenantsViewSet
from tenants.restkit.routers import TENANT, tenant_urls, urls

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^api/?$", Root.as_view(), name="root"),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", docs.Swagger.as_view(), name="docs"),
    re_path(r"^api/redoc/?$", docs.Redoc.as_view(), name="redoc"),
    re_path(r"^(?:api/)?auth/register/?$", auth.Register.as_view(), name="register"),
    re_path(r"^(?:api/)?auth/login/?$", auth.Login.as_view(), name="api-login"),
    re_path(r"^(?:api/)?auth/refresh/?$", auth.Refresh.as_view(), name="refresh"),
    re_path(r"^api/auth/logout/?$", auth.Logout.as_view(), name="api-logout"),
    re_path(r"^api/profile/?$", profile.Profile.as_view(), name="profile"),
    re_path(r"^api/profile/tenants/?$", profile.ProfileTenants.as_view(), name="profile-tenants"),
    re_path(r"^api/invitations/accept/?$", AcceptInvitation.as_view(), name="invitation-accept"),
    *tenant_urls("users", MemberViewSet),
    *tenant_urls("invitations", InvitationViewSet),
    *tenant_urls("keys", KeyViewSet),
    *tenant_urls("audit", AuditViewSet),
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
