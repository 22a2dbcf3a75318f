"""A security key in software: it signs what it is given, honestly or not (WebAuthn 2, 6.1 and 8.7)."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Device:
    domain: str = "testserver"
    origin: str = "http://testserver"
    verifies: bool = True
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        point = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + public
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested}
        response = {"attestationObject": b64(cbor2.dumps(attestation)), "transports": ["internal"]}
        return self._shown("webauthn.create", options["challenge"], response)

    def get(self, options: dict[str, Any], *, handle: bytes | None = None) -> dict[str, Any]:
        self.count += 1
        data = self._data()
        client = self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"authenticatorData": b64(data), "signature": b64(signature), "userHandle": handle and b64(handle)}
        return self._shown("webauthn.get", options["challenge"], response)

    def _data(self, more: int = 0) -> bytes:
        flags = PRESENT | more | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.domain.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _shown(self, kind: str, challenge: str, response: dict[str, Any]) -> dict[str, Any]:
        client = b64(self._client(kind, challenge))
        named = {"id": b64(self.credential_id), "rawId": b64(self.credential_id), "type": "public-key"}
        return {**named, "clientExtensionResults": {}, "response": {"clientDataJSON": client, **response}}
