"""What roles are called on a page."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ROLES: dict[str, Promise] = {
    "owner": _("owner"),
    "admin": _("admin"),
    "operator": _("operator"),
    "viewer": _("viewer"),
    "billing": _("billing"),
}
RIGHTS: dict[str, Promise] = {
    "view": _("view"),
    "edit": _("edit"),
    "deploy": _("deploy"),
    "runtime": _("runtime"),
    "secrets": _("secrets"),
    "members": _("members"),
    "billing": _("billing"),
    "own": _("own"),
}
RIGHTS_TOLD: dict[str, Promise] = {
    "view": _("look at everything"),
    "edit": _("change pools, backends and routes"),
    "deploy": _("deploy what waits, and roll back"),
    "runtime": _("drain, make ready, maintain, set weights"),
    "secrets": _("sign-in, mail server, what is kept encrypted"),
    "members": _("people, their roles, and the audit log"),
    "billing": _("plan and invoices"),
    "own": _("rename or delete the tenant"),
}
