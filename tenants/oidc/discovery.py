"""Fetch what a provider says about itself, and judge it."""

from typing import Any

from tenants.lines import is_storable
from tenants.oidc.metadata import Metadata, discovery_url, parse
from tenants.oidc.trouble import Part, ProviderTrouble
from tenants.outbound import http
from tenants.outbound.guard import Unreachable
from tenants.outbound.http import Answer

SECONDS = 6.0
MOST_BYTES = 256 * 1024


def fetch(issuer: str) -> tuple[Metadata, dict[str, Any]]:
    """Both what we make of it and the document itself, to keep. Raise `ProviderTrouble`."""
    document = fetched_json(discovery_url(issuer), Part.DISCOVERY)
    return parse(document, issuer=issuer), document


def fetched_json(url: str, part: Part, **options: Any) -> dict[str, Any]:
    """A JSON object, by GET. Raise `ProviderTrouble` of `part`."""
    try:
        answer = http.get(url, timeout=SECONDS, most_bytes=MOST_BYTES, **options)
    except Unreachable as error:
        raise ProviderTrouble(part, error.sentence) from error
    return json_of(answer, part)


def json_of(answer: Answer, part: Part) -> dict[str, Any]:
    if 300 <= answer.status < 400:
        raise ProviderTrouble(part, "The provider answers with a redirect, which we do not follow: enter its own URL.")
    if answer.status != 200:
        raise ProviderTrouble(part, f"The provider answers with status {answer.status}.")
    try:
        found = answer.json()
    except Unreachable as error:
        raise ProviderTrouble(part, error.sentence) from error
    if not isinstance(found, dict) or not is_storable(found):
        raise ProviderTrouble(part, "The answer is not a JSON object, or holds characters that are none.")
    return found
