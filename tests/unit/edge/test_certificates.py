"""The node's own certificate: made once, renewed in time, never anybody else's to read."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from balancer.edge import files
from balancer.edge.certificates import LASTS, NoCertificate, keep, make

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "certs"


def kept(folder: Path, *, now: datetime = NOW, name: str = "n1") -> tuple[str, bytes]:
    """What was said, and what lies there then."""
    said = keep(folder, name=name, now=now)
    return said, (folder / "default.pem").read_bytes()


def of_somebody(*, ends: datetime) -> bytes:
    """A certificate that another authority signed, with its key."""
    key, authority = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("a.example", "Them"))
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 7, NOW - 300 * DAY, ends)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM) + secret


def test_what_is_made_is_for_this_node_and_localhost(folder: Path) -> None:
    _, text = kept(folder, name="N1.example")
    certificate, key = x509.load_pem_x509_certificate(text), load_pem_private_key(text, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert certificate.public_key() == key.public_key()
    certificate.verify_directly_issued_by(certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["n1.example", "localhost", "*.localhost"]
    assert certificate.subject.rfc4514_string() == "CN=N1.example"
    assert certificate.not_valid_before_utc < NOW < certificate.not_valid_after_utc == NOW + LASTS


@pytest.mark.parametrize("name", ["a node of ours", "é" * 80, "n1\udcff", "x" * 300])
def test_a_name_that_no_host_has_is_only_the_subjects(name: str) -> None:
    certificate = x509.load_pem_x509_certificate(make(name, now=NOW).encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "*.localhost"]


def test_nobody_else_can_read_it_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        keep(folder, name="n1", now=NOW)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()] == [("default.pem", 0o600)]


def test_one_that_came_back_with_loose_rights_is_closed(folder: Path) -> None:
    _, first = kept(folder)
    (folder / "default.pem").chmod(0o644)
    assert kept(folder) == ("", first)
    assert (folder / "default.pem").stat().st_mode & 0o777 == 0o600


def test_it_stays_until_thirty_days_before_its_end(folder: Path) -> None:
    _, first = kept(folder)
    assert kept(folder, now=NOW + LASTS - 31 * DAY) == ("", first)
    said, second = kept(folder, now=NOW + LASTS - 29 * DAY)
    assert said == ""
    assert second != first
    assert x509.load_pem_x509_certificate(second).not_valid_after_utc == NOW + LASTS - 29 * DAY + LASTS


def test_a_clock_that_is_behind_replaces_nothing(folder: Path) -> None:
    _, first = kept(folder)
    assert kept(folder, now=datetime(1970, 1, 2, tzinfo=UTC)) == ("", first)


@pytest.mark.parametrize("cut", [0, 10, 600, -40])
def test_a_broken_one_is_replaced(folder: Path, cut: int) -> None:
    _, first = kept(folder)
    (folder / "default.pem").write_bytes(first[:cut])
    _, second = kept(folder)
    assert x509.load_pem_x509_certificate(second).public_key() == load_pem_private_key(second, None).public_key()


def test_a_key_of_another_certificate_is_broken_too(folder: Path) -> None:
    _, first = kept(folder)
    other = make("n1", now=NOW).encode()
    mixed = first[: first.index(b"-----BEGIN PRIVATE")] + other[other.index(b"-----BEGIN PRIVATE") :]
    (folder / "default.pem").write_bytes(mixed)
    assert kept(folder)[1] != mixed


def test_somebodys_own_is_never_replaced(folder: Path) -> None:
    folder.mkdir()
    theirs = of_somebody(ends=NOW + 10 * DAY)
    (folder / "default.pem").write_bytes(theirs)
    said, text = kept(folder)
    assert text == theirs
    assert "which this node did not make, ends on 2026-12-02" in said


def test_no_folder_to_write_to_is_said_without_a_path(folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(NoCertificate, match=r"^The node's certificate cannot be written: [\w ]+\.$"):
        keep(folder, name="n1", now=NOW)


def test_one_that_cannot_be_renewed_is_used_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = kept(folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    said, text = kept(folder, now=NOW + LASTS + DAY)
    assert text == first
    assert "No space left on device. The old one is used on, which ends on 2027-12-24." in said
