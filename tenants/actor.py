"""Who is acting, and through what: made by a door, handed to every service, written into every edit and audit entry."""

from dataclasses import dataclass
from uuid import UUID

from tenants.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """`role` is None for staff and the system; `through` names the credential (`session`, `jwt`, `api key ci`).

    `name` is the person's e-mail address; `impersonator` that of the staff member who acts in their place.
    """

    user_id: UUID | None
    through: str
    role: Role | None = None
    is_staff: bool = False
    request_id: str = ""
    address: str = ""
    name: str = ""
    impersonator: str = ""


SYSTEM = Actor(user_id=None, through="system", is_staff=True, name="system")
