from pathlib import Path

import pytest

from veloflux_site.local import announce, checks, commands, django, lock
from veloflux_site.local.checks import Asked
from veloflux_site.local.django import Seeded
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError
from veloflux_site.local.shell import run, tail

SETTINGS = {
    "VELOFLUX_BASE_URL": "http://localhost:9090",
    "VELOFLUX_TRAFFIC_URL": "http://localhost:8000",
    "VELOFLUX_HTTP_PORT_2": "8001",
    "VELOFLUX_HTTPS_PORT": "8443",
    "VELOFLUX_HTTPS_PORT_2": "8444",
    "VELOFLUX_METRICS_PORT": "8080",
}


def seeded(*, created: bool) -> Seeded:
    return Seeded(created=created, host="demo.localhost", email="a@demo.localhost", password="pw", api_key="key")


def test_what_follows_two_dashes_is_pytests_and_leaves_the_checks_out() -> None:
    assert checks.parse(["--", "-k", "name"]) == Asked(False, True, False, False, ("-k", "name"))


def test_alone_it_runs_everything() -> None:
    assert checks.parse([]) == Asked(checks=True, tests=True, fast=False, matrix=False, words=())


def test_fast_runs_no_checks() -> None:
    assert checks.parse(["--fast"]) == Asked(False, True, True, False, ())


def test_the_credential_is_shown_on_the_first_start_only() -> None:
    first = announce.text(SETTINGS, seeded(created=True), detached=False)
    later = announce.text(SETTINGS, seeded(created=False), detached=False)
    assert "password pw" in first
    assert "pw" not in later
    assert "manage.py changepassword a@demo.localhost" in later


def test_what_is_printed_can_be_pasted() -> None:
    text = announce.text(SETTINGS, seeded(created=False), detached=True)
    assert "curl -H 'Host: demo.localhost' http://localhost:8000/" in text
    assert "curl -k -H 'Host: demo.localhost' https://localhost:8443/" in text
    assert "python3 manage.py stop" in text


def test_two_cannot_hold_the_lock(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.prepare()
    assert lock.take(folder) is not None
    assert lock.take(folder) is None
    assert not lock.wait_until_free(folder, seconds=0.2)


def test_a_program_that_fails_shows_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(CannotGoOnError, match=r"(?s)Making it failed \(exit status 3\).*no such thing.*log"):
        run(["sh", "-c", "echo no such thing >&2; exit 3"], doing="Making it", log=log)


def test_an_expected_failure_is_a_sentence_and_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "HERE", Folder(tmp_path))
    assert commands.run(["migrate"]) == 1
    assert "Start with: python3 manage.py up" in capsys.readouterr().err


def test_the_last_lines_of_a_log_are_its_tail(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\n\ntwo\nthree\n")
    assert tail(log, lines=2) == "    two\n    three"


def test_static_files_are_collected_again_only_when_one_changed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.css").write_text("a")
    before = django._static_digest(folder)
    (folder.state / "static").mkdir(parents=True)
    (folder.state / "static" / "a.1234.css").write_text("a")
    assert django._static_digest(folder) == before
    (tmp_path / "static" / "a.css").write_text("other")
    assert django._static_digest(folder) != before


def test_nothing_to_run_in_one_part_is_no_failure_but_in_all_it_is() -> None:
    assert checks.found_in({"tests": 0, "browser": 5}) == {"tests": 0, "browser": 0}
    assert checks.found_in({"tests": 1, "browser": 5}) == {"tests": 1, "browser": 0}
    assert checks.found_in({"tests": 5, "browser": 5}) == {"tests": 5, "browser": 5}


@pytest.mark.parametrize(("cores", "workers"), [(1, "2"), (2, "2"), (3, "3"), (64, "4")])
def test_all_tests_have_workers_and_a_few_have_none(monkeypatch: pytest.MonkeyPatch, cores: int, workers: str) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert checks.workers(checks.parse([])) == ("-n", workers)
    assert checks.workers(checks.parse(["--fast"])) == ("-n", workers)
    assert checks.workers(checks.parse(["--", "-k", "name"])) == ()
