"""One topic of a tenant at one moment, as items by section and id; and what to say to one who has seen another moment.

Items are compared by identity: `after` keeps the object of an item that did not change.
"""

import json
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

Key = tuple[str, str]
Items = Mapping[Key, Any]


class View:
    """Never changed once made, and shared by every socket that has been sent it; so are the texts made from it."""

    def __init__(self, items: Items, sections: tuple[str, ...] = ()) -> None:
        """`sections` are in the snapshot though they be empty."""
        self.items = items
        self._sections = sections
        self._snapshot = ""
        # Weak: the newest view must not keep every one before it.
        self._deltas: WeakKeyDictionary[View, str] = WeakKeyDictionary()

    @classmethod
    def after(cls, before: "View | None", items: Items, sections: tuple[str, ...] = ()) -> "View":
        """`before` itself when nothing differs."""
        if before is None:
            return cls(items, sections)
        old = before.items
        kept = {key: old[key] if key in old and old[key] == item else item for key, item in items.items()}
        if len(kept) == len(old) and all(old.get(key) is item for key, item in kept.items()):
            return before
        return cls(kept, sections)

    def snapshot(self) -> str:
        """JSON: section -> id -> item."""
        if not self._snapshot:
            self._snapshot = _json({**{name: {} for name in self._sections}, **_sections(self.items)})
        return self._snapshot

    def since(self, older: "View") -> str:
        """JSON of the items that differ, whole, and in `gone` the ids that are no more, by section."""
        if older not in self._deltas:
            self._deltas[older] = _json(_difference(older.items, self.items))
        return self._deltas[older]


def _difference(older: Items, newer: Items) -> dict[str, Any]:
    gone: dict[str, list[str]] = {}
    for section, name in sorted(older.keys() - newer.keys()):
        gone.setdefault(section, []).append(name)
    return {**_sections({key: item for key, item in newer.items() if older.get(key) is not item}), "gone": gone}


def _sections(items: Items) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for (section, name), item in items.items():
        found.setdefault(section, {})[name] = item
    return found


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
