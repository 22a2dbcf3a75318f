"""The page of imports, without JavaScript: every line is shown before anything is done."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from balancer.models import Pool, Route
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build
from tests.db.changes.conftest import Fleet
from tests.db.changes.test_cfg import CFG, LUA, everything
from tests.pages import page_of, signed_in, text

PAGE = "/t/ours/import"


def asked(body: str, **more: str) -> dict[str, str]:
    return {"text": body, "form": "auto", "mode": "merge", "host": "a.test", "step": "look", **more}


def client(fleet: Fleet, role: Role = Role.ADMIN, language: str = "en") -> Client:
    return signed_in(build.member(fleet.tenant, role), language)


def seen(shown: str) -> str:
    found = re.search(r'name="seen" value="(\w{64})"', shown)
    assert found
    return found[1]


def states(shown: str) -> list[str]:
    return re.findall(r'data-testid="line-\d+" data-state="(\w+)"', shown)


def test_one_looks_at_every_line_and_then_imports(fleet: Fleet) -> None:
    visitor, before = client(fleet), everything(fleet)
    assert "What to import" in text(visitor.get(PAGE))
    shown = page_of(visitor.post(PAGE, asked(CFG)))
    assert len(states(shown)) == len(CFG.splitlines())
    assert "The process is the service&#x27;s own." in shown
    assert "3 new" in shown
    assert everything(fleet) == before
    done = visitor.post(PAGE, asked(CFG, step="import", seen=seen(shown)), follow=True)
    assert "It is imported." in text(done)
    with tenant_scope(fleet.tenant):
        assert (Pool.objects.count(), Route.objects.count()) == (3, 2)


def test_what_was_not_looked_at_is_not_imported(fleet: Fleet) -> None:
    visitor, before = client(fleet), everything(fleet)
    first = seen(page_of(visitor.post(PAGE, asked(CFG))))
    other = page_of(visitor.post(PAGE, asked(CFG.replace("9001", "9009"), step="import", seen=first)))
    assert "look at it again" in other
    assert everything(fleet) == before


def test_refused_lines_ask_to_be_left_out(fleet: Fleet) -> None:
    visitor = client(fleet)
    shown = page_of(visitor.post(PAGE, asked(LUA)))
    assert "1 line did something that the import does not do." in shown
    assert states(page_of(visitor.post(PAGE, asked(LUA, only="refused")))) == ["refused"]
    again = page_of(visitor.post(PAGE, asked(LUA, step="import", seen=seen(shown))))
    assert "Line 10: " in again
    assert len(states(again)) == len(LUA.splitlines())
    visitor.post(PAGE, asked(LUA, step="import", seen=seen(shown), partial="on"))
    with tenant_scope(fleet.tenant):
        assert Route.objects.count() == 2


def test_a_file_takes_the_place_of_the_text(fleet: Fleet) -> None:
    visitor = client(fleet)
    sent: dict[str, Any] = {**asked("nothing"), "file": SimpleUploadedFile("haproxy.cfg", CFG.encode())}
    shown = page_of(visitor.post(PAGE, sent))
    assert "use_backend api if { path_beg /api }" in shown
    bad: dict[str, Any] = {**asked(""), "file": SimpleUploadedFile("x", b"\xff\xfe")}
    assert "The file is no text in UTF-8." in page_of(visitor.post(PAGE, bad))


def test_mistakes_stand_at_their_fields(fleet: Fleet) -> None:
    visitor = client(fleet)
    assert "Choose a file, or paste a text." in page_of(visitor.post(PAGE, asked("  ")))
    shown = page_of(visitor.post(PAGE, asked(CFG, host="")))
    assert re.search(r'id="id_host_error".*?name the host that they shall have', shown, re.DOTALL)
    wrong = page_of(visitor.post(PAGE, asked(CFG.replace("127.0.0.1:9002", "169.254.169.254:80"))))
    assert "Line 13: 169.254.169.254 is" in wrong


def test_an_export_comes_back(fleet: Fleet) -> None:
    build.route(fleet.tenant, host="b.test")
    document = fleet.api.get("/api/config/export?format=yaml").content.decode()
    shown = page_of(client(fleet).post(PAGE, asked(document, host="", mode="replace")))
    assert "No object differs." in shown
    assert "Every line of the file" not in shown


def test_it_speaks_portuguese(fleet: Fleet) -> None:
    shown = page_of(client(fleet, language="pt-br").post(PAGE, asked(LUA)))
    for said in ("O processo é do próprio serviço.", "Rotas não fazem nada como http-request lua.check.", "Gerenciada"):
        assert said in shown


def test_who_may_not_edit_has_no_import(fleet: Fleet) -> None:
    assert client(fleet, Role.VIEWER).get(PAGE).status_code == 403


def test_looking_is_expensive_and_a_refusal_speaks_their_language(fleet: Fleet, settings: Any) -> None:
    rules = "".join(f"    http-request set-header X-{n} v\n" for n in range(80))
    many = CFG.replace("    default_backend site\n", f"{rules}    default_backend site\n", 1)
    shown = page_of(client(fleet, language="pt-br").post(PAGE, asked(many)))
    assert "Uma rota altera no máximo 20 cabeçalhos" in shown
    settings.THROTTLES = {"expensive": 2}
    visitor = client(fleet)
    assert [visitor.post(PAGE, asked(CFG)).status_code for _ in range(3)].count(429) >= 1
    assert {visitor.get(PAGE).status_code for _ in range(12)} == {200}, "looking at the empty form is not"
