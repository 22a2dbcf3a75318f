"""The OpenAPI document: what drf-spectacular cannot see by itself."""

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
    "403": "The role lacks the right; `needed` names it.",
    "404": "There is nothing here, or not for you.",
    "409": "A conflict with what is there.",
    "412": "`If-Match` names an older state.",
    "422": "Understood, and wrong; `errors` say where.",
    "503": "Try again after `Retry-After`.",
}
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Schema(AutoSchema):
    def get_operation_id(self) -> str:
        """The same endpoint is mounted twice: the one that names its tenant says so."""
        own = super().get_operation_id()
        return f"tenant_{own}" if self.path.startswith("/api/tenants/{tenant}/") else own

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.removeprefix("/api/").removeprefix("tenants/{tenant}/").split("/") if part]
        return [next((part for part in parts if not part.startswith("{")), "service")]

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        if self.method == "POST":
            found.append(header("Idempotency-Key", "The same key and body give the first answer again, for 24 hours."))
        if self.method in ("PUT", "PATCH", "DELETE"):
            found.append(header("If-Match", "The ETag that you read: refuse to overwrite anything newer."))
        return found

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status, words in REFUSALS.items():
            if status in ("409", "412", "422") and self.method not in WRITES and status != "422":
                continue
            content = {"application/problem+json": {"schema": PROBLEM}}
            bodies.setdefault(status, {"description": words, "content": content})
        return bodies


def header(name: str, words: str) -> Any:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=words)
