"""Would it be taken? Our rules, then the real HAProxy, with a pointer for whatever it says; nothing changes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from balancer.haproxy import desired
from balancer.haproxy.render import render_tree
from balancer.services import sandbox
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet
from tests.db.stored import everything


def test_what_is_saved_is_asked_about(fleet: Fleet) -> None:
    build.backend(fleet.tenant)
    assert fleet.post("config/validate") == {"valid": True, "haproxy": True, "note": ""}


def test_d2_a_document_is_asked_about_as_if_it_replaced_everything(fleet: Fleet) -> None:
    build.backend(fleet.tenant)
    before = everything(fleet.tenant)
    document: dict[str, Any] = {
        "format": "veloflux/1",
        "pools": [{"name": "shop", "backends": [{"address": "10.0.0.1:80"}]}],
        "routes": [{"host": "a.test", "pool": "shop"}],
    }
    assert fleet.post("config/validate", document)["valid"] is True
    document["routes"][0]["pool"] = "nowhere"
    refused = fleet.post("config/validate", document, status=422)
    assert (refused["valid"], refused["errors"][0]["pointer"]) == (False, "/routes/0/pool")
    assert everything(fleet.tenant) == before


def test_d2_garbage_is_not_valid(fleet: Fleet) -> None:
    assert fleet.post("config/validate", {"test": "config"}, status=422)["errors"]


def test_where_there_is_no_haproxy_it_is_said(fleet: Fleet, settings: Any) -> None:
    settings.HAPROXY = ""
    build.backend(fleet.tenant)
    answer = fleet.post("config/validate")
    assert (answer["valid"], answer["haproxy"]) == (True, False)
    assert "not installed" in answer["note"]


@pytest.fixture
def spy() -> Iterator[Path]:
    """A program in HAProxy's place, where nobody may run it too."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        program = Path(folder) / "haproxy"
        program.touch()
        program.chmod(0o755)
        yield program


def state(**pool: Any) -> desired.Tenant:
    server = desired.Server("b" + "a" * 12, "10.0.0.1", 80)
    return desired.Tenant("t" + "a" * 12, (desired.Pool("p" + "b" * 12, servers=(server,), **pool),))


def test_what_haproxy_says_is_pointed_at_and_names_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made to refuse: what we render it takes."""
    names = {"p" + "b" * 12: "/pools/0", "b" + "a" * 12: "/pools/0/backends/0"}
    for find, instead, pointer in (
        ("balance roundrobin", "balance sideways", "/pools/0/algorithm"),
        ("timeout server 30000ms", "timeout server often", "/pools/0/timeouts/server"),
        ("10.0.0.1:80", "10.0.0.1:port", "/pools/0/backends/0/address"),
    ):
        rendered = render_tree

        def broken(
            states: Any, node: Any, find: str = find, instead: str = instead, rendered: Any = rendered
        ) -> dict[str, str]:
            tree = rendered(states, node)
            assert any(find in text for name, text in tree.items() if "shard" in name)
            return {n: text.replace(find, instead) if "shard" in n else text for n, text in tree.items()}

        with monkeypatch.context() as patched:
            patched.setattr(sandbox, "render_tree", broken)
            verdict = sandbox.judge(state(), names=names)
        assert verdict.asked
        assert pointer in [error.pointer for error in verdict.errors]
        assert not any("/tmp" in error.detail or ".cfg" in error.detail for error in verdict.errors)  # noqa: S108


def test_it_gets_no_environment(monkeypatch: pytest.MonkeyPatch, spy: Path, settings: Any) -> None:
    """Seen by a program that takes HAProxy's place."""
    seen = spy.with_name("seen")
    spy.write_text(f"#!/bin/sh\n/usr/bin/env > {seen}\nulimit -v >> {seen}\n")
    settings.HAPROXY = str(spy)
    monkeypatch.setenv("VELOFLUX_SECRET", "hush")
    monkeypatch.setattr(sandbox, "bounded", lambda pid: None)
    assert sandbox.judge(state(), names={}).errors == ()
    assert "hush" not in seen.read_text()
    assert "VELOFLUX" not in seen.read_text()


def test_one_that_never_ends_is_ended(settings: Any, spy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    settings.HAPROXY = str(spy)
    monkeypatch.setattr(sandbox, "SECONDS", 0.2)
    monkeypatch.setattr(sandbox, "bounded", lambda pid: None)
    assert sandbox.judge(state(), names={}).errors[0].code == "too_slow"


def test_anothers_rows_are_not_in_it(fleet: Fleet, committed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    build.route(committed.theirs, host="theirs.test")
    build.backend(fleet.tenant)
    shown: list[str] = []

    def asked(folder: Path, paths: list[Path]) -> str:
        shown.extend(path.read_text() for path in folder.rglob("*.*"))
        return ""

    monkeypatch.setattr(sandbox, "asked", asked)
    fleet.post("config/validate")
    assert shown
    assert "theirs.test" not in "".join(shown)
