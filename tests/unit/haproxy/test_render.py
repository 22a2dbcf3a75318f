"""What HAProxy is given to read."""

from dataclasses import replace

import pytest

from balancer.haproxy.desired import AdminState, Algorithm, CheckType, HealthCheck, Pool, Route, Tenant
from balancer.haproxy.render import (
    CERTIFICATE_LIST,
    NodeSettings,
    render_fixed,
    render_frontends,
    render_global,
    render_maps,
    render_pool,
    render_shard,
    render_tree,
    shard_name,
    shard_of,
)
from balancer.haproxy.serving import PLAIN, Serving

from .build import SETTINGS, TLS, rich, server, tenant

POOL = """backend ta_p1 from http
    balance leastconn
    retries 0
    timeout connect 1ms
    timeout server 2ms
    timeout queue 3ms
    timeout check 2000ms
    option httpchk
    http-check send meth HEAD uri '/up?a=1' ver HTTP/1.1 hdr Host 'a.test' hdr X-Ask 'it'"'"'s 100 %% ${HOME} #1'
    http-check expect status 200-399
    server b1 10.0.0.1:80 weight 100 check port 81 inter 5000ms rise 2 fall 3 POOLING
    server b2 [2001:db8::1]:80 weight 0 check port 81 inter 5000ms rise 2 fall 3 POOLING maxconn 5
    server b3 10.0.0.1:80 weight 100 check port 8081 inter 5000ms rise 2 fall 3 POOLING backup disabled

""".replace("POOLING", "pool-max-conn -1 pool-purge-delay 5000ms")


def test_a_pool_is_these_lines() -> None:
    assert render_pool("ta", rich().pools[0]) == POOL


def test_the_quick_way_and_the_careful_way_write_the_same() -> None:
    plain = server("b1")
    quick = render_pool("ta", Pool("p1", servers=(plain,)))
    careful = render_pool("ta", Pool("p1", servers=(plain, server("b2", address="::1"))))
    assert quick.rstrip("\n") == careful.rstrip("\n").rsplit("\n", 1)[0]


def test_each_algorithm_takes_servers_at_run_time() -> None:
    served = {Algorithm.HEADER_HASH: Serving(hash_header="X-User")}
    lines = {
        one: render_pool("ta", Pool("p", one, serving=served.get(one, PLAIN))).splitlines()[1:3] for one in Algorithm
    }
    assert lines[Algorithm.ROUND_ROBIN][0] == lines[Algorithm.WEIGHTED_ROUND_ROBIN][0] == "    balance roundrobin"
    assert lines[Algorithm.LEAST_CONN][0] == "    balance leastconn"
    assert lines[Algorithm.IP_HASH] == ["    balance source", "    hash-type consistent"]
    assert lines[Algorithm.URI_HASH] == ["    balance uri", "    hash-type consistent"]
    assert lines[Algorithm.HEADER_HASH] == ["    balance hdr(X-User)", "    hash-type consistent"]
    assert (lines[Algorithm.RANDOM][0], lines[Algorithm.FIRST][0]) == ("    balance random", "    balance first")


def test_a_pool_that_is_not_checked_says_nothing_of_checks() -> None:
    text = render_pool("ta", Pool("p1", servers=(server(),), health_check=HealthCheck(type=CheckType.NONE)))
    assert "check" not in text


def test_drain_is_weight_0_and_maint_is_disabled() -> None:
    pool = Pool("p1", servers=(server("b1", admin=AdminState.DRAIN), server("b2", admin=AdminState.MAINT)))
    first, second = render_pool("ta", pool).rstrip().splitlines()[-2:]
    assert " weight 0 " in first
    assert "disabled" not in first
    assert second.endswith(" disabled")


def test_maps_hold_hosts_routes_limits_and_who_is_suspended() -> None:
    assert {path: text for path, text in render_maps([rich()]).items() if text} == {
        "maps/hosts.map": "*.a.test ta\na.test ta\n",
        "maps/routes.map": "*.a.test/ ta_p1\na.test/api/ ta_p2\n",
        "maps/fallbacks.map": "ta_p4 ta_p1\n",
        "maps/tenants.map": "ta suspended\n",
        "maps/limits.map": "ta 7/14\n",
        "maps/clients.map": "ta 5/10/403\n",
        "maps/allowed.map": "ta/00000000000000000000FFFF0A ta\n" + "".join(f"ta/20010DB8{n} ta\n" for n in range(8)),
        "maps/proxies.map": "ta/00000000000000000000FFFFC0000201 ta\n",
        "maps/headers.map": "ta max-age=31536000|nosniff|DENY|-|-\n",
    }


@pytest.mark.parametrize(
    ("rps", "burst", "entry"), [(10, 20, "10/20"), (10, 0, "10/10"), (10, 5, "10/5"), (1, 10**9, "1/1800")]
)
def test_a_limit_is_a_rate_and_a_burst_that_a_tag_can_count(rps: int, burst: int, entry: str) -> None:
    assert render_maps([Tenant("ta", rps=rps, burst=burst)])["maps/limits.map"] == f"ta {entry}\n"


def test_maps_exist_before_the_first_tenant_does() -> None:
    assert render_maps([]) == dict.fromkeys(render_maps([rich()]), "")


def test_a_path_prefix_counts_by_segments_however_it_ends() -> None:
    for prefix in ("/api", "/api/", "/api//"):
        assert (
            render_maps([tenant(routes=(Route("r", "a.test", prefix, "p1"),))])["maps/routes.map"]
            == "a.test/api/ ta_p1\n"
        )


def test_of_two_routes_with_one_key_the_first_counts() -> None:
    routes = (Route("r1", "a.test", "/", "p1"), Route("r2", "a.test", "/", "p2"))
    assert render_maps([tenant(routes=routes)])["maps/routes.map"] == "a.test/ ta_p1\n"


def test_no_more_than_256_shards_and_always_the_same() -> None:
    shards = {shard_of(f"t{number}") for number in range(5000)}
    assert shards == set(range(256))
    assert shard_of("ta") == SHARD
    assert shard_name("ta") == f"50-shard-{SHARD:03d}.cfg"


SHARD = 89


def test_a_shard_does_not_depend_on_the_order_of_its_tenants() -> None:
    one, other = tenant(), tenant(key="tb")
    assert render_shard([one, other]) == render_shard([other, one])


def test_a_tree_holds_the_files_that_there_is_something_for() -> None:
    tree = render_tree([tenant(), Tenant("tb")], SETTINGS)
    assert set(tree) == {"00-global.cfg", "10-frontends.cfg", shard_name("ta"), *render_maps([])}
    # HAProxy takes a last line without its end for a file that was cut off.
    assert all(text.endswith("\n") for text in tree.values() if text)


def test_the_frontends_say_the_same_for_everyone() -> None:
    assert render_tree([rich()], SETTINGS)["10-frontends.cfg"] == render_tree([], SETTINGS)["10-frontends.cfg"]


def test_the_admin_socket_has_a_thread_of_its_own_where_there_are_two() -> None:
    one, four = (NodeSettings("/run/n1", threads=threads) for threads in (1, 4))
    assert "expose-fd listeners thread 1\n" in render_global(four)
    assert "bind 127.0.0.1:8000 thread 2-4\n" in render_frontends(four)
    assert " thread " not in render_global(one) + render_frontends(one)


def test_what_a_setting_says_is_one_argument() -> None:
    text = render_global(NodeSettings("/run/my node", log_target="stdout"))
    assert "stats socket '/run/my node/admin.sock' mode 600" in text
    assert "log stdout len 4096 format raw local0\n" in text


def test_without_a_log_target_nothing_is_logged() -> None:
    assert "log" not in render_global(SETTINGS)


def test_https_is_a_second_way_into_the_same_rules() -> None:
    plain, both = (render_frontends(settings).splitlines() for settings in (SETTINGS, TLS))
    added = "    bind 127.0.0.1:8443 ssl crt-list tls/http.list alpn h2,http/1.1 ssl-min-ver TLSv1.2 thread 2-2"
    assert [line for line in both if line != added] == plain
    assert both.count(added) == 1


def test_without_https_nothing_asks_for_a_certificate() -> None:
    assert CERTIFICATE_LIST not in render_tree([rich()], SETTINGS)
    assert "crt" not in "".join(render_tree([rich()], SETTINGS).values())


def test_the_list_of_certificates_holds_the_nodes_own_and_no_tenants_text() -> None:
    tree = render_tree([rich()], TLS)
    assert tree[CERTIFICATE_LIST] == "default.pem !*\n"
    assert {path: tree[path] for path in render_fixed(TLS)} == render_fixed(TLS)
    assert set(tree) - set(render_tree([rich()], SETTINGS)) == {CERTIFICATE_LIST}


def test_a_folder_of_certificates_is_one_argument() -> None:
    text = render_global(replace(TLS, certificate_folder="/srv/my node/certs"))
    assert "    crt-base '/srv/my node/certs'\n" in text


def test_origins_are_told_which_way_a_request_came() -> None:
    assert "set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]" in render_frontends(SETTINGS)
