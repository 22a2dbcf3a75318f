"""Status lies in Redis, as in `tests/db/status`."""

from tests.db.status.conftest import kept, redis_of_session

__all__ = ["kept", "redis_of_session"]
