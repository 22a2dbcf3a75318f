"""`settings.SESSION_ENGINE`: Django's sessions in the database, asked only for keys that one of them can have."""

import re

from django.contrib.sessions.backends import db

KEY = re.compile(r"[a-z0-9]{32}")  # as `SessionBase._get_new_session_key` makes them


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """A quoted cookie may hold anything, a NUL too, which PostgreSQL cannot be asked about."""
        return key is not None and KEY.fullmatch(key) is not None
