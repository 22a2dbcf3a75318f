"""What a route's form shows at first: what is stored, each as the form's own fields would give it back."""

from typing import Any

from balancer.console import route_rows
from balancer.console.cache_fields import KEPT
from balancer.console.route_form import CORS, DOWN
from balancer.models import Route

SAME = (
    "host", "path_match", "path_prefix", "priority", "description", "enabled", "request_headers", "response_headers",
    "timeout_ms", "max_body", "compression",
)  # fmt: skip
ADVANCED = ("rewrite", "request_headers", "response_headers", "cors", "timeout_ms", "max_body", "compression",
            "maintenance", "cache")  # fmt: skip


def start(route: Route | None = None) -> dict[str, Any]:
    source = route or Route()
    return {
        **{name: getattr(source, name) for name in SAME},
        **_action(source),
        **{f"rewrite_{name}": source.rewrite.get(name, "") for name in ("prefix", "regex", "replacement", "host")},
        **_cors(source.cors or {}),
        **_maintenance(source.maintenance),
        **_cache(source.cache),
        **route_rows.start(source.conditions, source.action.get("pools", [])),
    }


def advanced(route: Route | None) -> bool:
    """Whether something is set that the form has under Advanced."""
    return route is not None and any(getattr(route, name) not in (None, False, [], {}) for name in ADVANCED)


def _action(route: Route) -> dict[str, Any]:
    action = route.action
    return {
        "action_type": action["type"],
        "pool": route.pool_id or "",
        "redirect_url": action.get("url") or action.get("prefix") or "",
        "redirect_keep": "url" not in action if action["type"] == "redirect" else True,
        "redirect_code": str(action.get("code", 302)),
        "respond_status": action.get("status", 200),
        "respond_content_type": action.get("content_type", "text/plain"),
        "respond_body": action.get("body", ""),
    }


def _cors(cors: dict[str, Any]) -> dict[str, Any]:
    return {
        "cors_origins": cors.get("origins", []),
        "cors_methods": cors.get("methods", list(CORS.methods)),
        "cors_headers": cors.get("headers", []),
        "cors_exposed": cors.get("exposed", []),
        "cors_credentials": cors.get("credentials", False),
        "cors_max_age_ms": cors.get("max_age_s", CORS.max_age_s) * 1000,
    }


def _maintenance(told: dict[str, Any] | None) -> dict[str, Any]:
    page = told or {}
    return {
        "maintenance_on": told is not None,
        "maintenance_body": page.get("body", DOWN.body),
        "maintenance_content_type": page.get("content_type", DOWN.content_type),
        "maintenance_retry_after_ms": page.get("retry_after_s", DOWN.retry_after_s) * 1000,
    }


def _cache(told: dict[str, Any] | None) -> dict[str, Any]:
    kept = told or {}
    return {
        "cache_ttl_ms": kept["ttl_s"] * 1000 if kept else None,
        "cache_max_object": kept.get("max_object", KEPT.max_object),
        "cache_cookies": kept.get("cookies", False),
    }
