"""One word, one thing: here a pool is HAProxy's `backend`, and nothing of ours has that name."""

import ast
from pathlib import Path

import balancer.haproxy

FOLDER = Path(balancer.haproxy.__file__).parent


def test_nothing_here_is_called_a_backend() -> None:
    found = []
    for path in FOLDER.rglob("*.py"):
        names = [path.stem]
        for node in ast.walk(ast.parse(path.read_text())):
            names += [getattr(node, part) for part in ("id", "attr", "name", "arg") if hasattr(node, part)]
        found += [f"{path.name}: {name}" for name in names if isinstance(name, str) and "backend" in name.lower()]
    assert found == []


def test_nothing_here_reaches_the_world() -> None:
    banned = {"django", "socket", "time", "datetime", "os", "pathlib", "subprocess", "celery", "redis", "random"}
    found = []
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.name}: {module}" for module in modules if module.split(".")[0] in banned]
    assert found == []
