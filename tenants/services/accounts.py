"""Sign up, sign in, sign out."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tenants.errors import Conflict, FieldError, NotFound, Refused
from tenants.models import Tenant, User
from tenants.queries import directory, people
from tenants.services import passwords, sign_ins, tenancy
from tenants.services.sign_ins import From, SignedIn


@dataclass(frozen=True, slots=True)
class NewAccount:
    email: str
    password: str
    tenant_name: str
    first_name: str = ""
    last_name: str = ""
    plan: str = "free"


class SignUpClosed(Refused):
    def __init__(self) -> None:
        super().__init__("Sign-up is closed here. Ask for an invitation.", "sign_up_closed", 403)


def register(new: NewAccount, *, now: datetime) -> tuple[User, Tenant]:
    """The person, and a tenant that they own; both or neither."""
    if not settings.SIGN_UP_OPEN:
        raise SignUpClosed
    with transaction.atomic():
        user = create_user(new, now=now)
        tenant = tenancy.create(name=new.tenant_name, plan=new.plan, owner=user, now=now)
    return user, tenant


def create_user(new: NewAccount, *, now: datetime) -> User:
    """Raise `Refused` for a weak password, `Conflict` for an e-mail that has an account."""
    user = User(email=new.email.lower(), first_name=new.first_name, last_name=new.last_name, created_at=now)
    check_password(new.password, user)
    user.set_password(new.password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("This e-mail has an account. Sign in instead.", "taken", "/email") from error
    return user


def make_staff(user: User, *, now: datetime) -> None:
    """Of the platform, with every right; the address needs no further proof."""
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True, email_verified_at=now)


def check_password(password: str, user: User) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        errors = tuple(FieldError("/password", one.code or "weak", str(one.messages[0])) for one in error.error_list)
        raise Refused(" ".join(error.messages), "weak_password", 422, errors) from error


def sign_in(email: str, password: str, *, tenant: str | None, source: From, now: datetime) -> SignedIn:
    """For tokens. `tenant` by slug or id; a person's only one need not be named."""
    user = passwords.prove(email, password, address=source.address)
    return for_tenant(user, tenant, source=source, now=now)


def for_tenant(user: User, named: str | None, *, source: From, now: datetime) -> SignedIn:
    """Raise `NotFound` for a tenant that is none of theirs."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(last_login=now)
        if named is None:
            only = people.only_membership(user.pk)
            return sign_ins.start(user, only.tenant if only else None, only, source=source, now=now)
        tenant = directory.by_name(named)
        if tenant is None:
            raise NotFound
        membership = people.membership(user.pk, tenant.pk)
        if membership is None and not user.is_staff:
            raise NotFound
        return sign_ins.start(user, tenant, membership, source=source, now=now)
