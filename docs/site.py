"""What mkdocs asks for while it builds the site: pages made of files that stand outside of docs/.

The first page is README.md, beside it are CHANGELOG.md, the examples as one page, and the reports
of benchmarks that a page links to. Their links are turned, so that each file keeps links that work
where it stands in the repository.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "examples": "examples.md"}
"""What stands outside of docs/ -> the page of the site that shows it."""

LINK = re.compile(r"(\]\()([^)#\s]+)([)#])")
OUTSIDE = re.compile(r"^[a-z]+:")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made here, and the files that they link to."""
    from mkdocs.structure.files import File

    made = {"index.md": turned("README.md"), "changelog.md": turned("CHANGELOG.md")}
    for place, text in {**made, "examples.md": examples()}.items():
        files.append(File.generated(config, place, content=text))
    for name in sorted({*linked("README.md"), *linked("CHANGELOG.md")}):
        if name not in PAGES and not name.startswith("docs/"):
            files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def linked(name: str) -> list[str]:
    """The files of the project that a file at its root links to."""
    text = (ROOT / name).read_text("utf-8")
    return [target for _, target, _ in LINK.findall(text) if not OUTSIDE.match(target)]


def turned(name: str) -> str:
    """A file at the root, with links as they are inside the site."""

    def inside(found: re.Match[str]) -> str:
        before, target, after = found.groups()
        place = PAGES.get(target, target.removeprefix("docs/"))
        return f"{before}{place}{after}"

    return LINK.sub(inside, (ROOT / name).read_text("utf-8"))


def examples() -> str:
    """All examples on one page: what each is for, and its program."""
    parts = ["# Examples", ""]
    for path in sorted((ROOT / "examples").glob("*.py")):
        text = path.read_text("utf-8")
        about = ast.get_docstring(ast.parse(text)) or ""
        parts += [f"## {path.name}", "", about.replace("\n\n", "\n\n"), ""]
        parts += ["```python", text.split('"""', 2)[2].strip(), "```", ""]
    return "\n".join(parts)
