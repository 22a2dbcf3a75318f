"""PEM of a tenant's for TLS to its servers: read, written anew, and sealed for the nodes."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from balancer.fleet.models import UpstreamFile
from tenants import scope, vault

MOST = 64_000  # characters of PEM
CERTIFICATES = 150


@dataclass(frozen=True, slots=True)
class Pair:
    """`bundle` is empty where there is no certificate."""

    certificate: str = ""
    bundle: str = ""


def authority(pem: str) -> str:
    """Certificates of authorities, one after the other; sealed for the nodes. Raise `ValueError`."""
    certificates = _certificates(pem, "the authority's certificate")
    for one in certificates:
        constraints = _constraints(one)
        if constraints is not None and not constraints.ca:
            raise ValueError("This certificate is no authority's; give the one that signed your servers'.")
    written = _written(certificates)
    keep(written)
    return written


def pair(certificate: str, key: str) -> Pair:
    """A client certificate (its chain after it) with its key; without the key, one whose key was given before. Raise
    `ValueError`."""
    certificates = _certificates(certificate, "the client certificate")
    written = _written(certificates)
    if not key.strip():
        found = UpstreamFile.objects.filter(tenant=_tenant(), certificate=_digest(written)).first()
        if found is None:
            raise ValueError("A client certificate needs its key; give both.")
        return Pair(written, found.name)
    return Pair(written, keep(written + _key(key, certificates[0]), certificate=_digest(written)))


def keep(text: str, *, certificate: str = "") -> str:
    """Seal a file for the nodes, inside the transaction that names it. Returns its name."""
    name = _digest(text)
    if not UpstreamFile.objects.filter(tenant=_tenant(), name=name).exists():
        row = UpstreamFile(tenant_id=_tenant(), name=name, certificate=certificate)
        row.sealed = vault.seal(text, about=about(row.pk))
        row.save(force_insert=True)
    return name


def opened(tenant_id: str, names: Iterable[str]) -> Mapping[str, str]:
    """Name -> text, for a message. In the platform's scope. Raise `tenants.vault.CannotOpen`."""
    rows = UpstreamFile.objects.filter(tenant=tenant_id, name__in=list(names)).values_list("pk", "name", "sealed")
    return {name: vault.unseal(sealed, about=about(pk)) for pk, name, sealed in rows}


def about(pk: str) -> str:
    return f"upstream_file.sealed:{pk}"


def ends(pem: str) -> datetime | None:
    """When the first of its certificates to end does; None where there is none."""
    if not pem:
        return None
    return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem.encode()))


def _certificates(pem: str, what: str) -> list[x509.Certificate]:
    if len(pem) > MOST:
        raise ValueError(f"This is longer than {MOST} characters; give {what} and its chain alone.")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, UnsupportedAlgorithm, UnicodeError):
        found = []
    if not found:
        raise ValueError(f"This is not a certificate in PEM; paste {what}, from BEGIN to END.")
    if len(found) > CERTIFICATES:
        raise ValueError(f"These are more than {CERTIFICATES} certificates.")
    return found


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _key(pem: str, certificate: x509.Certificate) -> str:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError as error:
        raise ValueError("This key is encrypted with a password; give it without one.") from error
    except (ValueError, UnsupportedAlgorithm, UnicodeError) as error:
        raise ValueError("This is not a private key in PEM; paste it from BEGIN to END.") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise ValueError("This key belongs to another certificate.")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _written(certificates: Iterable[x509.Certificate]) -> str:
    """Encoded anew: nothing but certificates, without blank lines."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _tenant() -> str:
    return str(scope.required().tenant_id)
