"""The desired state survives JSON, and what is wrong is refused by name."""

import copy
import json
from dataclasses import astuple, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.codec import BadState, digest, digest_of, from_json, text, to_json
from balancer.haproxy.codec_read import SERVER, quick_server, strict_server
from balancer.haproxy.desired import Pool, Server, Tenant
from balancer.haproxy.protection import ClientRules, SecurityHeaders

from .build import rich, tenants


@given(tenants())
def test_a_state_comes_back_as_it_was(state: Tenant) -> None:
    again = from_json(json.loads(json.dumps(to_json(state))))
    assert again == state
    assert digest(again) == digest(state)


def as_json_says(state: Tenant) -> str:
    """What the text was before it was made at once, and what the digests of kept states are of."""
    return json.dumps(to_json(state), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@given(tenants())
def test_the_text_is_to_the_letter_what_json_says(state: Tenant) -> None:
    assert text(state) == as_json_says(state)
    assert digest(state) == digest_of(as_json_says(state))


def test_the_text_of_everything_that_can_be_said() -> None:
    state = rich()
    odd = replace(
        state.pools[0].servers[0], key="b1", address="", name='ünïcödé\\"\n\x7f', backup=True, max_connections=0
    )
    for one in (state, replace(state, pools=(replace(state.pools[0], servers=(odd,)), *state.pools[1:])), Tenant("ta")):
        assert text(one) == as_json_says(one)


SAID: st.SearchStrategy[Any] = st.sampled_from([
    None, True, False, 0, 1, -1, 7, 256, 257, 65535, 65536, 10**10, 1.0, "", "b1", "B1", "b1\n", "b1\u0661", [], {},
    "ready", "drain", "up", "10.0.0.1", "10.0.0.01", "10.0.0.256", "10.0.0", "10.0.0.1\n", "10.0.0.\u0661", "::1",
    "fe80::1%a", "a.test",
])  # fmt: skip
USUAL = to_json(Tenant("ta", (Pool("p1", servers=(Server("b1", "10.0.0.1", 80),)),)))["pools"][0]["servers"][0]


@given(
    st.dictionaries(st.sampled_from([*SERVER, "name", "more"]), SAID, max_size=3),
    st.sets(st.sampled_from(SERVER), max_size=1),
)
def test_what_is_read_quickly_is_what_is_read_strictly(said: dict[str, Any], unsaid: set[str]) -> None:
    value = {name: one for name, one in {**USUAL, **said}.items() if name not in unsaid}
    found = quick_server(value)
    if found is not None:
        assert found == strict_server(value, "")
        assert [type(one) for one in astuple(found)] == [type(one) for one in astuple(strict_server(value, ""))]


def test_the_usual_server_is_read_quickly() -> None:
    assert quick_server(USUAL) == Server("b1", "10.0.0.1", 80)
    assert quick_server([USUAL]) is None


def test_everything_that_can_be_said_comes_back() -> None:
    assert from_json(json.loads(json.dumps(to_json(rich())))) == rich()


def test_the_digest_is_of_the_state_and_stays_the_same() -> None:
    # Nodes and console of different releases compare it: a change here is a redeployment of everything.
    assert digest(Tenant("ta")) == "eb0d14f082ab0915e4a2d50809deb6ce"
    assert digest(Tenant("ta")) != digest(Tenant("ta", rps=1))


def test_a_state_from_before_there_were_bursts_is_read() -> None:
    old = to_json(Tenant("ta", rps=7, burst=14))
    del old["burst"]
    assert from_json(old) == Tenant("ta", rps=7)
    assert "burst" not in to_json(from_json(old))  # and older nodes read what has none


def test_a_state_from_before_there_were_rules_for_clients_is_read() -> None:
    old = to_json(rich())
    del old["clients"], old["headers"]
    assert from_json(old) == replace(rich(), clients=ClientRules(), headers=SecurityHeaders())
    assert not {"clients", "headers"} & set(to_json(from_json(old)))


def test_more_networks_than_anybody_may_have_are_refused() -> None:
    state = to_json(rich())
    state["clients"]["allowed"] = [f"10.{n // 256}.{n % 256}.0/24" for n in range(1001)]
    with pytest.raises(BadState, match=r"^clients\.allowed: more than 1000"):
        from_json(state)


WRONG: list[tuple[str, Any]] = [
    ("key", "T;1"),
    ("rps", -1),
    ("rps", True),
    ("rps", "5"),
    ("suspended", 1),
    ("burst", -1),
    ("burst", True),
    ("pools", {}),
    ("pools[0].key", "p 1"),
    ("pools[0].algorithm", "adaptive"),
    ("pools[0].algorithm", None),
    ("pools[0].retries", -1),
    ("pools[0].timeouts.connect_ms", 0),
    ("pools[0].servers[0].address", "example.com"),
    ("pools[0].servers[0].address", "unix@/run/docker.sock"),
    ("pools[0].servers[0].address", "fe80::1%eth0"),
    ("pools[0].servers[0].port", 0),
    ("pools[0].servers[0].port", 70000),
    ("pools[0].servers[0].weight", 257),
    ("pools[0].servers[0].admin", "gone"),
    ("pools[0].servers[0].backup", "yes"),
    ("pools[0].servers[0].max_connections", 0),
    ("pools[0].servers[0].check_port", 65536),
    ("pools[0].health_check.type", "ssh"),
    ("pools[0].health_check.method", "get"),
    ("pools[0].health_check.path", "up"),
    ("pools[0].health_check.host", "a\nb"),
    ("pools[0].health_check.expected_status", "2xx"),
    ("pools[0].health_check.headers[0]", ["X"]),
    ("pools[0].health_check.rise", 0),
    ("routes[0].host", "A.test"),
    ("routes[0].path_prefix", "api"),
    ("routes[0].pool", "p9"),
    ("clients.rps", -1),
    ("clients.burst", "5"),
    ("clients.status", 200),
    ("clients.status", 404),
    ("clients.allowed[0]", "10.0.0.1/8"),
    ("clients.allowed[0]", "0.0.0.0/0"),
    ("clients.allowed[0]", "10.0.0.0/8\n10.1.0.0/16"),
    ("clients.proxies[0]", "::/0"),
    ("clients.proxies[0]", 1),
    ("headers.hsts", "max-age=1"),
    ("headers.content_type_options", True),
    ("headers.frame_options", "DENY\nX: 1"),
    ("headers.referrer_policy", ""),
    ("headers.permissions_policy", None),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_is_wrong_is_refused_by_the_name_of_its_field(field: str, value: Any) -> None:
    state = to_json(rich())
    _put(state, field, value)
    with pytest.raises(BadState) as refusal:
        from_json(state)
    assert refusal.value.field == field


@pytest.mark.parametrize("field", ["rps", "pools[0].servers[1].port", "routes[0].host", "pools[0].timeouts.queue_ms"])
def test_a_missing_field_is_named(field: str) -> None:
    state = to_json(rich())
    *_, (holder, last) = _walk(state, field)
    del holder[last]
    with pytest.raises(BadState, match="missing") as refusal:
        from_json(state)
    assert refusal.value.field == field


@pytest.mark.parametrize("field", ["colour", "pools[0].colour", "pools[0].servers[0].colour", "routes[1].colour"])
def test_an_unknown_field_is_named(field: str) -> None:
    state = to_json(rich())
    _put(state, field, "red")
    with pytest.raises(BadState, match="unknown field") as refusal:
        from_json(state)
    assert refusal.value.field == field


def test_a_key_is_used_once() -> None:
    state = to_json(rich())
    state["pools"][0]["servers"].append(copy.deepcopy(state["pools"][0]["servers"][0]))
    with pytest.raises(BadState) as refusal:
        from_json(state)
    assert refusal.value.field == "pools[0].servers[3].key"


def test_a_header_is_refused_by_its_place() -> None:
    state = to_json(rich())
    state["pools"][0]["health_check"]["headers"] = [["X-Ok", "fine"], ["X-Bad", "a\r\nInjected: 1"]]
    with pytest.raises(BadState) as refusal:
        from_json(state)
    assert refusal.value.field == "pools[0].health_check.headers[1].value"


@pytest.mark.parametrize("junk", [None, [], "state", 1, {}])
def test_what_is_no_state_is_refused(junk: Any) -> None:
    with pytest.raises(BadState):
        from_json(junk)


def _walk(state: Any, field: str) -> list[tuple[Any, Any]]:
    steps: list[tuple[Any, Any]] = []
    here = state
    for part in field.replace("]", "").replace("[", ".").split("."):
        at: Any = int(part) if part.isdigit() else part
        steps.append((here, at))
        here = here[at] if isinstance(here, list) or at in here else None
    return steps


def _put(state: Any, field: str, value: Any) -> None:
    holder, last = _walk(state, field)[-1]
    holder[last] = value
