"""What we refuse, in words a person can act on. Doors map each to its own form once."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldError:
    """`pointer` is a JSON pointer into what was sent: `/backends/2/address`."""

    pointer: str
    code: str
    detail: str


@dataclass(eq=False)
class Refused(Exception):
    """An anticipated no. `detail` names the object and the fix; never another tenant's name."""

    detail: str
    code: str = "refused"
    status: int = 422
    errors: tuple[FieldError, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail


class InvalidField(Refused):
    def __init__(self, field_name: str, detail: str, code: str = "invalid") -> None:
        super().__init__(detail, "invalid", 422, (FieldError("/" + field_name, code, detail),))


class Conflict(Refused):
    def __init__(self, detail: str, code: str = "conflict", pointer: str | None = None) -> None:
        errors = (FieldError(pointer, code, detail),) if pointer else ()
        super().__init__(detail, code, 409, errors)


class LimitReached(Refused):
    def __init__(self, detail: str, *, limit: int, used: int, upgrade_url: str, pointer: str | None = None) -> None:
        errors = (FieldError(pointer, "limit_reached", detail),) if pointer else ()
        extra: dict[str, object] = {"limit": limit, "used": used, "upgrade_url": upgrade_url}
        super().__init__(detail, "limit_reached", 402, errors, extra)


class NotFound(Refused):
    def __init__(self, detail: str = "There is nothing here.") -> None:
        super().__init__(detail, "not_found", 404)


class Forbidden(Refused):
    def __init__(self, needed: str, who: list[str]) -> None:
        detail = f"This needs the right “{needed}”, which {', '.join(who)} have."
        super().__init__(detail, "forbidden", 403, (), {"needed": needed})


class Unauthenticated(Refused):
    def __init__(self, detail: str = "Sign in, or send a valid credential.", code: str = "not_authenticated") -> None:
        super().__init__(detail, code, 401)
