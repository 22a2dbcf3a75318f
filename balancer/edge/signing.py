"""Who may tell a node what to run: a message counts only with the node's own key."""

import hashlib
import hmac


class BadSignature(Exception):
    """The body was not signed with this key."""


def sign(key: str, body: str) -> str:
    """Hex HMAC-SHA256 of the body."""
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()


def verify(key: str, body: str, signature: str) -> None:
    """Raise BadSignature unless `signature` is the body's, in constant time."""
    if not hmac.compare_digest(sign(key, body).encode(), signature.encode()):
        raise BadSignature("The message is not signed with this node's key.")
