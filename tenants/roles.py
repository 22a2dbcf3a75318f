"""Who may do what: one table, read by every door."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    BILLING = "billing"


class Verb(StrEnum):
    VIEW = "view"
    EDIT = "edit"
    DEPLOY = "deploy"
    RUNTIME = "runtime"
    SECRETS = "secrets"
    MEMBERS = "members"
    BILLING = "billing"
    OWN = "own"  # rename or delete the tenant itself


ALLOWED: dict[Role, frozenset[Verb]] = {
    Role.OWNER: frozenset(Verb),
    Role.ADMIN: frozenset(Verb) - {Verb.OWN, Verb.BILLING},
    Role.OPERATOR: frozenset({Verb.VIEW, Verb.EDIT, Verb.DEPLOY, Verb.RUNTIME}),
    Role.VIEWER: frozenset({Verb.VIEW}),
    Role.BILLING: frozenset({Verb.VIEW, Verb.BILLING}),
}
STAFF = frozenset(Verb)


def allows(role: Role, verb: Verb) -> bool:
    return verb in ALLOWED[role]


def who_may(verb: Verb) -> list[Role]:
    """The roles that hold a right, for the sentence of a refusal."""
    return [role for role in Role if verb in ALLOWED[role]]


def rights(role: Role | None, *, is_staff: bool) -> frozenset[Verb]:
    """Staff act without a role and may do everything; with one (a key of theirs) they may do what it says."""
    if role is None:
        return STAFF if is_staff else frozenset()
    return ALLOWED[role]


def narrower(first: Role, second: Role) -> Role:
    """The one of two whose rights the other holds as well; where neither does, what both surely may: look."""
    if ALLOWED[first] <= ALLOWED[second]:
        return first
    return second if ALLOWED[second] <= ALLOWED[first] else Role.VIEWER
