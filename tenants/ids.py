"""Opaque ids: stable, never reused, safe in URLs, schema names and HAProxy names alike."""

import secrets

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
LENGTH = 12  # 60 bits


def new_id() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
