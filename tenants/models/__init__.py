from tenants.models.credential import ApiKey, RefreshToken
from tenants.models.membership import Membership
from tenants.models.snapshot import SchemaSnapshot
from tenants.models.tenant import Domain, Tenant, TenantStatus
from tenants.models.user import Theme, User

__all__ = [
    "ApiKey",
    "Domain",
    "Membership",
    "RefreshToken",
    "SchemaSnapshot",
    "Tenant",
    "TenantStatus",
    "Theme",
    "User",
]
