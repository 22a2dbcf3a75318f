"""Lines lie in Redis: a real one, emptied before each test."""

from tests.db.status.conftest import kept as kept
from tests.db.status.conftest import redis_of_session as redis_of_session
