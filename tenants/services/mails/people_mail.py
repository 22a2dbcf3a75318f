"""Mails to a person about their account: in their language, with links to this console and nowhere else."""

from datetime import datetime

from django.conf import settings
from django.utils import translation

from tenants.actor import Actor
from tenants.models import User
from tenants.services.mails import mail


def send(
    template: str, user: User, *, now: datetime, path: str = "", to: str = "", by: Actor | None = None, new: str = ""
) -> None:
    """`path`: of the link. `to`: another address than theirs. `by`: from where it was done. `new`: the new address."""
    context = {
        "name": user.first_name or user.email,
        "email": user.email,
        "new": new,
        "url": settings.BASE_URL + path,  # never from the Host of a request
        "console": settings.BASE_URL,
        "at": now,
        "address": by.address if by is not None else "",
    }
    language = user.language or translation.get_language() or settings.LANGUAGE_CODE
    mail.send(template, to=to or user.email, language=language, context=context)
