"""What a version string says that HAProxy can do."""

import pytest

from balancer.haproxy.capabilities import UnknownVersion, parse_version


def test_debians_version_is_not_upstreams() -> None:
    debian, upstream = parse_version("2.6.12-1+deb12u4"), parse_version("2.6.12")
    assert debian.version == upstream.version == (2, 6, 12)
    assert debian.stale_patches
    assert not upstream.stale_patches
    assert not parse_version("3.0.11-1+deb13u1").stale_patches


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("HAProxy version 3.0.5-8e879a5 2024/09/19 - https://haproxy.org/", (3, 0, 5)),
        ("3.2-dev4", (3, 2, 0)),
        ("2.8.5-1ubuntu3.2", (2, 8, 5)),
    ],
)
def test_a_version_is_found_in_what_haproxy_says(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text).version == version


def test_each_ability_begins_with_its_version() -> None:
    begins = {
        "reload_answers": "2.7.0",
        "fast_map": "2.9.0",
        "wait_removable": "3.0.0",
        "optional_maps": "3.0.0",
        "worker_parses": "3.1.0",
        "initial_state": "3.1.0",
        "idle_blocks_removal": "3.3.0",
    }
    for ability, first in begins.items():
        assert getattr(parse_version(first), ability), ability
        assert not getattr(parse_version("2.6.99"), ability), ability


def test_what_is_older_than_the_floor_is_too_old() -> None:
    assert parse_version("2.4.22").too_old
    assert not parse_version("2.6.0").too_old


def test_no_version_is_an_error() -> None:
    with pytest.raises(UnknownVersion):
        parse_version("nginx")
