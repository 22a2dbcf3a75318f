"""What is vendored is what its package holds, and every sentence is there in Portuguese. No browser needed."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
VENDOR = ROOT / "static" / "vendor"
CATALOGUE = ROOT / "templates" / "locale" / "pt_BR" / "LC_MESSAGES"
MANIFEST: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text())["vendored"]


@pytest.mark.parametrize("entry", MANIFEST, ids=[entry["folder"] for entry in MANIFEST])
def test_vendored_files_are_what_the_manifest_says(entry: dict[str, Any]) -> None:
    assert entry["folder"].endswith(entry["version"])
    assert entry["licence"]
    there = {path.name for path in (VENDOR / entry["folder"]).iterdir()}
    assert there == set(entry["files"])
    for name, told in entry["files"].items():
        digest = hashlib.sha256((VENDOR / entry["folder"] / name).read_bytes()).hexdigest()
        assert digest == told["sha256"], name


def test_nothing_is_vendored_without_an_entry() -> None:
    assert {path.name for path in VENDOR.iterdir() if path.is_dir()} == {entry["folder"] for entry in MANIFEST}


def test_every_sentence_is_translated_and_compiled(tmp_path: Path) -> None:
    catalogue = CATALOGUE / "django.po"
    blocks = catalogue.read_text().split("\n\n")[1:]
    empty = [block for block in blocks if re.search(r'^msgstr(\[\d\])? ""$', block, re.MULTILINE)]
    assert empty == []
    assert "fuzzy" not in catalogue.read_text()
    if not subprocess.run(["sh", "-c", "command -v msgfmt"], capture_output=True, check=False).stdout:
        pytest.skip("no msgfmt: install gettext")
    made = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", str(made), str(catalogue)], check=True)
    assert made.read_bytes() == (CATALOGUE / "django.mo").read_bytes()


def test_every_sentence_of_the_templates_is_in_the_catalogue() -> None:
    known = set(re.findall(r'^msgid "(.*)"$', (CATALOGUE / "django.po").read_text(), re.MULTILINE))
    used = {
        sentence
        for path in (ROOT / "templates").rglob("*.html")
        for quoted in re.findall(r"""{%\s*translate\s+("[^"]*"|'[^']*')""", path.read_text())
        for sentence in [quoted[1:-1]]
    }
    assert used - known == set()


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_inline_style_or_script(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
