"""A certificate authority of the tests' own."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def file(self, folder: Path) -> Path:
        path = folder / "authority.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def server(self, folder: Path, *names: str, days: int = 30) -> Path:
        """A PEM with key and certificate for these names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        listed = x509.SubjectAlternativeName([_general(name) for name in names])
        made = _builder(names[0], self.certificate.subject, key, days=days).add_extension(listed, critical=False)
        path = folder / f"{names[0]}-{days}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(secret + made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path


def authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    made = _builder("Tests", name, key, days=30).add_extension(x509.BasicConstraints(True, None), critical=True)
    return Authority(made.sign(key, hashes.SHA256()), key)


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    serial, begins, ends = x509.random_serial_number(), now - timedelta(days=60), now + timedelta(days=days)
    return x509.CertificateBuilder(issuer, subject, key.public_key(), serial, begins, ends)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
