"""This app's entries in the console's menu."""

from django.utils.translation import gettext_lazy as _

from balancer.console import header as header  # adds what it says on every page
from balancer.console import import_sentences as import_sentences
from balancer.console import refusals as refusals  # adds this app's sentences
from balancer.console import route_sentences as route_sentences
from tenants.console import menu
from tenants.console.menu import Group, Item
from tenants.roles import Verb

menu.add(
    [
        Item("console:overview", _("Overview"), "layout-dashboard", group=Group.TOP),
        Item("console:pools", _("Pools"), "server-2", group=Group.TRAFFIC),
        Item("console:routes", _("Routes"), "route", group=Group.TRAFFIC),
        Item("console:listeners", _("Listeners"), "plug-connected", group=Group.TRAFFIC),
        Item("console:domains", _("Domains"), "world", group=Group.SECURITY),
        Item("console:rate-limit", _("Rate limits"), "scale", group=Group.SECURITY),
        Item("console:security-headers", _("Security headers"), "lock", group=Group.SECURITY),
        Item("console:pending", _("Waiting changes"), "send", group=Group.DEPLOY),
        Item("console:revisions", _("Revisions"), "copy", group=Group.DEPLOY),
        Item("console:import", _("Import"), "download", needs=Verb.EDIT, group=Group.DEPLOY),
        Item("console:deployments", _("Deployments"), "rocket", group=Group.DEPLOY),
        Item("console:logs", _("Logs"), "list-search", group=Group.OBSERVE),
        Item("console:events", _("Health events"), "alert-triangle", group=Group.OBSERVE),
        Item("console:really", _("On the nodes"), "eye", needs=Verb.SECRETS, group=Group.OBSERVE),
        Item("console:changes", _("Changes"), "history", group=Group.DEPLOY),
    ]
)
