"""Ask before what cannot be taken back: a page of its own, so that it needs no script, and can be come back to."""

from dataclasses import dataclass

from django.utils.functional import Promise

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Question:
    """`follows`: what comes of it. `back`: the page that it was asked on, by its address and its name."""

    title: Words
    follows: tuple[Words, ...]
    act: Words
    back: str
    page: Words
    send_to: str = ""  # where the form goes, when not to the page itself
