"""The one table, and what a key may be given."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tenants.roles import ALLOWED, STAFF, Role, Verb, narrower, rights, who_may
from tenants.services.tenancy import slugs


def test_the_narrower_of_two_roles_holds_no_more_than_either() -> None:
    for first, second in itertools.product(Role, Role):
        both = ALLOWED[first] & ALLOWED[second]
        assert ALLOWED[narrower(first, second)] <= both
        assert ALLOWED[narrower(first, second)] == ALLOWED[narrower(second, first)]


def test_without_a_role_only_staff_may_anything() -> None:
    assert rights(None, is_staff=False) == frozenset()
    assert rights(None, is_staff=True) == STAFF
    assert rights(Role.VIEWER, is_staff=True) == ALLOWED[Role.VIEWER]


def test_a_refusal_can_name_who_may() -> None:
    assert who_may(Verb.DEPLOY) == [Role.OWNER, Role.ADMIN, Role.OPERATOR]
    assert all(Role.OWNER in who_may(verb) for verb in Verb)


@given(st.text(max_size=80))
def test_any_name_gives_slugs_that_fit_a_url_and_a_host(name: str) -> None:
    for slug in slugs.candidates(name):
        assert slugs.valid(slug)
        assert len(slug) <= slugs.MOST
