"""`settings.SESSION_ENGINE`: Django's sessions in the database, read together with whose they are.

One query brings session, sign-in and person. A browser that is not signed in may have a session too (a first factor
that waits for the second): that costs a second one.
"""

import re
from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from tenants.models import SignIn
from tenants.queries import people

KEY = re.compile(r"[a-z0-9]{32}")  # as `SessionBase._get_new_session_key` makes them


class SessionStore(db.SessionStore):
    sign_in: SignIn | None = None  # a live one; there once the session has been read

    def _validate_session_key(self, key: str | None) -> bool:
        """Asked only for keys that one can have: a quoted cookie may hold anything, a NUL too, which PostgreSQL cannot
        be asked about."""
        return key is not None and KEY.fullmatch(key) is not None

    def load(self) -> dict[str, Any]:
        found = people.console_session(str(self.session_key), now=timezone.now())
        if found is None:
            return dict(super().load())
        self.sign_in = found
        return dict(self.decode(found.session_data))  # type: ignore[attr-defined]

    def flush(self) -> None:
        super().flush()
        self.sign_in = None
