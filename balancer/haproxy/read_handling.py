"""JSON to what is done with a route's requests."""

from collections.abc import Callable

from .codec_fields import BadState, Fields
from .read_parts import many, optional, page_of, text_or_none
from .regex import parse as parse_regex
from .routing import (
    CACHE_OBJECT_MAX,
    CACHE_OBJECT_MIN,
    CACHE_TTL_MAX_S,
    FORBIDDEN_REQUEST_HEADERS,
    FORBIDDEN_RESPONSE_HEADERS,
    MANY_HEADERS,
    MANY_LISTED,
    Cache,
    Cors,
    Edit,
    Handling,
    HeaderEdit,
    Maintenance,
    Rewrite,
    forbidden,
)
from .text import (
    Unprintable,
    content_type,
    host,
    http_method,
    log_format,
    name,
    path_prefix,
    quoted,
    regex,
    replacement,
)

DAY_MS, DAY_S = 86_400_000, 86_400
BODY_LIMIT_MAX = 1 << 40
MARK_MAX = 1 << 52


def read_handling(value: object, at: str) -> Handling:
    fields, usual = Fields(value, at), Handling()
    handling = Handling(
        rewrite=optional(fields, "rewrite", _rewrite, usual.rewrite),
        request_headers=many(fields, "request_headers", _header(FORBIDDEN_REQUEST_HEADERS), MANY_HEADERS),
        response_headers=many(fields, "response_headers", _header(FORBIDDEN_RESPONSE_HEADERS), MANY_HEADERS),
        cors=optional(fields, "cors", _cors, None),
        timeout_ms=fields.whole("timeout_ms", 1, DAY_MS) if fields.has("timeout_ms") else None,
        max_body=fields.whole("max_body", 0, BODY_LIMIT_MAX) if fields.has("max_body") else None,
        compression=fields.yes_or_no("compression") if fields.has("compression") else False,
        maintenance=optional(fields, "maintenance", _maintenance, None),
        cache=optional(fields, "cache", _cache, None),
    )
    fields.done()
    return handling


def _rewrite(value: object, at: str) -> Rewrite:
    fields = Fields(value, at)
    rewrite = Rewrite(
        prefix=text_or_none(fields, "prefix", _new_prefix),
        regex=text_or_none(fields, "regex", regex),
        replacement=text_or_none(fields, "replacement", replacement),
        host=text_or_none(fields, "host", host),
    )
    if bool(rewrite.regex) is not bool(rewrite.replacement):
        raise BadState(fields.where("replacement"), "a regex and what comes in its place belong together")
    if rewrite.regex and unknown_group(rewrite.regex, rewrite.replacement):
        raise BadState(fields.where("replacement"), "names a group that the regex does not have")
    fields.done()
    return rewrite


def _new_prefix(value: str) -> str:
    """A path, in which nothing stands for a group."""
    if "\\" in value:
        raise Unprintable("a path has no backslash")
    replacement(value)
    return path_prefix(value)


def unknown_group(pattern: str, by: str) -> bool:
    named = [int(after[0]) for after in by.split("\\")[1:] if after]
    return max(named, default=0) > parse_regex(pattern).groups


def _header(refused: frozenset[str]) -> Callable[[object, str], HeaderEdit]:
    def read(value: object, at: str) -> HeaderEdit:
        fields = Fields(value, at)
        action = fields.choice("action", Edit)
        key = fields.checked("name", fields.text("name"), name)
        if forbidden(key, refused):
            raise BadState(fields.where("name"), "a header that is not the tenant's")
        text = fields.text("value")
        fields.checked("value", text, log_format)
        if not text and action is not Edit.REMOVE:
            raise BadState(fields.where("value"), "nothing to set")
        fields.done()
        return HeaderEdit(action, key, text)

    return read


def _cors(value: object, at: str) -> Cors:
    fields = Fields(value, at)
    cors = Cors(
        origins=_texts(fields, "origins", quoted),
        methods=_texts(fields, "methods", http_method),
        headers=_texts(fields, "headers", name),
        exposed=_texts(fields, "exposed", name),
        credentials=fields.yes_or_no("credentials"),
        max_age_s=fields.whole("max_age_s", 0, DAY_S),
    )
    if not cors.origins or not cors.methods or ("*" in cors.origins and (len(cors.origins) > 1 or cors.credentials)):
        raise BadState(fields.where("origins"), "no origins, no methods, or everybody with credentials")
    fields.done()
    return cors


def _texts(fields: Fields, field: str, check: Callable[[str], str]) -> tuple[str, ...]:
    def read(value: object, at: str) -> str:
        if not isinstance(value, str) or not value:
            raise BadState(at, "not text")
        fields.checked(field, value, check)
        return value

    return many(fields, field, read, MANY_LISTED)


def _maintenance(value: object, at: str) -> Maintenance:
    fields = Fields(value, at)
    page = Maintenance(
        page_of(fields),
        fields.checked("content_type", fields.text("content_type"), content_type),
        fields.whole("retry_after_s", 0, DAY_S),
    )
    if not page.body:
        raise BadState(fields.where("body"), "an empty page")
    fields.done()
    return page


def _cache(value: object, at: str) -> Cache:
    fields = Fields(value, at)
    cache = Cache(
        fields.whole("ttl_s", 1, CACHE_TTL_MAX_S),
        fields.whole("max_object", CACHE_OBJECT_MIN, CACHE_OBJECT_MAX),
        fields.yes_or_no("cookies"),
        fields.whole("purged", 0, MARK_MAX) if fields.has("purged") else 0,
    )
    fields.done()
    return cache
