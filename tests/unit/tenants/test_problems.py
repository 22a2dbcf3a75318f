"""DRF's nested errors as JSON pointers."""

import pytest
from rest_framework.exceptions import ErrorDetail

from tenants.restkit.errors import flatten
from tenants.restkit.parsers import unprintable


@pytest.mark.parametrize(
    ("detail", "pointers"),
    [
        ({"name": ["required"]}, ["/name"]),
        ({"name": ["too long", "odd"]}, ["/name", "/name"]),
        ({"health_check": {"rise": ["too small"]}}, ["/health_check/rise"]),
        ({"backends": [{}, {"address": ["odd"]}]}, ["/backends/1/address"]),
        ({"tags": {2: ["odd"]}}, ["/tags/2"]),
        ({"non_field_errors": ["both or none"]}, [""]),
        ({"inner": {"non_field_errors": ["both or none"]}}, ["/inner"]),
        ({"a/b~c": ["odd"]}, ["/a~1b~0c"]),
        (["odd"], [""]),
    ],
)
def test_each_error_points_into_what_was_sent(detail: object, pointers: list[str]) -> None:
    assert [error.pointer for error in flatten(detail)] == pointers


def test_code_and_words_are_kept() -> None:
    (error,) = flatten({"name": [ErrorDetail("Write one.", "required")]})
    assert (error.code, error.detail) == ("required", "Write one.")


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({"a": "fine\n\ttoo", "b": ["é", "日本", "שלום", "🦊"]}, []),
        ({"a": "\x00"}, ["/a"]),
        ({"a": {"b": ["ok", "\x1b[0m"]}}, ["/a/b/1"]),
        ({"a": "\ud800"}, ["/a"]),
        ({"a": "\x85"}, ["/a"]),
        ({"bad\x07name": 1}, [""]),
    ],
)
def test_what_is_not_printable_is_found_where_it_is(data: object, pointers: list[str]) -> None:
    assert list(unprintable(data)) == pointers
