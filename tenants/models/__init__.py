from tenants.models.audit import AuditEntry, Outcome
from tenants.models.credential import ApiKey
from tenants.models.factors import Passkey, RecoveryCode, Totp
from tenants.models.invitation import Invitation
from tenants.models.membership import Membership
from tenants.models.signin import OneTimeKind, OneTimeToken, RefreshToken, SignIn, SignInKind, SignInMethod
from tenants.models.smtp import SmtpSecurity, SmtpServer
from tenants.models.snapshot import SchemaSnapshot
from tenants.models.sso import SsoIdentity, SsoProvider
from tenants.models.tenant import Domain, FormerSlug, Tenant, TenantStatus
from tenants.models.user import Theme, User

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Domain",
    "FormerSlug",
    "Invitation",
    "Membership",
    "OneTimeKind",
    "OneTimeToken",
    "Outcome",
    "Passkey",
    "RecoveryCode",
    "RefreshToken",
    "SchemaSnapshot",
    "SignIn",
    "SignInKind",
    "SignInMethod",
    "SmtpSecurity",
    "SmtpServer",
    "SsoIdentity",
    "SsoProvider",
    "Tenant",
    "TenantStatus",
    "Theme",
    "Totp",
    "User",
]
