"""What the menu offers: data, with the right that each entry needs. Apps above add their own entries."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise

from tenants.restkit import access
from tenants.roles import Verb


@dataclass(frozen=True, slots=True)
class Item:
    """`label` is translated when it is shown; `icon` names a symbol of the sprite."""

    url_name: str
    label: Promise
    icon: str
    needs: Verb = Verb.VIEW


@dataclass(frozen=True, slots=True)
class Shown:
    url: str
    label: str
    icon: str
    here: bool


_items: list[Item] = []


def add(items: Iterable[Item]) -> None:
    """In the order in which they are to be shown; an entry is added once, however often its module is loaded."""
    _items.extend(item for item in items if item not in _items)


def shown(request: HttpRequest) -> list[Shown]:
    """The entries that this caller's role can ever use, for the tenant of the request."""
    found = access.of(request)
    if found.tenant is None:
        return []
    at = [
        (item, reverse(item.url_name, kwargs={"slug": found.tenant.slug})) for item in _items if found.may(item.needs)
    ]
    here = next((url for _, url in at if is_within(request.path, url)), "")
    return [Shown(url, str(item.label), item.icon, url == here) for item, url in at]


def is_within(path: str, url: str) -> bool:
    """An overview's address, which ends with a slash, begins every other one: it is only ever itself."""
    return path == url or (not url.endswith("/") and path.startswith(url + "/"))
