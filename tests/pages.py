"""Pages as a browser without JavaScript gets them."""

import re
from typing import Any

from django.test import Client

from tenants.models import User

INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")|\sstyle=|\son\w+=|<style", re.IGNORECASE)


def signed_in(person: User, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(person)
    return client


def text(response: Any) -> str:
    """The page's text; nothing in it is a script or a style that the policy would stop."""
    shown: str = response.content.decode()
    assert not INLINE.search(shown), INLINE.search(shown)
    return shown


def page_of(response: Any) -> str:
    """Its text, where it is one: answered, or its form shown again."""
    assert response.status_code in (200, 422), response.status_code
    return text(response)
