"""The console goes out to providers on this machine."""

from tests.db.sso.conftest import loopback_is_outside as loopback_is_outside
