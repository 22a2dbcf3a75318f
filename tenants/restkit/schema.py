"""The OpenAPI document: what drf-spectacular cannot see by itself."""

import inspect
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}
Direction = Literal["request", "response"]
REFUSALS = {
    "400": "Malformed, or no tenant named.",
    "401": "No credential, or a bad one.",
    "402": "More than the plan includes; `limit`, `used` and `upgrade_url` say how much.",
    "403": "The role lacks the right; `needed` names it.",
    "404": "There is nothing here, or not for you.",
    "409": "A conflict with what is there.",
    "412": "`If-Match` names an older state.",
    "422": "Understood, and wrong; `errors` say where.",
    "429": "Too many; try again after `Retry-After`.",
    "503": "Try again after `Retry-After`.",
}
SUMMARIES = {
    "list": "List {noun}s",
    "create": "Create a {noun}",
    "retrieve": "Show a {noun}",
    "update": "Replace a {noun}: what is left out gets its default",
    "partial_update": "Change a {noun}: what is left out stays",
    "destroy": "Delete a {noun}",
}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
OF_WRITES = ("402", "409", "412")


class Schema(AutoSchema):
    def get_operation_id(self) -> str:
        """The same endpoint is mounted twice: the one that names its tenant says so."""
        own = super().get_operation_id()
        return f"tenant_{own}" if self.path.startswith("/api/tenants/{tenant}/") else own

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.removeprefix("/api/").removeprefix("tenants/{tenant}/").split("/") if part]
        return [next((part for part in parts if not part.startswith("{")), "service")]

    def get_summary(self) -> str:
        said: str | None = super().get_summary()
        noun = [part for part in self.path.split("/") if part and not part.startswith("{")][-1].removesuffix("s")
        usual = SUMMARIES.get(getattr(self.view, "action", None) or "", "").format(noun=noun)
        return said or self._own_words().partition("\n")[0] or usual

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular's own, which is untyped
        """The handler's own words, else the resource's; never what a class of the kit tells programmers."""
        return self._own_words() or inspect.cleandoc(type(self.view).__dict__.get("__doc__") or "")

    def _own_words(self) -> str:
        method = self.method.lower()
        handler = getattr(self.view, getattr(self.view, "action", None) or method, None) or getattr(self.view, method)
        return inspect.cleandoc(getattr(handler, "__doc__", None) or "")

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        if self.method == "POST":
            found.append(header("Idempotency-Key", "The same key and body give the first answer again, for 24 hours."))
        if self.method in ("PUT", "PATCH", "DELETE"):
            found.append(header("If-Match", "The ETag that you read: refuse to overwrite anything newer."))
        return found

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in REFUSALS:
            if status in OF_WRITES and self.method not in WRITES:
                continue
            bodies.setdefault(status, {"$ref": f"#/components/responses/Refused{status}"})
        return bodies


def with_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook: each refusal once. In each of a hundred endpoints it made two megabytes."""
    components = result["components"]
    components["schemas"]["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {
        f"Refused{status}": {"description": words, "content": content} for status, words in REFUSALS.items()
    }
    return result


def as_written(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """A preprocessing hook: paths without the slash that is only tolerated, with the `/api` that may be left out."""
    return [
        (f"/api{path}" if path.startswith("/auth/") else path, regex, method, view)
        for path, regex, method, view in ((path.rstrip("/"), *rest) for path, *rest in endpoints)
    ]


def header(name: str, words: str) -> Any:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=words)
