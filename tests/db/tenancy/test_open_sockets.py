"""What a change of membership or tenant says of sockets that are open: the rule of the watch, which asks every two
seconds."""

import pytest
from django.utils import timezone

from balancer.live.passes import Pass
from balancer.live.watch import CHANGED, NOT_YOURS, withdrawn
from tenants.actor import SYSTEM
from tenants.models import Membership, User
from tenants.roles import Role
from tenants.services.tenancy import members, tenant_life
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


def opened(world: World, person: User, role: Role | None, key_id: str | None = None) -> Pass:
    return Pass(str(person.pk), world.ours.pk, "", staff=person.is_staff and role is None, role=role, key_id=key_id)


def codes(*passes: Pass) -> list[int | None]:
    found = withdrawn(passes, now=timezone.now())
    return [found.get(pass_) for pass_ in passes]


def test_f10_a_role_that_changed_closes_a_socket_so_that_it_is_judged_anew(world: World) -> None:
    person = build.member(world.ours, Role.OPERATOR)
    key, _ = build.key(world.ours, person, Role.VIEWER)
    mine = opened(world, person, Role.OPERATOR)
    by_key, viewer = opened(world, person, Role.VIEWER, key_id=key.pk), opened(world, world.viewer, Role.VIEWER)
    assert codes(mine, by_key, viewer) == [None, None, None]
    place = Membership.objects.get(user=person)
    members.change_role(place, Role.ADMIN, by=build.actor(), now=timezone.now())
    assert codes(mine, by_key, viewer) == [CHANGED, None, None]  # the key is what it was
    members.suspend(place, by=build.actor(), now=timezone.now())
    assert codes(mine, by_key, viewer) == [NOT_YOURS, NOT_YOURS, None]


def test_g2_a_removed_members_sockets_close(world: World) -> None:
    mine = opened(world, world.viewer, Role.VIEWER)
    members.remove(Membership.objects.get(user=world.viewer), by=build.actor(), now=timezone.now())
    assert codes(mine) == [NOT_YOURS]


def test_g1_a_deleted_tenants_sockets_close_for_all_but_its_owners(world: World) -> None:
    passes = opened(world, world.owner, Role.OWNER), opened(world, world.viewer, Role.VIEWER)
    tenant_life.suspend(world.ours, reason="x", by=SYSTEM, now=timezone.now())
    assert codes(*passes) == [None, None]
    tenant_life.delete(world.ours, by=SYSTEM, now=timezone.now())
    assert codes(*passes) == [None, NOT_YOURS]
    staff = opened(world, build.staff(), None)
    assert codes(staff) == [None]
