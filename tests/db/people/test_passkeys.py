"""What a passkey must be to let somebody in. (A real browser's are in tests/live/people.)"""

from typing import Any

import pytest
from django.test import Client

from tenants.models import Passkey, User
from tests import build
from tests.conftest import World
from tests.db.people.conftest import Post, with_app
from tests.db.people.device import Device

pytestmark = pytest.mark.django_db


def post_json(browser: Client, path: str, body: Any = None) -> Any:
    return browser.post(path, body or {}, content_type="application/json")


@pytest.fixture
def device(person: User, client: Client, post: Post) -> Device:
    """Registered for `person`."""
    made = Device()
    client.force_login(person)
    options = post_json(client, "/security/passkeys/options").json()
    added = post_json(client, "/security/passkeys?name=key", made.create(options))
    assert (added.status_code, added.json()) == (200, {"next": "/security/codes"}), added.content
    return made


def alone(device: Device, handle: bytes | None, *, browser: Client | None = None) -> Any:
    browser = browser or Client()
    options = post_json(browser, "/passkey/options").json()
    return post_json(browser, "/passkey?next=/profile", device.get(options, handle=handle))


def test_f1_a_verified_passkey_signs_in_alone(world: World, person: User, device: Device) -> None:
    browser = Client()
    assert alone(device, person.pk.bytes, browser=browser).json() == {"next": "/profile"}
    assert browser.get("/profile").status_code == 200
    assert Passkey.objects.get().sign_count == 1


def test_f1_nobody_is_let_in_by_touch_alone(world: World, person: User, device: Device) -> None:
    device.verifies = False
    assert alone(device, person.pk.bytes).status_code == 422


@pytest.mark.parametrize(
    "change",
    [{"origin": "https://evil.test"}, {"domain": "evil.test"}, {"key": Device().key}, {"credential_id": b"x" * 32}],
    ids=lambda change: next(iter(change)),
)
def test_f1_what_was_signed_elsewhere_or_by_another_is_refused(
    world: World, person: User, device: Device, change: dict[str, Any]
) -> None:
    for name, value in change.items():
        setattr(device, name, value)
    refused = alone(device, person.pk.bytes)
    assert (refused.status_code, list(refused.json())) == (422, ["detail"])


def test_f1_a_handle_must_name_its_holder(world: World, person: User, device: Device) -> None:
    assert alone(device, world.owner.pk.bytes).status_code == 422
    assert alone(device, None).status_code == 422


def test_f1_an_answer_is_good_once(world: World, person: User, device: Device) -> None:
    browser = Client()
    answer = device.get(post_json(browser, "/passkey/options").json(), handle=person.pk.bytes)
    assert post_json(browser, "/passkey", answer).status_code == 200
    assert post_json(browser, "/passkey", answer).status_code == 422
    assert post_json(Client(), "/passkey", answer).status_code == 422


def test_f1_a_challenge_is_of_one_session(world: World, person: User, device: Device) -> None:
    here, there = Client(), Client()
    asked = post_json(here, "/passkey/options").json()
    post_json(there, "/passkey/options")
    answer = device.get(asked, handle=person.pk.bytes)
    assert post_json(there, "/passkey", answer).status_code == 422
    assert post_json(here, "/passkey", answer).status_code == 200, "and is not used up by it"


def test_f1_one_passkey_is_of_one_person(world: World, person: User, device: Device) -> None:
    """Nor is what was signed to register one good to sign in."""
    other = Client()
    other.force_login(world.viewer)
    options = post_json(other, "/security/passkeys/options").json()
    taken = post_json(other, "/security/passkeys?name=key", device.create(options))
    assert taken.status_code == 422, taken.content
    assert Passkey.objects.get().user_id == person.pk
    options = post_json(other, "/security/passkeys/options").json()
    assert post_json(other, "/passkey", device.create(options)).status_code == 422


def test_f1_a_copied_device_is_noticed_by_its_count(world: World, person: User, device: Device) -> None:
    device.count = 5
    assert alone(device, person.pk.bytes).status_code == 200
    device.count = 2
    assert alone(device, person.pk.bytes).status_code == 422


def test_f1_the_second_step_takes_only_ones_own(world: World, person: User, device: Device) -> None:
    other = build.member(world.ours, password=build.PASSWORD)
    with_app(other)
    browser = Client()
    browser.post("/login", {"email": other.email, "password": build.PASSWORD})
    assert alone(device, person.pk.bytes, browser=browser).status_code == 422
    browser.post("/login", {"email": person.email, "password": build.PASSWORD})
    device.verifies = False  # after the password a touch will do
    assert alone(device, None, browser=browser).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"response": 1}', b'{"id": 1, "response": {}}', b"\xff"])
def test_f1_nonsense_is_refused(world: World, person: User, device: Device, body: bytes) -> None:
    browser = Client()
    post_json(browser, "/passkey/options")
    answer = browser.post("/passkey", body, content_type="application/json")
    assert answer.status_code == 422, answer.content


def test_codes_of_a_first_passkey_are_shown_once(world: World, client: Client, device: Device) -> None:
    assert client.get("/security/codes").content.decode().count("-") > 30
    assert client.get("/security/codes").status_code == 302
