"""What imports cannot show of `architecture.md`'s floors, read from the source; each rule is shown to fail."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("tenants", "billing", "balancer", "ai")
# Where rows may be written: services, what made the tables, and staff's own pages.
WRITERS = frozenset({"services", "migrations", "admin", "admin_base"})
# Django asks its user model's manager for `create_user`.
HOOKS = frozenset({"tenants/models/user.py"})
ROW_WRITES = frozenset({"save", "create", "update", "delete", "get_or_create", "update_or_create"})
BULK_WRITES = frozenset({"bulk_create", "bulk_update", "bulk_delete"})
WRITES = ROW_WRITES | BULK_WRITES | {f"a{name}" for name in ROW_WRITES | BULK_WRITES}


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def doors_and_queries() -> Iterator[tuple[str, ast.Module]]:
    for name, tree in sources(*APPS):
        if not WRITERS & set(Path(name).with_suffix("").parts) and name not in HOOKS:
            yield name, tree


# No write outside services.


def writes(tree: ast.Module) -> list[str]:
    """Calls that look like a row's or a query set's writing; not those of a module or object that was imported."""
    imported = {name for name in imports(tree) if name[0].islower()}
    return [
        f"{node.lineno}: {ast.unparse(node.func)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and root(node.func) not in imported
        and not is_of_a_mapping(node)
    ]


def imports(tree: ast.Module) -> set[str]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name.partition(".")[0] for node in found for alias in node.names}


def root(node: ast.expr) -> str:
    """`Pool` of `Pool.objects.filter(…).update`."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner) | ast.Call(func=inner) | ast.Subscript(value=inner):
                node = inner
            case _:
                return ""
    return node.id


def is_of_a_mapping(call: ast.Call) -> bool:
    """`dict.update(other)` takes a value; a query set's `update(name=…)` takes names only."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "update" and bool(call.args)


def test_no_write_outside_services() -> None:
    assert {name: found for name, tree in doors_and_queries() if (found := writes(tree))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from balancer.models import Pool\nPool.objects.filter(pk=1).update(name='x')",
        "from balancer.models import Pool\nPool.objects.create(name='x')",
        "def door(pool):\n    pool.backends.create(ip='x')",
        "def door(pool):\n    pool.save()",
        "def door(rows):\n    rows[0].delete()",
    ],
)
def test_a_write_is_seen(line: str) -> None:
    assert writes(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    ["from balancer.services import pools\npools.create(1, by=2, now=3)", "seen = {}\nseen.update({'a': 1})"],
)
def test_what_is_no_write_is_not(line: str) -> None:
    assert not writes(ast.parse(line))


# Every name that is asked of Celery has a task.


def named_tasks(tree: ast.Module) -> set[str]:
    decorators = [one for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for one in node.decorator_list]
    return {
        str(word.value.value)
        for one in decorators
        if isinstance(one, ast.Call) and ast.unparse(one.func).endswith("task")
        for word in one.keywords
        if word.arg == "name" and isinstance(word.value, ast.Constant)
    }


def asked_names(tree: ast.Module) -> set[str]:
    """First arguments of `send_task`, and of the module's own functions that hand theirs on to it; what beat sends.

    An argument that is neither is answered as its source, which is no task's name.
    """
    askers, found = {"send_task"}, set[str]()
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    while True:
        handed_on = {one.name for one in functions if one.args.args and one.args.args[0].arg in asked_by(one, askers)}
        if handed_on <= askers:
            break
        askers |= handed_on
    for function in functions:
        own = {function.args.args[0].arg} if function.name in askers else set()
        found |= asked_by(function, askers) - own
    entries = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    for entry in entries:
        found |= {
            ast.literal_eval(value)
            for key, value in zip(entry.keys, entry.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "task" and isinstance(value, ast.Constant)
        }
    return found


def asked_by(function: ast.FunctionDef, askers: set[str]) -> set[str]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args]
    first = [call.args[0] for call in calls if ast.unparse(call.func).rpartition(".")[2] in askers]
    return {str(one.value) if isinstance(one, ast.Constant) else ast.unparse(one) for one in first}


def test_every_name_asked_of_celery_has_a_task() -> None:
    trees = [tree for _, tree in sources(*APPS, "veloflux_site")]
    tasks = {name for tree in trees for name in named_tasks(tree)}
    asked = {name for tree in trees for name in asked_names(tree)}
    assert {"balancer.tasks.cut", "balancer.tasks.report", "balancer.tasks.sweep", "node.converge"} <= asked
    assert asked - tasks == set()


def test_a_name_is_seen_however_it_is_handed_on() -> None:
    module = "def go():\n    ask('no.such')\ndef ask(name):\n    tell(name)\ndef tell(name):\n    app.send_task(name)"
    assert asked_names(ast.parse(module)) == {"no.such"}
    assert asked_names(ast.parse("beat = {'x': {'task': 'no.such'}}")) == {"no.such"}


# HAProxy's core speaks HAProxy's words, in which a backend is our pool: so nothing there is called so.


def names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.keyword(arg=str(name)):
                yield name


def test_nothing_in_haproxys_core_is_called_backend() -> None:
    found = {file: {name for name in names(tree) if "backend" in name.lower()} for file, tree in core()}
    assert {file: called for file, called in found.items() if called} == {}
    assert [file for file, _ in core() if "backend" in file] == []


def core() -> list[tuple[str, ast.Module]]:
    found = list(sources("balancer/haproxy"))
    assert len(found) > 10
    return found


def test_a_name_is_seen_wherever_it_stands() -> None:
    lines = (
        "def x(backend): ...",
        "class Backend: ...",
        "x.backend",
        "backends = 1",
        "f(backend=1)",
        "def backend(): ...",
    )
    assert [line for line in lines if not any("backend" in n.lower() for n in names(ast.parse(line)))] == []
