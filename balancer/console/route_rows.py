"""The rows of a route's form: conditions, and the pools that share its clients. Empty ones count for nothing."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import Field
from django.utils.translation import gettext_lazy as _

from balancer.console.route_fields import LOOKED_AT, NOT, OPS, Choice, Choices
from balancer.haproxy.networks import network
from balancer.haproxy.routing import MANY_CONDITIONS, MANY_SHARES, On, Op
from balancer.haproxy.text import NAME_MAX, VALUE_MAX
from tenants.console.formwork import ConsoleForm

CONDITIONS, SHARES = 5, 4  # rows at first
SPARE = 2  # and beyond those in use
BARE = (On.METHOD, On.SOURCE)


def rows(used: int, least: int, most: int) -> int:
    return min(max(least, used + SPARE), most)


def sent(data: Any, kind: str, part: str, most: int) -> int:
    """How many rows the page had that comes back."""
    return max((number + 1 for number in range(most) if f"{kind}_{number}_{part}" in data), default=0)


def condition_fields(count: int) -> Iterator[tuple[str, Field]]:
    types: Choices = [("", "–"), *LOOKED_AT.items()]
    mono = {"class": "mono", "autocomplete": "off", "spellcheck": "false"}
    for number in range(count):
        yield f"condition_{number}_type", Choice(types, label=_("Look at"))
        yield (
            f"condition_{number}_name",
            forms.CharField(
                label=_("Name"), max_length=NAME_MAX, required=False, widget=forms.TextInput(attrs={**mono})
            ),
        )
        yield f"condition_{number}_op", Choice(list(OPS.items()), label=_("Which"))
        yield (
            f"condition_{number}_value",
            forms.CharField(
                label=_("Value"),
                max_length=VALUE_MAX,
                required=False,
                strip=False,
                widget=forms.TextInput(attrs={**mono}),
            ),
        )


def share_fields(count: int, pools: Choices) -> Iterator[tuple[str, Field]]:
    for number in range(count):
        yield f"share_{number}_pool", Choice([("", "–"), *pools], label=_("Pool"))
        yield (
            f"share_{number}_weight",
            forms.IntegerField(label=_("Weight"), min_value=0, max_value=100, required=False),
        )


def start(conditions: list[dict[str, Any]], shares: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number in range(rows(len(conditions), CONDITIONS, MANY_CONDITIONS)):
        one = conditions[number] if number < len(conditions) else {}
        found |= {
            f"condition_{number}_type": one.get("type", ""),
            f"condition_{number}_name": one.get("name") or "",
            f"condition_{number}_op": (NOT if one.get("negate") else "") + one.get("op", Op.EQUALS.value),
            f"condition_{number}_value": one.get("value") or "",
        }
    for number in range(rows(len(shares), SHARES, MANY_SHARES)):
        share = shares[number] if number < len(shares) else {}
        found |= {f"share_{number}_pool": share.get("pool", ""), f"share_{number}_weight": share.get("weight")}
    return found


def conditions_of(form: ConsoleForm, count: int) -> dict[int, dict[str, Any]]:
    """By row, as the API has them; what is wrong with one is said at its field."""
    found: dict[int, dict[str, Any]] = {}
    for number in range(count):
        kind, name, op, value = (form.cleaned_data.get(f"condition_{number}_{part}") or "" for part in PARTS)
        if not kind:
            if name or value.strip():
                form.add_error(f"condition_{number}_type", _("Choose what to look at, or empty this row."))
            continue
        if kind in BARE:
            value = value.replace(" ", "").strip(",")
            value = value.upper() if kind == On.METHOD else value
        op, negate = op.removeprefix(NOT), op.startswith(NOT)
        for part, said in wrong(kind, name, op, value):
            form.add_error(f"condition_{number}_{part}", said)
        found[number] = {"type": kind, "name": name or None, "op": op, "value": value or None, "negate": negate}
    return found


PARTS = ("type", "name", "op", "value")


def wrong(kind: str, name: str, op: str, value: str) -> Iterator[tuple[str, Any]]:
    if kind in BARE:
        if name:
            yield "name", _("A method and an address have no name; leave this empty.")
        if op != Op.EQUALS:
            yield "op", _("A method or an address is, or is not, one of a list.")
    elif not name:
        yield "name", _("Say the name of which one.")
    if op == Op.PRESENT and kind not in BARE:
        if value:
            yield "value", _("Whether it is there needs no value; leave this empty.")
    elif not value:
        yield "value", _("Say with what to compare it.")
    elif kind == On.SOURCE and not all(map(is_network, value.split(","))):
        yield "value", _("Write addresses or networks, like 203.0.113.0/24, with commas between.")


def is_network(text: str) -> bool:
    try:
        network(text)
    except ValueError:
        return False
    return True


def shares_of(form: ConsoleForm, count: int) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for number in range(count):
        pool, weight = (form.cleaned_data.get(f"share_{number}_{part}") for part in ("pool", "weight"))
        if pool:
            found[number] = {"pool": pool, "weight": weight or 0}
        elif weight:
            form.add_error(f"share_{number}_pool", _("Choose a pool."))
    if not any(share["weight"] for share in found.values()) and not form.errors:
        form.add_error("share_0_pool", _("Choose at least one pool, with a weight above 0."))
    return found
