import stat
from pathlib import Path

import pytest

from veloflux_site.local import environment
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError

HERE = Folder(Path("/srv/veloflux"))
SECRETS = list(environment.new_secrets())


def complete(kept: dict[str, str] | None = None, **given: str) -> dict[str, str]:
    return environment.complete(kept or {}, given, folder=HERE)


def test_every_secret_is_new_on_each_machine_and_kept_on_each_start() -> None:
    first, other = complete(), complete()
    again = complete(first)
    assert all(len(first[name]) >= 32 and first[name] != other[name] for name in SECRETS)
    assert again == first


def test_urls_follow_a_port_that_was_changed() -> None:
    changed = complete(complete(), VELOFLUX_CONSOLE_PORT="9999", VELOFLUX_HTTP_PORT="80")
    assert changed["VELOFLUX_BASE_URL"] == "http://localhost:9999"
    assert changed["VELOFLUX_TRAFFIC_URL"] == "http://localhost"


def test_a_moved_redis_moves_in_its_url() -> None:
    moved = complete(complete(), VELOFLUX_REDIS_PORT="7001")
    assert moved["VELOFLUX_REDIS_URL"] == f"redis://:{moved['VELOFLUX_REDIS_PASSWORD']}@127.0.0.1:7001/0"


def test_a_url_that_somebody_chose_stays() -> None:
    chosen = complete(complete(), VELOFLUX_BASE_URL="https://console.example.org")
    assert complete(chosen, VELOFLUX_CONSOLE_PORT="9999")["VELOFLUX_BASE_URL"] == "https://console.example.org"


def test_what_the_caller_sets_is_kept_for_the_next_start() -> None:
    assert complete(complete(VELOFLUX_CONSOLE_PORT="9191"))["VELOFLUX_CONSOLE_PORT"] == "9191"


def test_a_nodes_own_variables_are_no_settings_of_the_console() -> None:
    settings = complete(VELOFLUX_NODE_KEY="k", VELOFLUX_TEST_BROWSER="/b", HOME="/root", VELOFLUX_SIGN_UP_OPEN="false")
    assert settings["VELOFLUX_SIGN_UP_OPEN"] == "false"
    assert not {"VELOFLUX_NODE_KEY", "VELOFLUX_TEST_BROWSER", "HOME"} & set(settings)


def test_our_own_ports_are_denied_to_tenants() -> None:
    assert "9191" in complete(VELOFLUX_METRICS_PORT="9191")["VELOFLUX_OWN_PORTS"].split(",")


@pytest.mark.parametrize("port", ["0", "70000", "http", "", "-1", "٨٠"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(CannotGoOnError, match="VELOFLUX_HTTP_PORT"):
        complete(VELOFLUX_HTTP_PORT=port)


def test_the_file_is_private_and_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "env"
    settings = complete(VELOFLUX_LOG_DIR="/srv/a folder/log")
    environment.write(path, settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert environment.read(path) == settings


def test_a_line_written_by_hand_is_understood() -> None:
    assert environment.parse("# note\n\nexport A=1\nB = 'x=y'\n") == {"A": "1", "B": "x=y"}
