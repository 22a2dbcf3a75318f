"""Say a refusal in the reader's language.

Services speak English (the API's language, and the log's). Each of their sentences has its template here; a page finds
the one that fits, and translates it with what stood in its places. One that is not here is shown as it was said.
"""

import re
from functools import cache

from django.utils.translation import gettext, gettext_noop

from tenants.errors import FieldError, Refused

_PLACE = re.compile(r"\{(\w+)\}")
_templates: list[str] = [
    gettext_noop("There is nothing here."),
    gettext_noop("This needs the right “{needed}”, which {who} have."),
    gettext_noop("E-mail or password is wrong."),
    gettext_noop(
        "E-mail or password is wrong, or the address is not confirmed yet. Open the link in our mail, or let "
        "“Forgot your password?” send you a new one."
    ),
    gettext_noop("This e-mail has an account. Sign in instead."),
    gettext_noop("Sign-up is closed here. Ask for an invitation."),
    gettext_noop("Too many attempts to sign in. Wait, then try again; a wrong password counts."),
    gettext_noop("Confirm your e-mail address first: open the link in the mail that we have sent you."),
    gettext_noop("This code is wrong, was used already, or has run out."),
    gettext_noop("This link is not valid any more: it was used, or it is too old. Ask for a new one."),
    gettext_noop("This address has an account by now."),
    gettext_noop("This is your address already."),
    gettext_noop("This is not your password."),
    gettext_noop("You have no password yet: ask for one by “Forgot your password?”, which mails you a link."),
    gettext_noop("This passkey was not accepted. Try again, or sign in another way."),
    gettext_noop("This passkey is registered already."),
    gettext_noop("You have {most} passkeys. Remove one first."),
    gettext_noop("There is an authenticator app already. Remove it first."),
    gettext_noop("There is no second factor yet: set one up first."),
    gettext_noop("No authenticator app is being set up. Start again."),
    gettext_noop("It took too long. Sign in again."),
]


def add(templates: list[str]) -> None:
    """Of an app above this one; marked with `gettext_noop` where they are written."""
    _templates.extend(template for template in templates if template not in _templates)


def sentence(said: Refused | FieldError) -> str:
    return translated(said.detail)


def translated(english: str) -> str:
    """By the template that says most of it itself: some are little more than places."""
    fits = [(template, found) for template in _templates if (found := _pattern(template).fullmatch(english))]
    if not fits:
        return english
    template, found = max(fits, key=lambda fit: len(_PLACE.sub("", fit[0])))
    return gettext(template).format(**{name: _placed(name, value) for name, value in found.groupdict().items()})


def _placed(name: str, value: str) -> str:
    """A `why` is a sentence of its own."""
    return translated(value) if name == "why" else ", ".join(map(_known, value.split(", ")))


def _known(word: str) -> str:
    return gettext(word) if word else ""


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """`{name}` stands for anything."""
    parts = _PLACE.split(template)
    return re.compile(
        "".join(f"(?P<{part}>.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts)), re.DOTALL
    )
