"""What the menu offers: data, with the right that each entry needs. Apps above add their own entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from tenants.restkit import access
from tenants.roles import Verb


class Group(IntEnum):
    """In the order in which they are shown."""

    TOP = 0
    TRAFFIC = 1
    SECURITY = 2
    OBSERVE = 3
    DEPLOY = 4
    SETTINGS = 5


HEADINGS: dict[Group, Promise] = {
    Group.TRAFFIC: pgettext_lazy("menu", "Traffic"),
    Group.SECURITY: pgettext_lazy("menu", "Security"),
    Group.OBSERVE: pgettext_lazy("menu", "Observe"),
    Group.DEPLOY: pgettext_lazy("menu", "Deploy"),
    Group.SETTINGS: pgettext_lazy("menu", "Settings"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """`label` is translated when it is shown; `icon` names a symbol of the sprite."""

    url_name: str
    label: Promise
    icon: str
    needs: Verb = Verb.VIEW
    group: Group = Group.SETTINGS


@dataclass(frozen=True, slots=True)
class Shown:
    """`heading` is there for the first of its group."""

    url: str
    label: str
    icon: str
    here: bool
    heading: str = ""


_items: list[Item] = []


def add(items: Iterable[Item]) -> None:
    """Within a group in the order of adding; an entry is added once, however often its module is loaded."""
    _items.extend(item for item in items if item not in _items)


def shown(request: HttpRequest) -> list[Shown]:
    """The entries that this caller's role can ever use, for the tenant of the request."""
    found = access.of(request)
    if found.tenant is None:
        return []
    mine = [item for item in sorted(_items, key=lambda item: item.group) if found.may(item.needs)]
    at = [(item, reverse(item.url_name, kwargs={"slug": found.tenant.slug})) for item in mine]
    here = next((url for _, url in at if is_within(request.path, url)), "")
    first = {item.group: item for item in reversed(mine)}
    return [
        Shown(
            url,
            str(item.label),
            item.icon,
            url == here,
            str(HEADINGS.get(item.group, "")) if first[item.group] is item else "",
        )
        for item, url in at
    ]


def is_within(path: str, url: str) -> bool:
    """An overview's address, which ends with a slash, begins every other one: it is only ever itself."""
    return path == url or (not url.endswith("/") and path.startswith(url + "/"))
