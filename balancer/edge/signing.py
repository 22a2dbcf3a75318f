"""Who may tell a node what to run: a message counts only with the node's own key."""

import hashlib
import hmac

JOINT = ","
KEYS_MOST = 2  # the one that counts, and the one before it while a key is being changed


class BadSignature(Exception):
    """The body was not signed with this key."""


def sign(key: str, body: str) -> str:
    """Hex HMAC-SHA256 of the body."""
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()


def verify(key: str, body: str, signature: str) -> None:
    """Raise BadSignature unless `signature` is the body's, or one of two by `JOINT`; in constant time."""
    expected = sign(key, body).encode()
    given = signature.split(JOINT, KEYS_MOST)[:KEYS_MOST]
    same = [hmac.compare_digest(expected, one.encode()) for one in given]
    if not any(same):
        raise BadSignature("The message is not signed with this node's key.")
