"""`make bench`: run every row, print the table, write docs/benchmarks.md.

python -m tests.bench [--tenants 1000] [--only 1,6]
"""

import argparse
import os
import platform
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.bench.measure import Figure
from tests.live import stack as stacks
from tests.live.stack import Stack

OUT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

Written by `make bench` on {day:%Y-%m-%d}: {machine}. Medians with their spread; on a shared machine the ratios are what
counts. The rows are those of the project's performance goals.

"""
HEAD = "| row | what | measured | beside, in the same run | ratio | to reach | |\n|---|---|---|---|---|---|---|\n"


@contextmanager
def database() -> Iterator[str]:
    base = os.environ["VELOFLUX_DATABASE_URL"].rpartition("/")[0]
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{base}/{name}"
    finally:
        with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def rows(stack: Stack, wanted: set[str], tenants: int) -> Iterator[Figure]:
    # Imported here: Django is set up from the stack's own environment.
    from tenants.models import Tenant
    from tenants.scope import platform_scope
    from tests.bench import api, day_rows, fleet, node, rendering, road

    with platform_scope():
        demo = Tenant.objects.get(slug="demo")
        demo.subscription.plan_id = "custom"
        demo.subscription.save()
    if "6" in wanted:
        yield from rendering.rendering()
    if "1" in wanted:
        yield from road.runtime_changes(stack)
    if "2" in wanted:
        yield from day_rows.rows(stack)
    if "10" in wanted:
        yield from road.deployments_under_load(stack)
    if "18" in wanted:
        yield from road.sign_up(stack)
    if wanted & {"3", "4"}:
        yield from fleet.growth(stack, tenants)
    if "5" in wanted:
        (large,) = fleet.grow(["large"], pools=rendering.POOLS, backends=rendering.SERVERS)
        yield from rendering.desired(large)
    if wanted & {"13", "14"}:
        yield from api.rows(wanted)
    if wanted & {"7", "8", "11", "12"}:
        yield from node.rows(wanted)


def setup(env: dict[str, str]) -> None:
    os.environ.update(env)
    import django

    django.setup()
    import veloflux_site.celery  # noqa: F401 - makes it the current app


def machine() -> str:
    haproxy = subprocess.run([os.environ["VELOFLUX_HAPROXY"], "-v"], capture_output=True, text=True, check=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = haproxy.stdout.splitlines()[0].split(" - ")[0]
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {python}, {version}, everything on this machine"


def line(figure: Figure) -> str:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} ×"
    mark = {True: "reached", False: "**not reached**", None: ""}[figure.reached]
    return f"| {figure.row} | {figure.what} | {figure.value} | {figure.floor} | {ratio} | {figure.reach} | {mark} |\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--only", default="1,2,3,4,5,6,7,8,10,11,12,13,14,18")
    asked = parser.parse_args()
    redis_url = os.environ["VELOFLUX_REDIS_URL"].rpartition("/")[0] + "/7"
    table = HEAD
    with (
        tempfile.TemporaryDirectory() as folder,
        database() as url,
        stacks.running(Path(folder), url, redis_url) as stack,
    ):
        setup(stack.env)
        for figure in rows(stack, set(asked.only.split(",")), asked.tenants):
            table += line(figure)
            sys.stdout.write(line(figure))
            sys.stdout.flush()
    if asked.only == parser.get_default("only"):
        OUT.write_text(INTRODUCTION.format(day=datetime.now(UTC), machine=machine()) + table)


if __name__ == "__main__":
    main()
