"""`Idempotency-Key`: the same POST twice has one effect, and both get the first answer.

Kept in Redis for 24 h per tenant and credential, sealed: an answer may hold what is shown only once. One that says
"try again" (401, 429, 5xx) is not kept.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass

import structlog
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from tenants.errors import InvalidField, Refused

log = structlog.get_logger(__name__)
HEADER = "Idempotency-Key"
KEPT_SECONDS = 24 * 3600
BUSY_SECONDS = 60  # longer than any request; then a crashed one's claim is free again
BUSY = 0
PASSED_ON = ("Location", "ETag")


class Busy(Refused):
    def __init__(self) -> None:
        detail = "The first request with this key is still being worked on. Ask again in a moment."
        super().__init__(detail, "in_progress", 409, (), {"retry_after": 1})


class Reused(Refused):
    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. Make a new one.", "key_reused", 422)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was asked, and what was answered; `status` is `BUSY` until it is."""

    digest: str
    status: int = BUSY
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = None

    def response(self, seal: Fernet) -> Response:
        headers = {**dict(self.headers), "Idempotent-Replayed": "true"}
        content = json.loads(seal.decrypt(self.content))
        return Response(content, status=self.status, headers=headers, content_type=self.content_type)


@dataclass(frozen=True, slots=True)
class Claim:
    """This request is the first with its key. `keep` its answer, or `drop` it so that it may be tried again."""

    key: str
    digest: str
    seal: Fernet

    def keep(self, response: Response) -> None:
        """Without Redis the answer goes out all the same: what it tells of is done."""
        try:
            self._keep(response)
        except RedisError as error:
            log.warning("answer not kept", error=str(error))

    def _keep(self, response: Response) -> None:
        if response.status_code >= 500 or response.status_code in (401, 429):
            self.drop()
            return
        headers = tuple((name, response.headers[name]) for name in PASSED_ON if name in response.headers)
        content = self.seal.encrypt(json.dumps(response.data, cls=JSONEncoder).encode())
        kept = Kept(self.digest, response.status_code, content, headers, response.content_type)
        cache.set(self.key, kept, KEPT_SECONDS)

    def drop(self) -> None:
        cache.delete(self.key)


def claim(request: Request, *, whose: str) -> Claim | Response | None:
    """None without the header; the first answer where there is one; else a claim. Raise `Busy` or `Reused`."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise InvalidField(HEADER, "An Idempotency-Key has 1 to 255 printable characters.")
    digest = _hash(request.method or "", request.path, canonical(request))
    mine = Claim(f"idempotency:{_hash(whose, key)}", digest, _seal(whose, key))
    if cache.add(mine.key, Kept(mine.digest), BUSY_SECONDS):
        return mine
    kept: Kept | None = cache.get(mine.key)
    if kept is None:
        raise Busy
    if kept.digest != mine.digest:
        raise Reused
    if kept.status == BUSY:
        raise Busy
    return kept.response(mine.seal)


def canonical(request: Request) -> str:
    return json.dumps([request.data, sorted(request.query_params.lists())], sort_keys=True, default=str)


def _seal(whose: str, key: str) -> Fernet:
    """Neither our secret alone nor the client's key alone opens it."""
    secret = hashlib.sha256(f"idempotency|{settings.SECRET_KEY}|{whose}|{key}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(secret))


def _hash(*parts: str) -> str:
    """Keyed: what was sent may hold a password."""
    return hmac.digest(settings.SECRET_KEY.encode(), "\x00".join(parts).encode(), "sha256").hex()
