"""Which key signs a token, and which are still believed."""

from typing import Any

from tenants import keyring

OLD, NEW = "old-" * 12, "new-" * 12


def test_a_key_that_was_rotated_is_still_found_by_its_id(settings: Any) -> None:
    settings.JWT_KEY, settings.JWT_OLD_KEYS = OLD, []
    kid, key = keyring.current()
    assert (key, keyring.by_id(kid)) == (OLD, OLD)
    settings.JWT_KEY, settings.JWT_OLD_KEYS = NEW, [OLD]
    assert keyring.by_id(kid) == OLD
    assert keyring.current()[1] == NEW
    assert keyring.current()[0] != kid
    settings.JWT_OLD_KEYS = []
    assert keyring.by_id(kid) is None


def test_an_id_tells_nothing_of_the_key_and_what_is_none_finds_nothing(settings: Any) -> None:
    settings.JWT_KEY, settings.JWT_OLD_KEYS = NEW, [OLD]
    kid, _ = keyring.current()
    assert kid not in NEW
    for wrong in (None, "", NEW, OLD, 7, ["x"], kid.upper(), "../../etc/passwd"):
        assert keyring.by_id(wrong) is None
