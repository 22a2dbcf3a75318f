"""A document as HCL, ready for Terraform: a resource for each object, which point at each other."""

import json
import re
from collections.abc import Mapping
from typing import Any

from balancer.api.documents import FORMAT
from balancer.api.portable import left_out
from balancer.services.batch_work import names_pool


def as_terraform(document: Mapping[str, Any]) -> str:
    labels: dict[str, str] = {}
    for pool in document["pools"]:
        labels[pool["name"]] = label(pool["name"], labels.values())
    blocks = [f"# {FORMAT}, of {document['tenant']['slug']}\n"]
    for pool in document["pools"]:
        blocks.append(block("pool", labels[pool["name"]], left_out(pool, "backends"), labels))
        blocks += [
            block("backend", f"{labels[pool['name']]}_{number}", {"pool": pool["name"], **backend}, labels)
            for number, backend in enumerate(pool["backends"], 1)
        ]
    blocks += [block("route", f"route_{number}", route, labels) for number, route in enumerate(document["routes"], 1)]
    blocks += [
        block("listener", f"listener_{number}", one, labels) for number, one in enumerate(document["listeners"], 1)
    ]
    blocks += [block(name, "this", part, labels) for name, part in document["protection"].items()]
    return "\n".join(blocks)


def label(name: str, taken: Any) -> str:
    base = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "pool"
    base = base if base[0].isalpha() else f"p_{base}"
    several = (base, *(f"{base}_{n}" for n in range(2, len(list(taken)) + 3)))
    return next(one for one in several if one not in taken)


def block(kind: str, name: str, fields: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    lines = "".join(f"  {key} = {hcl(value, key, labels, 1)}\n" for key, value in fields.items() if value is not None)
    return f'resource "veloflux_{kind}" "{name}" {{\n{lines}}}\n'


def hcl(value: Any, field: str, labels: Mapping[str, str], depth: int) -> str:
    pad = "  " * (depth + 1)
    if isinstance(value, dict):
        inner = "".join(f"{pad}{quoted(key)} = {hcl(one, key, labels, depth + 1)}\n" for key, one in value.items())
        return f"{{\n{inner}{'  ' * depth}}}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(hcl(one, field, labels, depth) for one in value)}]"
    if isinstance(value, str):
        return f"veloflux_pool.{labels[value]}.id" if names_pool(field) and value in labels else quoted(value)
    return json.dumps(value)


def quoted(text: str) -> str:
    """`${` and `%{` would begin an expression."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
