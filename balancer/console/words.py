"""What each state is called on a page: one word, one shape and one colour for each, kept apart by axis."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

ADMIN: dict[str, Promise] = {
    "ready": _("Ready"),
    "drain": _("Draining"),
    "maint": _("Maintenance"),
}
# While the nodes have not all confirmed it yet.
INTENT: dict[str, Promise] = {
    "ready": _("Making ready…"),
    "drain": _("Draining…"),
    "maint": _("Taking out…"),
}
# What follows a drain.
THEN: dict[str, Promise] = {
    "maintain": _("then into maintenance"),
    "remove": _("then removed"),
    "ready": _("then ready again"),
}
OPER: dict[str, Promise] = {
    "up": pgettext_lazy("state", "Up"),
    "down": pgettext_lazy("state", "Down"),
    "starting": _("Starting"),
    "stopping": _("Stopping"),
    "nocheck": _("No check"),
    "unknown": _("Unknown"),
}
FRESH: dict[str, Promise] = {"live": _("live"), "stale": _("stale"), "offline": _("no data")}
SYNC: dict[str, Promise] = {
    "in_sync": _("In sync"),
    "pending": _("Pending"),
    "deploying": _("Deploying"),
    "out_of_sync": _("Out of sync"),
    "failed": _("Failed"),
    "unknown": _("Unknown"),
}
CONNECTION: dict[str, Promise] = {
    "live": _("Live"),
    "reconnecting": _("Reconnecting"),
    "polling": _("Polling"),
    "offline": _("Offline"),
}
DEPLOYMENT: dict[str, Promise] = {
    "queued": _("Queued"),
    "reload_due": _("Waiting for the gathered reload"),
    "live": pgettext_lazy("deployment", "Live"),
    "refused": _("Refused by HAProxy"),
    "failed": _("Failed"),
    "superseded": _("Superseded"),
}
CHANGE: dict[str, Promise] = {
    "pending": _("Pending"),
    "deploying": _("Deploying"),
    "live": pgettext_lazy("deployment", "Live"),
    "failed": _("Failed"),
    "superseded": _("Superseded"),
}
STEP: dict[str, Promise] = {
    "files": _("Files written"),
    "command": _("Runtime command"),
    "check": _("Configuration checked"),
    "reload": _("Reloaded"),
    "confirm": _("Confirmed"),
    "rollback": _("Rolled back"),
}
ACT: dict[str, Promise] = {
    "create": _("created"),
    "update": _("changed"),
    "delete": _("deleted"),
    "drain": _("drained"),
    "ready": _("made ready"),
    "maintain": _("taken into maintenance"),
    "weight": _("weighted"),
    "retry": _("deployed again"),
    "purge": _("purged"),
}
KIND: dict[str, Promise] = {
    "pool": _("Pool"),
    "backend": _("Backend"),
    "route": _("Route"),
    "listener": _("Listener"),
    "deployment": _("Deployment"),
    "tenant": _("Tenant"),
    "ratelimit": _("Rate limit"),
    "securityheaders": _("Security headers"),
}
DOMAIN: dict[str, Promise] = {
    "pending": _("Waiting for its proof"),
    "verified": _("Proven"),
    "failing": _("Proof not found lately"),
}


def for_script() -> dict[str, dict[str, str]]:
    """What `live.js` writes into badges, in the page's language."""
    tables = {"admin": ADMIN, "intent": INTENT, "oper": OPER, "fresh": FRESH, "sync": SYNC, "connection": CONNECTION}
    return {name: {key: str(word) for key, word in table.items()} for name, table in tables.items()} | {
        "said": {
            "unconfirmed": str(_("not confirmed by {nodes}")),
            "confirmed": str(_("{n} of {m} nodes")),
            "age": str(_("{n} s ago")),
            "minutes": str(_("{n} min ago")),
        }
    }
