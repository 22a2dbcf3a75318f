from tenants.models.credential import ApiKey, RefreshToken
from tenants.models.membership import Membership
from tenants.models.tenant import Apply, Domain, Tenant, TenantStatus
from tenants.models.user import Theme, User

__all__ = ["ApiKey", "Apply", "Domain", "Membership", "RefreshToken", "Tenant", "TenantStatus", "Theme", "User"]
