"""What the linter cannot say: the library's own ways of choosing a tenant are not used, anywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BANNED = frozenset({"schema_context", "tenant_context", "set_tenant", "set_schema", "set_schema_to_public"})
# The backend itself, and the test that the connection refuses to be moved.
MAY = frozenset({"tenants/postgres/base.py", "tests/db/tenants/test_scope.py", "tests/unit/tenants/test_lint.py"})


def sources() -> list[Path]:
    apps = ("tenants", "billing", "balancer", "veloflux_site", "tests", "ai")
    found = [path for app in apps for path in (ROOT / app).rglob("*.py")]
    return [path for path in found if str(path.relative_to(ROOT)) not in MAY]


def offences(source: str) -> Iterator[str]:
    """The library's context managers and setters (stack.md 3.1), and `with tenant:` in its own form."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in BANNED:
            yield f"{node.lineno}: {node.attr}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django_tenants"):
            yield from (f"{node.lineno}: {name.name}" for name in node.names if name.name in BANNED)
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                expression = item.context_expr
                name = expression.attr if isinstance(expression, ast.Attribute) else getattr(expression, "id", "")
                if name.endswith("tenant") or name in ("ours", "theirs"):
                    yield f"{node.lineno}: with {name}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_tenant_is_entered_by_its_scope_only(path: Path) -> None:
    assert list(offences(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "with tenant: pass",
        "with request.tenant: pass",
        "from django_tenants.utils import schema_context",
        "from django_tenants.utils import tenant_context as t",
        "django_tenants.utils.schema_context('x')",
        "connection.set_tenant(t)",
        "connection.set_schema_to_public()",
    ],
)
def test_the_ban_sees_each_of_them(source: str) -> None:
    assert list(offences(source))


def test_the_ban_leaves_ours_alone() -> None:
    assert not list(offences("with tenant_scope(tenant), platform_scope(): pass"))
