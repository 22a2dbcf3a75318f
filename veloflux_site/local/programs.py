"""The programs of `manage.py up`: what each is started with, what it may know, and how it is told to stop."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from veloflux_site.local import environment
from veloflux_site.local.accounts import Account, choose
from veloflux_site.local.folder import Folder
from veloflux_site.local.postgres import Cluster
from veloflux_site.local.redis import Store

NODES = ("n1", "n2")
QUEUES = "control,reports,status,logs"


class Group(StrEnum):
    """Started in this order, stopped in the opposite one; within a group all at once."""

    DATA = "data"
    NODES = "nodes"
    APP = "app"


class Knows(StrEnum):
    """Whose environment a program gets: a node holds no credential of the console."""

    NOTHING = "nothing"
    CONSOLE = "console"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Program:
    """`death` is sent when the supervisor dies without stopping it: what loses nothing by it is simply killed."""

    name: str
    group: Group
    command: tuple[str, ...]
    knows: Knows = Knows.CONSOLE
    node: str = ""
    stop: str = "TERM"
    death: str = "KILL"
    seconds: int = 10  # to stop in, before it is killed
    wrap: tuple[str, ...] = ()
    directory: Path | None = None


def cluster(settings: Mapping[str, str], *, folder: Folder, account: Account | None = None) -> Cluster:
    account = account or choose()
    return Cluster(
        bin=Path(settings["VELOFLUX_POSTGRES_BIN"]),
        home=account.place(folder.state / "postgres"),
        account=account,
        port=int(settings["VELOFLUX_POSTGRES_PORT"]),
    )


def store(settings: Mapping[str, str], *, folder: Folder) -> Store:
    return Store(
        server=Path(settings["VELOFLUX_REDIS_SERVER"]),
        home=folder.state / "redis",
        port=int(settings["VELOFLUX_REDIS_PORT"]),
        password=settings["VELOFLUX_REDIS_PASSWORD"],
        also=settings.get("VELOFLUX_REDIS_BIND", ""),
    )


def table(settings: Mapping[str, str], *, folder: Folder) -> dict[str, Program]:
    """Every program by its name, in the order of starting."""
    nodes = (node(folder, name) for name in NODES)
    listed = (*_data(settings, folder), *nodes, _origins(settings, folder), *_app(settings, folder))
    return {program.name: program for program in listed}


def _data(settings: Mapping[str, str], folder: Folder) -> tuple[Program, ...]:
    database = cluster(settings, folder=folder)
    return (
        Program(
            name="postgres",
            group=Group.DATA,
            command=tuple(database.server()),
            knows=Knows.NOTHING,
            # INT is PostgreSQL's fast shutdown; TERM would wait for every client to leave.
            stop="INT",
            death="INT",
            seconds=30,
            wrap=database.account.wrap,
            directory=database.home,
        ),
        Program(
            name="redis",
            group=Group.DATA,
            command=tuple(store(settings, folder=folder).command()),
            knows=Knows.NOTHING,
            death="TERM",
            seconds=20,
        ),
    )


def node(folder: Folder, name: str) -> Program:
    # TERM reaches HAProxy's workers through their master; a killed master would leave them to notice by themselves.
    command = (str(folder.python), "-m", "balancer.edge.boot")
    return Program(name=f"node-{name}", group=Group.NODES, command=command, knows=Knows.NODE, node=name, death="TERM")


def _origins(settings: Mapping[str, str], folder: Folder) -> Program:
    """With the nodes, whose first health check would otherwise find nobody."""
    command = (str(folder.python), "-m", "veloflux_site.demo.origins", settings["VELOFLUX_ORIGINS_PORT"])
    return Program("demo-origins", Group.NODES, command, knows=Knows.NOTHING)


def _app(settings: Mapping[str, str], folder: Folder) -> tuple[Program, ...]:
    python = str(folder.python)
    control = (python, "-m", "celery", "-A", "veloflux_site.celery")
    web = (python, "-m", "uvicorn", "veloflux_site.asgi:application", "--timeout-graceful-shutdown", "3")
    return (
        Program(
            "web",
            Group.APP,
            (
                *web,
                "--host",
                settings["VELOFLUX_CONSOLE_BIND"],
                "--port",
                settings["VELOFLUX_CONSOLE_PORT"],
                "--no-access-log",
                # `veloflux_site.front` decides whom to believe; uvicorn would believe anybody on this machine.
                "--no-proxy-headers",
                "--no-server-header",
            ),
        ),
        Program(
            "control",
            Group.APP,
            (*control, "worker", "-n", "control@%h", "--pool", "threads", "-c", "4", "-Q", QUEUES),
        ),
        *(edge(folder, name) for name in NODES),
        Program("beat", Group.APP, (*control, "beat", "-S", "redbeat.RedBeatScheduler", "--pidfile=")),
        Program("metrics", Group.APP, (python, "-m", "veloflux_site.metrics")),
        Program(
            "demo-traffic",
            Group.APP,
            (python, "-m", "veloflux_site.demo.traffic", _local(settings)),
            knows=Knows.NOTHING,
        ),
    )


def _local(settings: Mapping[str, str]) -> str:
    return f"http://127.0.0.1:{settings['VELOFLUX_HTTP_PORT']}"


def edge(folder: Folder, name: str) -> Program:
    """One Celery worker per node, alone with the node's queue; without what would need other keys in Redis."""
    queue = f"node.{node_environment(folder, name).get('VELOFLUX_NODE_ID', '')}.work"
    lonely = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    worker = (str(folder.python), "-m", "celery", "-A", "veloflux_site.node", "worker", "-n", f"edge-{name}@%h")
    command = (*worker, "--pool", "solo", "-Q", queue, *lonely)
    return Program(f"edge-{name}", Group.APP, command, knows=Knows.NODE, node=name)


def nodes_known(folder: Folder) -> bool:
    """Whether bootstrap has made every node's environment before."""
    return all(node_environment(folder, name) for name in NODES)


def node_environment(folder: Folder, name: str) -> dict[str, str]:
    """What bootstrap wrote for a node; empty before it did."""
    return environment.read(folder.node_folders / name / "env")


def for_node(kept: Mapping[str, str], settings: Mapping[str, str], *, name: str) -> dict[str, str]:
    """A node's environment with this start's ports and HAProxy, which may have changed since it was written."""
    suffix = "" if name == NODES[0] else f"_{NODES.index(name) + 1}"
    broker = urlsplit(kept.get("VELOFLUX_NODE_BROKER_URL", ""))
    credentials = broker.netloc.rpartition("@")[0]
    moved = broker._replace(netloc=f"{credentials}@127.0.0.1:{settings['VELOFLUX_REDIS_PORT']}")
    return dict(kept) | {
        "VELOFLUX_NODE_BROKER_URL": urlunsplit(moved),
        "VELOFLUX_NODE_HTTP_BIND": f"*:{settings['VELOFLUX_HTTP_PORT' + suffix]}",
        "VELOFLUX_NODE_HTTPS_BIND": f"*:{settings['VELOFLUX_HTTPS_PORT' + suffix]}",
        "VELOFLUX_NODE_PASSTHROUGH_BIND": f"*:{settings['VELOFLUX_PASSTHROUGH_PORT' + suffix]}",
        "VELOFLUX_NODE_TCP_ADDRESS": settings["VELOFLUX_TCP_ADDRESS" + suffix],
        "VELOFLUX_HAPROXY": settings["VELOFLUX_HAPROXY"],
    }
