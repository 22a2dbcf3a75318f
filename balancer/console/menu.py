"""This app's entries in the console's menu."""

from django.utils.translation import gettext_lazy as _

from balancer.console import refusals as refusals  # adds this app's sentences
from tenants.console import menu
from tenants.console.menu import Item

menu.add(
    [
        Item("console:overview", _("Overview"), "layout-dashboard"),
        Item("console:pools", _("Pools"), "server-2"),
        Item("console:routes", _("Routes"), "route"),
        Item("console:domains", _("Domains"), "world"),
        Item("console:deployments", _("Deployments"), "rocket"),
        Item("console:logs", _("Logs"), "list-search"),
        Item("console:changes", _("Changes"), "history"),
    ]
)
