"""Links between the files of the documentation lead to a file, and to a heading that is there."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

from tests.support.places import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Where a page links to, outside of its code."""
    plain = CODE.sub("", text)
    return [*LINK.findall(plain), *REFERENCE.findall(plain)]


@lru_cache
def anchors(page: Path) -> set[str]:
    """What can stand behind the # of a link to this page: the ids in it, and its headings in lower
    case without punctuation, numbered where they are equal."""
    text = page.read_text("utf-8")
    found = set(re.findall(r"<a id=\"([^\"]+)\"", text))
    seen: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+?)\s*#*$", re.sub(r"(?ms)^```.*?^```", "", text), re.M):
        words = re.sub(r"<[^>]+>|\]\([^)]*\)", "", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if slug in seen else slug)
        seen[slug] = seen.get(slug, 0) + 1
    return found


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere inside the project."""
    text = page.read_text("utf-8")
    lost = []
    for link in links(text):
        if re.match(r"[a-z][a-z+.-]*:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        there = target.exists() and target.is_relative_to(ROOT if ROOT in page.parents else "/")
        if not there or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link)
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_there_are_links_to_check() -> None:
    assert sum(len(links(page.read_text("utf-8"))) for page in PAGES) > 100


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text(
        "# One: two, *three*\n```\n# no heading\n```\n## Again\n## Again\n"
    )
    page = tmp_path / "a.md"
    page.write_text(
        "[a](b.md) ![i](b.md) [b](b.md#one-two-three) [c](b.md#again-1) [d](https://x.y/z#q)\n"
        "`[e](code.md)`\n```\n[f](code.md)\n```\n"
        '[g](gone.md) [h](b.md#no-heading) [i](b.md#again-2 "title") [j](#nothing)\n'
        "\n[k]: gone2.md\n"
    )
    assert broken(page) == ["gone.md", "b.md#no-heading", "b.md#again-2", "#nothing", "gone2.md"]
