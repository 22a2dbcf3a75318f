"""From claims and rules to who, and as what."""

from typing import Any

import pytest

from tenants.oidc import claims
from tenants.oidc.claims import Rules, Who
from tenants.roles import Role

ID = {"iss": "https://id.example", "sub": "s1"}


def who(**given: Any) -> Who:
    return Who("https://id.example", "s1", **given)


def test_the_address_and_its_proof_are_of_one_source() -> None:
    """An ID token's `email_verified` must not vouch for what userinfo calls the address, nor the other way."""
    found = claims.who(
        {**ID, "email": "a@x.test", "email_verified": True}, {"email": "Boss@X.test"}, group_claim="groups"
    )
    assert (found.email, found.email_verified) == ("boss@x.test", False)
    found = claims.who({**ID, "email": "a@x.test"}, {"email_verified": True}, group_claim="groups")
    assert (found.email, found.email_verified) == ("a@x.test", False)


@pytest.mark.parametrize("stated", ["true", 1, None, "yes"])
def test_only_true_is_verified(stated: object) -> None:
    found = claims.who({**ID, "email": "a@x.test", "email_verified": stated}, None, group_claim="groups")
    assert not found.email_verified


@pytest.mark.parametrize("stated", [7, "nobody", "a@b\nc", "@", "x" * 300 + "@x.test", ["a@x.test"]])
def test_what_is_no_address_is_none(stated: object) -> None:
    found = claims.who({**ID, "email": stated, "email_verified": True}, None, group_claim="groups")
    assert (found.email, found.email_verified) == ("", False)


def test_groups_by_name_or_by_path() -> None:
    assert claims.groups({"groups": ["a", 7, "b"]}, "groups") == ("a", "b")
    assert claims.groups({"groups": "a"}, "groups") == ("a",)
    assert claims.groups({"realm_access": {"roles": ["a"]}}, "realm_access.roles") == ("a",)
    assert claims.groups({"https://x/groups": ["a"]}, "https://x/groups") == ("a",)
    assert claims.groups({"groups": {"a": 1}}, "groups") is None
    assert claims.groups({}, "groups") is None


@pytest.mark.parametrize("name", ["admin", "owner", "Owner", "administrators", "owners"])
def test_a_groups_name_gives_nothing_by_itself(name: str) -> None:
    assert claims.mapped_role(who(groups=(name,)), Rules()) is None
    assert claims.mapped_role(who(groups=(name,)), Rules(group_roles={name.swapcase(): Role.OWNER})) is None


def test_the_widest_of_several_counts() -> None:
    rules = Rules(group_roles={"ops": Role.OPERATOR, "all": Role.VIEWER, "money": Role.BILLING})
    assert claims.mapped_role(who(groups=("all", "money", "ops")), rules) is Role.OPERATOR
    assert claims.mapped_role(who(groups=("money", "all")), rules) is Role.BILLING


def test_owner_only_where_an_owner_saved_the_map() -> None:
    mapped = {"top": Role.OWNER, "top2": Role.ADMIN}
    assert claims.mapped_role(who(groups=("top", "top2")), Rules(group_roles=mapped)) is Role.ADMIN
    assert claims.mapped_role(who(groups=("top",)), Rules(group_roles=mapped)) is None
    assert claims.mapped_role(who(groups=("top",)), Rules(group_roles=mapped, owner_vouches=True)) is Role.OWNER


def next_role(now: Role, *groups: str, before: Role | None = None, **rules: Any) -> Role:
    ruled = Rules(**rules)
    person = who(groups=groups)
    return claims.next_role(now, mapped=claims.mapped_role(person, ruled), before=before, of=person, rules=ruled)


def test_the_map_moves_a_member_both_ways() -> None:
    mapped = {"ops": Role.OPERATOR, "adm": Role.ADMIN}
    assert next_role(Role.VIEWER, "adm", group_roles=mapped) is Role.ADMIN
    assert next_role(Role.ADMIN, "ops", before=Role.ADMIN, group_roles=mapped) is Role.OPERATOR


def test_the_map_takes_only_what_it_gave() -> None:
    mapped = {"adm": Role.ADMIN}
    assert next_role(Role.ADMIN, before=Role.ADMIN, group_roles=mapped) is Role.VIEWER
    assert next_role(Role.OPERATOR, before=None, group_roles=mapped) is Role.OPERATOR
    assert next_role(Role.OPERATOR, before=Role.ADMIN, group_roles=mapped) is Role.OPERATOR


def test_a_provider_that_says_nothing_of_groups_changes_nothing() -> None:
    rules = Rules(group_roles={"adm": Role.ADMIN})
    assert claims.next_role(Role.ADMIN, mapped=None, before=Role.ADMIN, of=who(groups=None), rules=rules) is Role.ADMIN


def test_an_owner_changes_only_where_owners_come_from_the_map() -> None:
    assert next_role(Role.OWNER, "all", group_roles={"all": Role.VIEWER}) is Role.OWNER
    mapped = {"all": Role.VIEWER, "top": Role.OWNER}
    assert next_role(Role.OWNER, "all", group_roles=mapped, owner_vouches=True) is Role.VIEWER


def test_a_domain_counts_only_verified_and_whole() -> None:
    rules = Rules(allowed_domains=("Example.com",))
    assert claims.in_domain(who(email="a@example.com", email_verified=True), rules)
    assert not claims.in_domain(who(email="a@example.com"), rules)
    for other in ("a@sub.example.com", "a@notexample.com", "a@example.com.evil.test", "example.com@evil.test", ""):
        assert not claims.in_domain(who(email=other, email_verified=True), rules)
    assert claims.in_domain(who(), Rules())
