"""`http-request`, `redirect` and their kin: what each does with a request, or a sentence of why nothing here does."""

from balancer.haproxy.regex import BadRegex, check
from balancer.haproxy.routing import (
    FORBIDDEN_REQUEST_HEADERS,
    FORBIDDEN_RESPONSE_HEADERS,
    REDIRECTS,
    forbidden,
)
from balancer.haproxy.text import Unprintable, body, content_type, name, replacement, url

from .formats import fixed
from .said import COUNTED, OURS, VARIABLE, Inexpressible, Kept, NoRegex
from .steps import Change, Do, Edits, Redirect, Respond, Skip
from .values import whole

EDITS = {"set-header": "set", "add-header": "add", "del-header": "remove"}
# What the service does for every request (`render.frontends`), whatever else is asked for.
DONE = {"x-forwarded-proto", "x-forwarded-for", "x-forwarded-host", "x-request-id"}
WITHOUT_EFFECT = ("set-log-level", "capture", "set-nice", "set-tos", "set-mark", "set-priority-class",
                  "set-priority-offset", "do-log", "wait-for-handshake", "cache-store")  # fmt: skip
DENIED = {403: "This is not allowed here.\n", 500: "This is not allowed here.\n"}


def http_request(words: tuple[str, ...], *, after: int) -> Do:
    """`words` after `http-request`, without the condition. `after`: the step that follows all of these rules. Raise
    `Inexpressible` or `Kept`."""
    verb = words[0] if words else ""
    if verb in EDITS:
        return Change(Edits(request=(_request_header(words),)))
    if verb == "redirect":
        return redirect(words[1:])
    if verb in ("deny", "tarpit"):
        return _denied(words[1:], 403 if verb == "deny" else 500)
    if verb == "return":
        return _returned(words[1:])
    if verb == "allow":
        return Skip(after)
    if verb == "replace-path":
        return Change(Edits(rewrite=_rewrite(words)))
    if verb.startswith(("track-sc", "sc-")):
        raise Kept(COUNTED)
    if verb.startswith(("set-var", "unset-var")):
        raise Kept(VARIABLE)
    if verb in WITHOUT_EFFECT:
        raise Kept(OURS)
    raise Inexpressible(f"Routes do nothing like http-request {verb[:40]}.")


def http_response(words: tuple[str, ...], *, always: bool) -> Edits:
    """`always`: of `http-after-response`, which our own answers get too."""
    if not words or words[0] not in EDITS:
        if words and (words[0] in WITHOUT_EFFECT or words[0].startswith(("set-var", "sc-"))):
            raise Kept(OURS)
        raise Inexpressible(f"Routes do nothing like http-response {words[0][:40] if words else ''}.")
    edit = _header(words)
    if forbidden(edit["name"], FORBIDDEN_RESPONSE_HEADERS):
        raise Inexpressible(f"The header {edit['name']} is not set by routes.")
    return Edits(after=(edit,)) if always else Edits(response=(edit,))


def _request_header(words: tuple[str, ...]) -> dict[str, str]:
    if len(words) > 1 and words[1].lower() in DONE:
        raise Kept(OURS)
    edit = _header(words)
    if forbidden(edit["name"], FORBIDDEN_REQUEST_HEADERS):
        raise Inexpressible(f"The header {edit['name']} is not set by routes.")
    return edit


def _header(words: tuple[str, ...]) -> dict[str, str]:
    try:
        edit = {"action": EDITS[words[0]], "name": name(words[1])}
    except (Unprintable, IndexError) as error:
        raise Inexpressible("This is not the name of a header.") from error
    rest = words[2:]
    if words[0] == "del-header":
        if rest and rest != ("-m", "str"):
            raise Inexpressible("Headers are taken away by their name.")
        return edit
    if len(rest) != 1 or not rest[0]:
        raise Inexpressible("A header has one value; write quotes around its spaces.")
    return {**edit, "value": fixed(rest[0])}


def _rewrite(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if len(words) != 3:
        raise Inexpressible("A path is rewritten by an expression and what comes in its place.")
    try:
        check(words[1])
        by = fixed(words[2])
        replacement(by)
    except BadRegex as error:
        raise NoRegex(str(error)) from error
    except Unprintable as error:
        raise Inexpressible("What comes in its place is a path, in which \\1 to \\9 may stand.") from error
    return (("regex", words[1]), ("replacement", by))


def _denied(words: tuple[str, ...], usual: int) -> Respond:
    rest = list(words)
    if rest and rest[0] == "deny_status":
        rest[:1] = ["status"]
    if not rest or (len(rest) == 2 and rest[0] == "status"):
        status = whole(rest[1], least=200, most=599, what="A status") if rest else usual
        return Respond(status, "text/plain", DENIED.get(status, DENIED[403]))
    return _returned(("status", str(usual), *rest) if "status" not in rest else tuple(rest))


def _returned(words: tuple[str, ...]) -> Respond:
    said = {"status": "200", "content-type": "text/plain", "string": ""}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        key = "string" if word == "lf-string" else word
        if key not in said or not rest:
            raise Inexpressible(f"An answer has a status, a content type and a text; “{word[:40]}” cannot be carried.")
        value = rest.pop(0)
        said[key] = fixed(value) if word == "lf-string" else value
    status = whole(said["status"], least=200, most=599, what="A status")
    try:
        content_type(said["content-type"])
        body(said["string"])
    except Unprintable as error:
        raise Inexpressible(f"This answer cannot be carried: {error}.") from error
    return Respond(status, said["content-type"], said["string"])


def redirect(words: tuple[str, ...]) -> Redirect:
    """`words` after `redirect`. What stands in the place of the host is looked at for each site."""
    if len(words) < 2 or words[0] not in ("location", "prefix", "scheme"):
        raise Inexpressible("A redirect has a location, a prefix or a scheme.")
    code, rest = 302, list(words[2:])
    while rest:
        word = rest.pop(0)
        if word == "code" and rest and rest[0].isdecimal() and int(rest[0]) in REDIRECTS:
            code = int(rest.pop(0))
        elif word != "ignore-empty":
            raise Inexpressible(f"A redirect cannot say {word[:40]}.")
    if words[0] == "scheme" and words[1] not in ("https", "http"):
        raise Inexpressible("A scheme is http or https.")
    return Redirect(words[0], words[1], code)


def checked_url(text: str) -> str:
    try:
        return url(text)
    except Unprintable as error:
        raise Inexpressible("It leads to an address that begins with https://, http:// or /.") from error
