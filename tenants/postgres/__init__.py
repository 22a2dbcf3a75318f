"""Django's database backend for tenants: where a cursor points is decided by `tenants.scope`, not by the connection."""
