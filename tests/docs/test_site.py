"""The site that `make docs` builds: whole, and without anything from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import leanfair
from docs import site
from tests.support.places import ROOT

SETTINGS = (ROOT / "mkdocs.yml").read_text("utf-8")
MADE = set(site.PAGES.values())
API = {path: path.read_text("utf-8") for path in (ROOT / "docs" / "api").glob("*.md")}
LOADED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*\bhref=[\"']?(?:https?:)?//"
)


def test_every_page_has_its_place_in_the_contents() -> None:
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    listed = re.findall(r"[\w/-]+\.md\b", SETTINGS.partition("\nnav:")[2])
    assert sorted(listed) == sorted(pages | MADE)


def test_every_public_name_is_described_once() -> None:
    described = [name for text in API.values() for name in re.findall(r"^::: (\S+)", text, re.M)]
    homes = {f"leanfair.{home}.{name}" for name, home in leanfair._HOMES.items()}
    every_error = {name for name in homes if name.startswith("leanfair.errors.")}
    assert homes - every_error <= set(described)
    assert "leanfair.errors" in described
    assert len(described) == len(set(described))


def test_fonts_come_with_the_reader_s_machine() -> None:
    class Loader(yaml.SafeLoader):
        """mkdocs has tags of its own."""

    Loader.add_multi_constructor("!", lambda *_: None)
    assert yaml.load(SETTINGS, Loader)["theme"]["font"] is False


def test_links_are_turned_as_they_are_inside_the_site() -> None:
    turned = site.turned("README.md")
    assert "](docs/" not in turned
    assert "](prune.md)" in turned
    assert "](changelog.md)" in turned
    assert "](examples.md)" in turned
    assert turned.count("](") == (ROOT / "README.md").read_text("utf-8").count("](")


def test_the_page_of_examples_holds_every_program() -> None:
    page = site.examples()
    for path in (ROOT / "examples").glob("*.py"):
        assert f"## {path.name}" in page
        assert path.read_text("utf-8").split('"""', 2)[2].strip() in page


@pytest.mark.real
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    pytest.importorskip("mkdocs")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    pages = {
        path.relative_to(tmp_path): path.read_text("utf-8") for path in tmp_path.rglob("*.html")
    }
    assert {Path(name).with_suffix(".html") for name in MADE} <= set(pages)
    assert {str(path) for path, text in pages.items() if LOADED.search(text)} == set()
    styles = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*.css"))
    assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", styles)
    for name in leanfair._HOMES:
        assert any(re.search(rf'id="leanfair\.[\w.]*\b{name}"', page) for page in pages.values()), (
            name
        )
