import configparser
from pathlib import Path

import pytest

from veloflux_site.local import environment, launch, programs, redis, supervisor
from veloflux_site.local.accounts import Account
from veloflux_site.local.folder import LONGEST_ROOT, Folder
from veloflux_site.local.programs import Group, Knows, Program
from veloflux_site.local.redis import Store
from veloflux_site.local.say import CannotGoOnError

HERE = Folder(Path("/srv/100% velo flux"))
NODE = {"VELOFLUX_NODE_ID": "abc", "VELOFLUX_NODE_BROKER_URL": "redis://node-abc:pw@127.0.0.1:6380/0"}


@pytest.fixture
def settings() -> dict[str, str]:
    found = {"VELOFLUX_HAPROXY": "/h", "VELOFLUX_REDIS_SERVER": "/r", "VELOFLUX_POSTGRES_BIN": "/p"}
    return environment.complete({}, found, folder=HERE)


@pytest.fixture
def table(settings: dict[str, str]) -> dict[str, Program]:
    return programs.table(settings, folder=HERE)


@pytest.fixture
def config(table: dict[str, Program]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor.config_text(table.values(), folder=HERE))
    return parser


def test_every_program_of_the_product_runs(table: dict[str, Program]) -> None:
    assert set(table) == {
        *("postgres", "redis", "node-n1", "node-n2", "web", "control", "edge-n1", "edge-n2"),
        *("beat", "metrics", "demo-origins", "demo-traffic"),
    }


def test_the_app_stops_before_the_nodes_and_the_data_last(config: configparser.RawConfigParser) -> None:
    order = sorted(Group, key=lambda group: config.getint(f"group:{group}", "priority"), reverse=True)
    assert order == [Group.APP, Group.NODES, Group.DATA]


def test_postgresql_is_stopped_without_waiting_for_its_clients(
    table: dict[str, Program], config: configparser.RawConfigParser
) -> None:
    assert config.get("program:postgres", "stopsignal") == "INT"
    assert "INT" in launch.full_command(table["postgres"])


def test_only_the_data_starts_before_the_database_is_up_to_date(config: configparser.RawConfigParser) -> None:
    first = {name for name in config.sections() if config.get(name, "autostart", fallback="") == "true"}
    assert first == {"program:postgres", "program:redis"}


def test_a_percent_sign_or_space_in_a_path_is_no_expansion(config: configparser.RawConfigParser) -> None:
    command = config.get("program:web", "command")
    assert "'/srv/100%% velo flux/.veloflux/venv/bin/python'" in command
    assert "%" not in command.replace("%%", "")


def test_no_secret_lies_in_the_supervisors_file(table: dict[str, Program], settings: dict[str, str]) -> None:
    text = supervisor.config_text(table.values(), folder=HERE)
    assert not [name for name in environment.new_secrets() if settings[name] in text]


def test_every_program_ends_with_its_parent(table: dict[str, Program], config: configparser.RawConfigParser) -> None:
    for name, program in table.items():
        assert config.get(f"program:{name}", "command").startswith("setpriv --pdeathsig KILL ")
        assert launch.full_command(program)[:3] == ["setpriv", "--pdeathsig", program.death] or program.wrap


def test_a_change_of_user_comes_before_the_death_signal() -> None:
    wrapped = Program("postgres", Group.DATA, ("postgres",), wrap=("setpriv", "--reuid=7"), death="INT")
    assert launch.full_command(wrapped) == ["setpriv", "--reuid=7", "setpriv", "--pdeathsig", "INT", "postgres"]


def test_a_node_knows_nothing_of_the_console(table: dict[str, Program], settings: dict[str, str]) -> None:
    for name in ("node-n1", "edge-n2"):
        known = launch.own_environment(table[name], settings, NODE)
        assert not {"VELOFLUX_DATABASE_URL", "VELOFLUX_SECRET_KEY", "VELOFLUX_REDIS_URL"} & set(known)
        assert not any(settings["VELOFLUX_POSTGRES_PASSWORD"] in value for value in known.values())


def test_the_servers_and_the_demo_get_no_settings_at_all(table: dict[str, Program], settings: dict[str, str]) -> None:
    for program in (each for each in table.values() if each.knows == Knows.NOTHING):
        assert launch.own_environment(program, settings, {}) == {}


def test_each_node_listens_on_its_own_ports_and_follows_redis(settings: dict[str, str]) -> None:
    settings |= {"VELOFLUX_HTTP_PORT": "80", "VELOFLUX_HTTP_PORT_2": "81", "VELOFLUX_REDIS_PORT": "7001"}
    first, second = (programs.for_node(NODE, settings, name=name) for name in programs.NODES)
    assert (first["VELOFLUX_NODE_HTTP_BIND"], second["VELOFLUX_NODE_HTTP_BIND"]) == ("*:80", "*:81")
    assert first["VELOFLUX_NODE_BROKER_URL"] == "redis://node-abc:pw@127.0.0.1:7001/0"


def test_what_reaches_a_program_from_outside_is_chosen() -> None:
    passed = launch.common({"PATH": "/bin", "HTTPS_PROXY": "http://p", "AWS_SECRET": "s", "VELOFLUX_SECRET_KEY": "k"})
    assert passed["HTTPS_PROXY"] == "http://p"
    assert not {"AWS_SECRET", "VELOFLUX_SECRET_KEY"} & set(passed)


def test_data_of_another_user_lies_where_that_user_can_reach_it() -> None:
    wanted = Path("/root/veloflux/.veloflux/postgres")
    assert Account().place(wanted) == wanted
    assert str(Account(owner="postgres").place(wanted)).startswith("/var/lib/veloflux/")


def test_redis_listens_on_loopback_and_where_nodes_elsewhere_are_let_in(settings: dict[str, str]) -> None:
    assert "bind 127.0.0.1\n" in redis.config_text(programs.store(settings, folder=HERE))
    assert settings["VELOFLUX_NODES_REDIS_URL"] == ""
    let_in = environment.complete(settings, {"VELOFLUX_REDIS_BIND": "10.0.0.7"}, folder=HERE)
    assert "bind 127.0.0.1 10.0.0.7\n" in redis.config_text(programs.store(let_in, folder=HERE))
    assert let_in["VELOFLUX_NODES_REDIS_URL"] == f"redis://10.0.0.7:{settings['VELOFLUX_REDIS_PORT']}/0"


def test_users_added_to_redis_at_run_time_stay(tmp_path: Path) -> None:
    store = Store(server=Path("/r"), home=tmp_path, port=1, password="new")
    text = redis.users_text(store, others="user default on #old ~* &* +@all\nuser node-abc on #x ~node.abc.* +@all\n")
    assert "#old" not in text
    assert text.splitlines()[1] == "user node-abc on #x ~node.abc.* +@all"


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    with pytest.raises(CannotGoOnError, match="shorter path"):
        Folder(Path("/" + "a" * LONGEST_ROOT)).require_room_for_sockets()
