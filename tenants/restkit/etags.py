"""`ETag` on every object; `If-Match` refuses to write over what one has not seen."""

import hashlib
from typing import Any

from rest_framework.request import Request

from tenants.errors import Refused


class Stale(Refused):
    def __init__(self) -> None:
        detail = "It has changed since you read it. Read it again, then repeat your change."
        super().__init__(detail, "stale", 412)


def etag_of(obj: Any) -> str | None:
    """From `obj.etag`, else from when it last changed. None: this kind of object has none."""
    own = getattr(obj, "etag", None)
    if own is None:
        changed = getattr(obj, "updated_at", None)
        if changed is None:
            return None
        own = hashlib.sha256(f"{obj.pk}:{changed.isoformat()}".encode()).hexdigest()[:20]
    return f'"{own}"'


def check(request: Request, obj: Any) -> None:
    """Raise `Stale`. To close the gap between check and write, call it under the lock of the write as well."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag_of(obj) not in [tag.strip() for tag in wanted.split(",")]:
        raise Stale
