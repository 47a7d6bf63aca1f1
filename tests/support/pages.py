"""A report page, read as a browser would, and text that must never get through to it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
EVIL = "<script>alert('x')</script>&\"<b>"


class Page(HTMLParser):
    """A parsed page: its elements, the text inside each, and whether every element is closed."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(source)
        self.close()
        assert not self.open, f"never closed: {[tag for tag, _, _ in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        each = (tag, dict(attrs), [])
        self.found.append(each)
        if tag not in VOID:
            self.open.append(each)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1][0] == tag, f"</{tag}> closes <{self.open[-1][0]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for _, _, texts in self.open:
            texts.append(data)

    def all(self, tag: str, **attributes: str) -> list[str]:
        """The texts of the elements `tag` that have `attributes`; `class_` holds among others."""
        return [
            " ".join("".join(texts).split())
            for name, attrs, texts in self.found
            if name == tag
            and all(
                value in (attrs.get(key.rstrip("_").replace("_", "-")) or "").split()
                if key == "class_"
                else attrs.get(key.replace("_", "-")) == value
                for key, value in attributes.items()
            )
        ]

    @property
    def text(self) -> str:
        """Everything that is read."""
        return " ".join("".join(self.found[0][2] if self.found else []).split())

    @property
    def drawings(self) -> list[ET.Element]:
        """Every SVG, by an XML parser, which forgives nothing."""
        return [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", self.source, re.S)]
