"""Maps from hosts to backends: what a real HAProxy does with them, and what the routes that are made of them would."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from balancer.haproxy.cfg.convert import convert
from balancer.haproxy.cfg.fates import Fate
from balancer.haproxy.desired import Pool, Tenant
from balancer.haproxy.explain import Asked
from tests.live.cfg.original import original
from tests.live.cfg.test_random import ours, route, theirs
from tests.ports import free_port

MAP = """\
# who gets what
a.test one
b.test\ttwo
  c.test   nobody
a.test two

D.test one
"""
HOSTS = ["a.test", "b.test", "c.test", "d.test", "e.test"]
LOOK = "req.hdr(host),lower,map(hosts.map)"
RULES: dict[str, Sequence[str]] = {
    "alone": [f"use_backend %[{LOOK}]"],
    "with another rule after it": [f"use_backend %[{LOOK}]", "use_backend three if { path_beg /x }"],
    "with one before it": ["use_backend three if { path_beg /x }", f"use_backend %[{LOOK}]"],
    "where found": [f"use_backend %[{LOOK}] if {{ {LOOK} -m found }}", "use_backend three if { path_beg /x }"],
    "with a default": ["use_backend %[req.hdr(host),lower,map_str(maps/hosts.map,three)]"],
    "with one that is nobody": ["use_backend %[hdr(host),lower,map(hosts.map,nobody)]", "use_backend one"],
    "for some": [f"use_backend %[{LOOK}] if {{ path_beg /x }} || {{ method POST }}", "use_backend two if { path /y }"],
    "unless": [f"use_backend %[{LOOK}] unless {{ path_beg /x }}", "use_backend three if { path_beg /x }"],
}


def tenant(text: str, files: dict[str, str]) -> Tenant:
    found = convert(text, hosts=HOSTS, files=files)
    refused = [line for line in found.lines if line.fate is Fate.REFUSED]
    assert not refused
    pools = tuple(Pool(f"p{one['name']}") for one in found.pools)
    return Tenant("t1", pools=pools, routes=tuple(route(f"r{at}", one) for at, one in enumerate(found.routes)))


def test_they_lead_where_they_led(tmp_path: Path) -> None:
    names = ("one", "two", "three", "four")
    serving = "".join(f"backend {one}\n    mode http\n    server s 10.0.0.1:80\n" for one in names)
    answering = "".join(
        f"backend {one}\n    mode http\n    http-request return status 200 hdr X-Pool {one}\n" for one in names
    )
    port, frontends = free_port(), []
    for at, rules in enumerate(RULES.values(), 1):
        said = [f"frontend f{at}", "    mode http", f"    bind 127.0.0.{at}:{port}", *(f"    {one}" for one in rules)]
        frontends.append("\n".join([*said, "    default_backend four", ""]))
    (tmp_path / "maps").mkdir()
    for path in ("hosts.map", "maps/hosts.map"):
        (tmp_path / path).write_text(MAP)
    limits = "defaults\n    timeout client 30s\n    timeout connect 5s\n    timeout server 30s\n"
    with original(tmp_path, limits + "".join(frontends) + answering, (port,)):
        for at, text in enumerate(frontends, 1):
            made = tenant(text + serving, {"hosts.map": MAP})
            for host in (*HOSTS, "A.test"):
                for target, method in (("/", "GET"), ("/x", "GET"), ("/y", "GET"), ("/y", "POST")):
                    asked = Asked(host.lower(), target, method, (), "127.0.0.1")
                    sent = Asked(host, target, method, (), "127.0.0.1")
                    assert ours(made, asked) == theirs(f"127.0.0.{at}", port, sent), f"{sent}\n{text}"


@pytest.mark.parametrize(
    ("rule", "text", "sentence"),
    [
        ("%[path,map(hosts.map)]", MAP, "Of maps, those from hosts to backends"),
        ("%[hdr(host),lower,map_beg(hosts.map)]", MAP, "Of maps, those from hosts to backends"),
        ("%[hdr(host),lower,map_dom(hosts.map)]", MAP, "Of maps, those from hosts to backends"),
        ("%[hdr(host),lower,map(other.map)]", MAP, "send a map along"),
        ("%[hdr(host),map(hosts.map)]", MAP, "have capital letters"),
        ("%[hdr(host),lower,map(hosts.map)]", "a.test\n", "no value for a.test"),
        ("%[hdr(host),lower,map(hosts.map)]", "a.test nobody\n", "give it a default_backend"),
        ("%[hdr(host),lower,map(hosts.map)]", "".join(f"h{n}.test one\n" for n in range(101)), "more than 100 hosts"),
    ],
)
def test_what_is_not_exact_is_refused_with_its_reason(rule: str, text: str, sentence: str) -> None:
    whole = f"frontend f\n    mode http\n    bind :80\n    use_backend {rule}\nbackend one\n    server s 10.0.0.1:80\n"
    found = convert(whole, hosts=["x.test"], files={"hosts.map": text})
    assert (found.lines[3].fate, sentence in found.lines[3].sentence) == (Fate.REFUSED, True), found.lines[3]
