"""The choices and the kinds of fields of a route's form: what one types on a line, and what is made of it."""

import re
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from balancer.haproxy.read_handling import BODY_LIMIT_MAX
from balancer.haproxy.routing import Act, Edit, On, Op, PathMatch, forbidden
from balancer.haproxy.text import BODY_MAX

Choices = list[tuple[str, Promise | str]]
PATHS: Choices = [
    (PathMatch.PREFIX, _("begins with, by whole segments")),
    (PathMatch.EXACT, _("is exactly")),
    (PathMatch.REGEX, _("matches the expression")),
]
ACTS: Choices = [
    (Act.POOL, _("Send it to a pool")),
    (Act.WEIGHTED, _("Share clients out among pools, as for a canary")),
    (Act.REDIRECT, _("Redirect it")),
    (Act.RESPOND, _("Answer it here, without a backend")),
]
LOOKED_AT: dict[str, Promise] = {
    On.METHOD: _("method"),
    On.HEADER: _("header"),
    On.QUERY: _("query parameter"),
    On.COOKIE: _("cookie"),
    On.SOURCE: _("client's address"),
}
NOT = "!"
OPS: dict[str, Promise] = {
    Op.EQUALS: _("is"),
    NOT + Op.EQUALS: _("is not"),
    Op.PREFIX: _("begins with"),
    NOT + Op.PREFIX: _("does not begin with"),
    Op.SUFFIX: _("ends with"),
    NOT + Op.SUFFIX: _("does not end with"),
    Op.CONTAINS: _("contains"),
    NOT + Op.CONTAINS: _("does not contain"),
    Op.REGEX: _("matches the expression"),
    NOT + Op.REGEX: _("does not match the expression"),
    Op.PRESENT: _("is there"),
    NOT + Op.PRESENT: _("is not there"),
}
CODES: Choices = [
    ("302", _("302: for now")),
    ("301", _("301: for good")),
    ("303", _("303: for now, asked by GET")),
    ("307", _("307: for now, by the same method")),
    ("308", _("308: for good, by the same method")),
]
_SIZE = re.compile(r"(\d{1,13})\s*(k|m|g)?(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_HEADER = re.compile(r"(?:(set|add|remove)\s+)?([^\s:]+)\s*(?::\s*(.*))?", re.IGNORECASE)


class Choice(forms.ChoiceField):
    """Of which the first stands where nothing was sent."""

    def __init__(self, choices: Choices, **more: Any) -> None:
        super().__init__(choices=choices, required=False, **more)

    def clean(self, value: Any) -> Any:
        return super().clean(value) or str(self.choices[0][0])  # type: ignore[index]


class WordsField(forms.CharField):
    """With commas or spaces between; the value is a list."""

    def __init__(self, **more: Any) -> None:
        super().__init__(required=False, max_length=5000, **more)

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").replace(",", " ").split()

    def run_validators(self, value: Any) -> None:
        super().run_validators(" ".join(value))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class SizeField(forms.CharField):
    """`10M`, `512k`, or bytes; the value is bytes."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        found = _SIZE.fullmatch(text)
        size = int(found[1]) * _UNITS[(found[2] or "").lower()] if found else -1
        if not 0 <= size <= BODY_LIMIT_MAX:
            raise forms.ValidationError(_("Write a size like 10M or 512k."), code="invalid")
        return size

    def run_validators(self, value: Any) -> None:
        """`to_python` said it all."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        unit = next((unit for unit in ("g", "m", "k") if value and value % _UNITS[unit] == 0), "")
        return f"{value // _UNITS[unit]}{unit.upper() if unit != 'k' else unit}"


class PageField(forms.CharField):
    """A page as it was typed, each line ending as on the nodes."""

    def __init__(self, **more: Any) -> None:
        attrs = {"class": "mono", "rows": 4, "spellcheck": "false"}
        super().__init__(required=False, strip=False, max_length=BODY_MAX, widget=forms.Textarea(attrs=attrs), **more)

    def to_python(self, value: Any) -> Any:
        return super().to_python((value or "").replace("\r\n", "\n"))


class HeadersField(forms.CharField):
    """`set X-Name: value`, one on each line; the value is as the API has it."""

    def __init__(self, refused: frozenset[str], **more: Any) -> None:
        attrs = {"class": "mono", "rows": 3, "placeholder": "set X-Name: value\nremove Server", "spellcheck": "false"}
        super().__init__(required=False, max_length=25_000, widget=forms.Textarea(attrs=attrs), **more)
        self.refused = refused

    def to_python(self, value: Any) -> Any:
        return [self.one(line.strip()) for line in (super().to_python(value) or "").splitlines() if line.strip()]

    def one(self, line: str) -> dict[str, Any]:
        found = _HEADER.fullmatch(line)
        action = Edit((found[1] or "set").lower()) if found else Edit.SET
        if found is None or bool(found[3]) is (action is Edit.REMOVE):
            said = _("“%(line)s”: write set Name: value, add Name: value or remove Name.")
            raise forms.ValidationError(said, params={"line": line[:60]}, code="invalid")
        if forbidden(found[2], self.refused):
            said = _("%(name)s belongs to the connection or to the platform, and stays as it is.")
            raise forms.ValidationError(said, params={"name": found[2][:60]}, code="invalid")
        return {"action": action.value, "name": found[2], "value": found[3] or None}

    def run_validators(self, value: Any) -> None:
        """The lines were looked at one by one; how many there may be is the service's to say."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(header_line, value)) if isinstance(value, list) else value


def header_line(edit: dict[str, Any]) -> str:
    return f"{edit['action']} {edit['name']}" + (f": {edit['value']}" if edit["value"] else "")
