"""Whose certificates we believe when we go out."""

import ssl
from pathlib import Path

import certifi
from django.conf import settings


def context() -> ssl.SSLContext:
    """TLS 1.2 at least, the name checked. The system's authorities, certifi's (a lean machine has none), and
    VELOFLUX_EXTRA_CA_FILE's: a company's own."""
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_verify_locations(cafile=certifi.where())
    if settings.EXTRA_CA_FILE:
        made.load_verify_locations(cadata=Path(settings.EXTRA_CA_FILE).read_text())
    return made


def sentence(error: ssl.SSLError, host: str) -> str:
    """Why a handshake with `host` failed, without OpenSSL's own words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {host} is not trusted: {error.verify_message}."
    return f"{host} does not speak TLS here."
