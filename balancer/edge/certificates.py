"""The node's own certificate: what a client gets that asks for a name which nobody has uploaded one for.

Self-signed, so that nobody needs to be reached for it. Certificate and key are one file, as HAProxy reads them, which
only we can read. Call with the node's lock held.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from balancer.edge import files
from balancer.edge.errors import EdgeError
from balancer.haproxy.render import DEFAULT_CERTIFICATE
from balancer.haproxy.text import Unprintable, host

LASTS = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=30)
CLOCKS_DIFFER = timedelta(days=1)
LONGEST_NAME = 64  # bytes of a common name (RFC 5280, ub-common-name)


class NoCertificate(EdgeError):
    """There is no certificate that HAProxy could load, and none could be written."""


def keep(folder: Path, *, name: str, now: datetime) -> str:
    """Leave a usable certificate in `folder`: the one that is there, unless it is broken or ends within 30 days.

    Returns what a person should know, empty when all is well: one that cannot be renewed is used to its end and
    beyond, because clients that cannot verify it lose nothing by that. One that we did not sign ourselves is
    somebody's own, and never replaced while it can be read. Raises NoCertificate.
    """
    path = folder / DEFAULT_CERTIFICATE
    there = _read(path)
    if there is not None and _is_ours(there):
        _close(path)
    if there is not None and (not _is_ours(there) or there.not_valid_after_utc - now > RENEWED_BEFORE):
        return _ending(there, now)
    try:
        files.folder(folder)
        files.write(path, make(name, now=now), durable=True)
    except OSError as error:
        words = f"The node's certificate cannot be written: {error.strerror or error}."
        if there is None:
            raise NoCertificate(words) from error
        return f"{words} The old one is used on, which ends on {there.not_valid_after_utc:%Y-%m-%d}."
    return ""


def due(folder: Path, *, now: datetime) -> bool:
    """Whether ours ends within 30 days: a node that neither starts nor reloads for a year needs to be asked."""
    there = _read(folder / DEFAULT_CERTIFICATE)
    return there is not None and _is_ours(there) and there.not_valid_after_utc - now <= RENEWED_BEFORE


def make(name: str, *, now: datetime) -> str:
    """A new key on P-256 and its self-signed certificate for the node's name, `localhost` and `*.localhost`, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _cut(name))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectAlternativeName(_names(name)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (certificate.public_bytes(Encoding.PEM) + secret).decode()


def _cut(name: str) -> str:
    return name.encode(errors="replace")[:LONGEST_NAME].decode(errors="ignore")


def _names(name: str) -> list[x509.GeneralName]:
    """A node may be called what no host is; then its name is only the subject's."""
    found: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName("*.localhost")]
    with suppress(Unprintable):
        found.insert(0, x509.DNSName(host(name.lower())))
    return found


def _read(path: Path) -> x509.Certificate | None:
    """The certificate on the disk, and None unless HAProxy can use it with the key beside it."""
    try:
        text = path.read_bytes()
        certificate, key = x509.load_pem_x509_certificate(text), load_pem_private_key(text, password=None)
        return certificate if certificate.public_key() == key.public_key() else None
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm):
        return None


def _is_ours(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _close(path: Path) -> None:
    """A copy that was brought back may have come with looser rights."""
    with suppress(OSError):
        path.chmod(files.FILE_MODE)


def _ending(certificate: x509.Certificate, now: datetime) -> str:
    if certificate.not_valid_after_utc - now > RENEWED_BEFORE:
        return ""
    return f"The default certificate, which this node did not make, ends on {certificate.not_valid_after_utc:%Y-%m-%d}."
