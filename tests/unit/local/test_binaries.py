from pathlib import Path

import pytest

from veloflux_site.local import binaries
from veloflux_site.local.folder import Folder
from veloflux_site.local.prefix import UNWANTED, wrapper_text
from veloflux_site.local.say import CannotGoOnError

HAPROXY = Path("/usr/sbin/haproxy")


def program(path: Path, *, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("HAProxy version 2.6.12-1+deb12u4 2026/05/01 - https://haproxy.org/", "2.6.12-1+deb12u4"),
        ("HAProxy version 3.2.26-1 2026/09/01", "3.2.26-1"),
        ("HA-Proxy version 10.0-dev1 2030/01/01", "10.0-dev1"),
    ],
)
def test_a_new_enough_haproxy_is_taken(words: str, version: str) -> None:
    assert binaries.check_haproxy(HAPROXY, words=words) == version


@pytest.mark.parametrize("words", ["HAProxy version 2.4.30-0ubuntu0.22.04.1 2025/01/01", "HA-Proxy version 1.8.8"])
def test_an_old_haproxy_is_explained(words: str) -> None:
    with pytest.raises(
        CannotGoOnError, match=r"/usr/sbin/haproxy is HAProxy [12]\.\d; .* 2\.6 or later.*VELOFLUX_HAPROXY"
    ):
        binaries.check_haproxy(HAPROXY, words=words)


def test_what_is_no_haproxy_is_said() -> None:
    with pytest.raises(CannotGoOnError, match="did not say its version"):
        binaries.check_haproxy(HAPROXY, words="")


def test_the_data_is_opened_by_the_version_that_wrote_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    folder = Folder(tmp_path)
    for version in ("40", "41"):
        for name in ("initdb", "postgres", "psql"):
            program(folder.prefix / "bin" / version / name, says=f"postgres (PostgreSQL) {version}.1")
    assert binaries._postgres(folder, "") == folder.prefix / "bin" / "41"
    assert binaries._postgres(folder, "40") == folder.prefix / "bin" / "40"
    assert binaries._postgres(folder, "39") is None


def test_a_chosen_program_comes_before_the_machines(tmp_path: Path) -> None:
    chosen = program(tmp_path / "mine")
    found = binaries._look({"VELOFLUX_HAPROXY": str(chosen)}, Folder(tmp_path), "")
    assert found["haproxy"] == chosen


def test_a_chosen_program_that_is_gone_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = program(tmp_path / "bin" / "haproxy")
    monkeypatch.setenv("PATH", str(there.parent))
    assert binaries._look({"VELOFLUX_HAPROXY": "/gone"}, Folder(tmp_path), "")["haproxy"] == there


def test_an_unpacked_program_runs_with_its_own_libraries() -> None:
    words = wrapper_text(Path("/p/usr/sbin/haproxy"), [Path("/p/usr/lib/x86_64-linux-gnu"), Path("/p/usr/lib")])
    assert 'LD_LIBRARY_PATH="/p/usr/lib/x86_64-linux-gnu:/p/usr/lib" exec "/p/usr/sbin/haproxy" "$@"' in words


@pytest.mark.parametrize(
    ("name", "left_out"), [("libllvm14", True), ("perl-base", True), ("libpq5", False), ("haproxy", False)]
)
def test_only_what_runs_is_unpacked(name: str, left_out: bool) -> None:
    assert bool(UNWANTED.match(name)) is left_out
