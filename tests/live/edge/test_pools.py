"""How pools choose, whom they keep, and what they do when nobody answers: on a real HAProxy, request by request."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from balancer.haproxy.desired import AdminState, Algorithm, CheckType, HealthCheck, Pool, Route, Server, Tenant
from balancer.haproxy.serving import RetryOn, Serving, Sticky, StickyType
from balancer.haproxy.show import parse_info, parse_stat
from tests.live.edge.nodes import FAST_CHECK, NO_CHECK, LiveNode, eventually, one_node, server
from tests.live.edge.origins import Origin, Origins

KEY = "c0ffee00" * 4
COOKIE = Serving(sticky=Sticky(StickyType.COOKIE, key=KEY))


@dataclass
class Bench:
    """One node for the module; each test a tenant of its own, so that nothing is started anew."""

    node: LiveNode
    origins: Origins
    count: int = 0

    def three(self) -> list[Origin]:
        self.count += 1
        return [self.origins.start(f"o{self.count}{letter}") for letter in "abc"]

    @property
    def key(self) -> str:
        return f"t{self.count:02d}"

    @property
    def host(self) -> str:
        return f"{self.key}.test"

    def state(self, origins: list[Origin], **values: Any) -> Tenant:
        values = {"health_check": NO_CHECK, **values}
        servers = tuple(server(f"b{number}", origin) for number, origin in enumerate(origins))
        return Tenant(self.key, (Pool("p1", **{"servers": servers, **values}),), (Route("r1", self.host, "/", "p1"),))

    def ask(self, path: str = "/", cookie: str = "", node: LiveNode | None = None, **headers: str) -> httpx.Response:
        port = (node or self.node).port
        sent = {"Host": self.host, **({"Cookie": cookie} if cookie else {}), **headers}
        return httpx.get(f"http://127.0.0.1:{port}{path}", headers=sent, timeout=5)

    def stat(self) -> list[dict[str, str]]:
        return [row for row in parse_stat(self.node.node.runtime.ask("show stat")) if row["pxname"] == f"{self.key}_p1"]

    def who(self, path: str = "/", cookie: str = "", node: LiveNode | None = None, **headers: str) -> str:
        answer = self.ask(path, cookie, node, **headers)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture(scope="module")
def bench(origins: Origins) -> Iterator[Bench]:
    with one_node() as live:
        yield Bench(live, origins)


def with_servers(state: Tenant, *servers: Server) -> Tenant:
    return with_pool(state, servers=servers)


def with_pool(state: Tenant, **values: Any) -> Tenant:
    return replace(state, pools=(replace(state.pools[0], **values), *state.pools[1:]))


HASHES = {
    Algorithm.URI_HASH: lambda bench, number: bench.who(f"/thing/{number}?q={number}"),
    Algorithm.HEADER_HASH: lambda bench, number: bench.who(**{"X-User": f"user-{number}"}),
}


@pytest.mark.parametrize("algorithm", HASHES)
def test_a2_the_same_question_goes_to_the_same_server_also_when_one_is_added(
    bench: Bench, algorithm: Algorithm
) -> None:
    origins = bench.three()
    serving = Serving(hash_header="X-User" if algorithm is Algorithm.HEADER_HASH else "")
    state = bench.state(origins[:2], algorithm=algorithm, serving=serving)
    bench.node.tell(state)
    pid = bench.node.worker_pid
    first = [HASHES[algorithm](bench, number) for number in range(100)]
    assert [HASHES[algorithm](bench, number) for number in range(100)] == first
    assert min(Counter(first).values()) > 20
    bench.node.tell(with_servers(state, *state.pools[0].servers, server("b2", origins[2])))
    second = [HASHES[algorithm](bench, number) for number in range(100)]
    # Whoever moves moves to the new one: nobody else's place changes.
    moved = {after for before, after in zip(first, second, strict=True) if before != after}
    assert moved == {origins[2].name}
    assert bench.node.worker_pid == pid


def test_a2_random_goes_by_weight_and_takes_servers_at_run_time(bench: Bench) -> None:
    origins = bench.three()
    state = bench.state(origins[:2], algorithm=Algorithm.RANDOM)
    one, two = state.pools[0].servers
    state = with_servers(state, replace(one, weight=150), replace(two, weight=50))
    bench.node.tell(state)
    pid = bench.node.worker_pid
    with httpx.Client() as client:
        url = f"http://127.0.0.1:{bench.node.port}/"
        seen = Counter(client.get(url, headers={"Host": bench.host}).text for _ in range(300))
    # Of two draws the less busy one: 150 of 200 weighs more than three quarters at rest. Nobody gets nothing.
    assert seen[origins[0].name] > 2 * seen[origins[1].name] > 0
    assert sum(seen.values()) == 300
    bench.node.tell(with_servers(state, server("b2", origins[2]), replace(one, weight=0), replace(two, weight=0)))
    assert Counter(bench.who() for _ in range(20)) == {origins[2].name: 20}
    assert bench.node.worker_pid == pid


def test_a2_first_fills_one_server_before_the_next(bench: Bench) -> None:
    origins = bench.three()
    state = bench.state(origins, algorithm=Algorithm.FIRST)
    one, two, three = state.pools[0].servers
    bench.node.tell(state)
    assert Counter(bench.who() for _ in range(30)) == {origins[0].name: 30}
    pid = bench.node.worker_pid
    bench.node.tell(with_servers(state, replace(one, admin=AdminState.DRAIN), two, three))
    assert Counter(bench.who() for _ in range(30)) == {origins[1].name: 30}
    assert bench.node.worker_pid == pid


def taken(answer: httpx.Response) -> str:
    return str(answer.headers.get("set-cookie", "")).partition(";")[0]


def test_a12_a_cookie_keeps_a_client_on_every_node_and_over_reloads(bench: Bench, node: LiveNode) -> None:
    """Rows A12, H3: fifty requests of one cookie to the same server, on two nodes; it says nothing of the server."""
    origins = bench.three()
    state = bench.state(origins, serving=COOKIE)
    bench.node.tell(state)
    node.tell(state)
    answer = bench.ask()
    whole, cookie = answer.headers["set-cookie"], taken(answer)
    assert whole.endswith("; path=/; HttpOnly; SameSite=Lax")
    name, _, value = cookie.partition("=")
    assert (name, len(value)) == (COOKIE.sticky.name, 16)
    assert not any(text in whole for text in ("127.0.0.1", str(origins[0].port), "b0", "b1", "b2", "p1", bench.key))
    here = {bench.who(cookie=cookie) for _ in range(25)} | {bench.who(cookie=cookie, node=node) for _ in range(25)}
    assert here == {answer.text}
    assert taken(bench.ask(cookie=cookie)) == ""  # nobody is told twice
    before = bench.node.worker_pid
    bench.node.tell(with_pool(state, retries=1))
    assert bench.node.worker_pid != before
    assert {bench.who(cookie=cookie) for _ in range(20)} == {answer.text}
    assert "Secure" not in whole


def test_a12_over_tls_the_cookie_is_secure(bench: Bench) -> None:
    origins = bench.three()
    bench.node.tell(bench.state(origins, serving=COOKIE))
    url = f"https://127.0.0.1:{bench.node.tls_port}/"
    answer = httpx.get(url, headers={"Host": bench.host}, verify=False)  # noqa: S501 - a node's own certificate
    assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")


def test_a12_who_loses_its_server_is_pinned_to_another_and_a_drained_one_keeps_its_own(bench: Bench) -> None:
    origins = bench.three()
    state = bench.state(origins, serving=COOKIE, health_check=FAST_CHECK)
    bench.node.tell(state)
    servers = list(state.pools[0].servers)
    answer = bench.ask()
    cookie = taken(answer)
    at = [origin.name for origin in origins].index(answer.text)
    servers[at] = replace(servers[at], admin=AdminState.DRAIN)
    bench.node.tell(with_servers(state, *servers))
    assert {bench.who(cookie=cookie) for _ in range(10)} == {answer.text}
    assert answer.text not in {bench.who() for _ in range(10)}
    bench.node.tell(state)
    origins[at].well = False
    eventually(lambda: bench.node.servers(f"{bench.key}_p1")[f"b{at}"][2] == "down")
    again = bench.ask(cookie=cookie)
    assert again.status_code == 200
    assert again.text != answer.text
    assert {bench.who(cookie=taken(again)) for _ in range(10)} == {again.text}


def test_a_server_in_a_pool_of_cookies_comes_with_a_reload_and_has_one(bench: Bench) -> None:
    """H3: added by command, 2.6 would give it an empty cookie and take everybody's away. 3.0 can."""
    origins = bench.three()
    state = bench.state(origins[:2], serving=COOKIE)
    bench.node.tell(state)
    cookies = {taken(bench.ask()) for _ in range(2)}
    pid = bench.node.worker_pid
    more = with_servers(state, *state.pools[0].servers, server("b2", origins[2]))
    report = bench.node.tell(more)
    assert (bench.node.worker_pid == pid) is bench.node.node.capabilities.cookie_at_run_time
    assert [one.outcome.value for one in report.tenants] == ["live"]
    kept = {cookie: bench.who(cookie=cookie) for cookie in cookies}
    assert sorted(kept.values()) == [origin.name for origin in origins[:2]]
    fresh = {taken(bench.ask()) for _ in range(3)}
    assert len(fresh) == 3
    assert cookies < fresh
    pid = bench.node.worker_pid
    bench.node.tell(with_servers(more, *more.pools[0].servers[:2]))
    assert bench.node.worker_pid == pid  # one less is a command


def test_an_applications_cookie_keeps_a_client(bench: Bench, node: LiveNode) -> None:
    origins = bench.three()
    for origin in origins:
        origin.headers = b"Set-Cookie: JSESSIONID=abc; Path=/\r\n"
    serving = Serving(sticky=Sticky(StickyType.APP_COOKIE, "JSESSIONID", key=KEY))
    state = bench.state(origins, serving=serving)
    bench.node.tell(state)
    node.tell(state)
    answer = bench.ask()
    cookie = taken(answer)
    assert cookie.endswith("~abc")
    assert {bench.who(cookie=cookie) for _ in range(10)} == {answer.text}
    assert {bench.who(cookie=cookie, node=node) for _ in range(10)} == {answer.text}
    at = [origin.name for origin in origins].index(answer.text)
    assert b"Cookie: JSESSIONID=abc\r\n" in origins[at].head.title().replace(b"Jsessionid=Abc", b"JSESSIONID=abc")


def test_an_address_keeps_its_server(bench: Bench) -> None:
    origins = bench.three()
    serving = Serving(sticky=Sticky(StickyType.SOURCE))
    state = bench.state(origins, serving=serving)
    bench.node.tell(state)
    first = bench.who()
    assert {bench.who() for _ in range(20)} == {first}
    pid = bench.node.worker_pid
    at = [origin.name for origin in origins].index(first)
    servers = list(state.pools[0].servers)
    servers[at] = replace(servers[at], admin=AdminState.DRAIN)
    bench.node.tell(with_servers(state, *servers))
    assert {bench.who() for _ in range(10)} == {first}
    servers[at] = replace(servers[at], admin=AdminState.MAINT)
    bench.node.tell(with_servers(state, *servers))
    second = bench.who()
    assert {bench.who() for _ in range(10)} == {second} != {first}
    assert bench.node.worker_pid == pid


def two_pools(bench: Bench, origins: list[Origin], **values: Any) -> Tenant:
    state = bench.state(origins[:1], health_check=FAST_CHECK)
    other = Pool("p2", servers=(server("b9", origins[1]),), health_check=NO_CHECK)
    last = Pool("p3", servers=(server("b8", origins[2]),), health_check=NO_CHECK)
    return replace(state, pools=(replace(state.pools[0], **values), other, last))


def test_b12_another_pool_takes_over_and_gives_back(bench: Bench) -> None:
    """Row B12; and which one is a map's entry."""
    origins = bench.three()
    state = two_pools(bench, origins)
    bench.node.tell(state)
    pid = bench.node.worker_pid
    led = with_pool(state, serving=Serving(fallback="p2"))
    bench.node.tell(led)
    assert Counter(bench.who() for _ in range(10)) == {origins[0].name: 10}
    origins[0].well = False
    eventually(lambda: bench.node.servers(f"{bench.key}_p1")["b0"][2] == "down")
    assert Counter(bench.who() for _ in range(10)) == {origins[1].name: 10}
    bench.node.tell(with_pool(state, serving=Serving(fallback="p3")))
    assert Counter(bench.who() for _ in range(10)) == {origins[2].name: 10}
    chain = replace(
        led, pools=(led.pools[0], replace(led.pools[1], servers=(), serving=Serving(fallback="p3")), led.pools[2])
    )
    bench.node.tell(chain)
    assert Counter(bench.who() for _ in range(10)) == {origins[2].name: 10}
    bench.node.tell(with_pool(state, serving=Serving()))
    assert bench.ask().status_code == 503
    bench.node.tell(led)
    origins[0].well = True
    eventually(lambda: bench.node.servers(f"{bench.key}_p1")["b0"][2] == "up")
    assert Counter(bench.who() for _ in range(10)) == {origins[0].name: 10}
    assert bench.node.worker_pid == pid


def test_b12_backups_answer_while_nobody_else_does(bench: Bench) -> None:
    origins = bench.three()
    state = bench.state(origins[:2])
    one, two = state.pools[0].servers
    bench.node.tell(with_servers(state, one, replace(two, backup=True)))
    assert Counter(bench.who() for _ in range(10)) == {origins[0].name: 10}
    bench.node.tell(with_servers(state, replace(one, admin=AdminState.MAINT), replace(two, backup=True)))
    assert Counter(bench.who() for _ in range(10)) == {origins[1].name: 10}


def test_a_bad_answer_is_asked_for_again_where_that_is_safe(bench: Bench) -> None:
    origins = bench.three()
    origins[0].status = b"503 Busy"
    state = bench.state(origins[:2], serving=Serving(retry_on=(RetryOn.UNAVAILABLE, RetryOn.EMPTY)))
    bench.node.tell(state)
    assert Counter(bench.who() for _ in range(10)) == {origins[1].name: 10}
    sent = [
        httpx.post(f"http://127.0.0.1:{bench.node.port}/", headers={"Host": bench.host}, content=b"x") for _ in "1234"
    ]
    assert Counter(one.status_code for one in sent) == {503: 2, 200: 2}  # never sent twice


def test_errors_of_real_requests_take_a_server_out(bench: Bench) -> None:
    origins = bench.three()
    check = replace(FAST_CHECK, interval_ms=60_000)
    state = bench.state(origins[:2], health_check=check, serving=Serving(error_limit=3))
    bench.node.tell(state)
    eventually(lambda: bench.ask().status_code == 200)
    origins[0].status = b"500 Ill"
    seen = Counter(bench.ask().status_code for _ in range(30))
    assert seen == {500: 3, 200: 27}


def test_a_pool_takes_so_many_at_once_and_lets_so_many_wait(bench: Bench) -> None:
    from concurrent.futures import ThreadPoolExecutor

    origins = bench.three()
    origins[0].delay_s = 0.5
    state = bench.state(origins[:1], serving=Serving(max_connections=3))
    bench.node.tell(state)
    with ThreadPoolExecutor(8) as crowd:
        seen = Counter(answer.status_code for answer in crowd.map(lambda _: bench.ask(), range(8)))
    assert seen == {200: 3, 503: 5}
    limited = replace(state.pools[0].servers[0], max_connections=1)
    bench.node.tell(with_pool(state, servers=(limited,), serving=Serving(max_queue=2)))
    with ThreadPoolExecutor(8) as crowd:
        seen = Counter(answer.status_code for answer in crowd.map(lambda _: bench.ask(), range(8)))
    assert seen == {200: 3, 503: 5}


def test_a_check_looks_into_the_answer(bench: Bench) -> None:
    origins = bench.three()
    check = replace(FAST_CHECK, expected_body=origins[0].name)
    bench.node.tell(bench.state(origins[:2], health_check=check))
    proxy = f"{bench.key}_p1"
    eventually(lambda: {one[2] for one in bench.node.servers(proxy).values()} == {"up", "down"})
    assert Counter(bench.who() for _ in range(10)) == {origins[0].name: 10}


def test_m1_connections_to_servers_are_used_again(bench: Bench) -> None:
    """Row M1: a hundred requests of ten clients, over connections that are kept."""
    origins = bench.three()
    state = bench.state(origins[:1])
    bench.node.tell(state)
    for _ in range(10):
        with httpx.Client() as client:
            for _ in range(10):
                assert (
                    client.get(f"http://127.0.0.1:{bench.node.port}/", headers={"Host": bench.host}).status_code == 200
                )
    stat = {row["svname"]: row for row in bench.stat()}["b0"]
    assert int(stat["connect"]) < 15
    assert int(stat["reuse"]) > 85


def test_no_check_of_tls_passes_in_clear(bench: Bench) -> None:
    origins = bench.three()
    check = HealthCheck(type=CheckType.TLS, interval_ms=200, timeout_ms=200, rise=1, fall=1)
    bench.node.tell(bench.state(origins[:1], health_check=check))
    eventually(lambda: bench.node.servers(f"{bench.key}_p1")["b0"][2] == "down")


def test_what_is_remembered_of_addresses_outlives_a_reload(bench: Bench) -> None:
    """A worker hands its table to the next. One that learned from nobody only does so once it waited ten seconds for
    others (2.6.12)."""
    origins = bench.three()
    state = bench.state(origins, serving=Serving(sticky=Sticky(StickyType.SOURCE)))
    bench.node.tell(state)

    def who(number: int) -> str:
        with httpx.Client(transport=httpx.HTTPTransport(local_address=f"127.0.0.{number}")) as client:
            return client.get(f"http://127.0.0.1:{bench.node.port}/", headers={"Host": bench.host}).text

    before = {number: who(number) for number in range(20, 29)}
    assert Counter(Counter(before.values()).values()) == {3: 3}
    eventually(lambda: int(parse_info(bench.node.node.runtime.ask("show info"))["Uptime_sec"]) > 11, within=30)
    pid = bench.node.worker_pid
    bench.node.tell(with_pool(state, retries=1))
    assert bench.node.worker_pid != pid
    table = f"show table {bench.key}_p1"
    eventually(lambda: bench.node.node.runtime.ask(table).count("server_key=") == 9)
    assert {number: who(number) for number in reversed(range(20, 29))} == before
