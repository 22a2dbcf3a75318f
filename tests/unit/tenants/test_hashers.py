"""The product's own way to keep passwords; the other tests hash with less memory."""

from tenants.hashers import Argon2
from veloflux_site import settings


def test_passwords_are_kept_as_owasp_has_it() -> None:
    assert settings.PASSWORD_HASHERS == ["tenants.hashers.Argon2"]
    kept = Argon2().encode("correct horse battery staple", "a-salt-of-sixteen-characters")
    assert kept.startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$")
