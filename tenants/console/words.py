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
