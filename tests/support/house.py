"""How the source is built: its files, and who imports whom, at each folder's level.

`python -m tests.support.house [PATH]` prints lines, files, floors and import circles of the
checkout at PATH (this one, without), so that two versions can be compared.

A room is a folder. What stands in a room are its files and its sub-folders; one of them rests on
another where a file of the one imports a file of the other, at any depth. A room's faces, that is
`__init__.py` and `__main__.py`, hand names on and are not counted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

PACKAGE = "leanfair"
FACES = {"__init__", "__main__"}
ORDER: dict[str, set[str]] = {}
"""What each of the rooms and files at the top may import, besides itself."""
_GROUND = {"version", "errors", "lazy", "files", "options", "similarity", "statistics", "html"}
for _name in (*_GROUND, "moved"):
    ORDER[_name] = {*_GROUND}
ORDER["data"] = set(ORDER) - {"moved"}
ORDER["models"] = ORDER["evaluation"] = ORDER["data"] | {"data"}
ORDER["pruning"] = ORDER["fairness"] = ORDER["data"] | {"data", "models", "evaluation"}
ORDER["comparison"] = ORDER["pruning"] | {"pruning", "fairness"}
# Serving is over HTTP what a command is on a terminal: above the fair wing, and below the commands.
ORDER["serving"] = ORDER["data"] | {"data", "models", "fairness"}
ORDER["cli"] = ORDER["comparison"] | {"comparison", "serving"}


class House:
    """The source of a checkout, by the names of its modules below the package, such as
    "pruning.loop"."""

    def __init__(self, checkout: Path) -> None:
        self.source = checkout / "src" / PACKAGE

    @cached_property
    def paths(self) -> dict[str, Path]:
        """Module -> its file, faces apart."""
        found = sorted(self.source.rglob("*.py"))
        return {self.name(path): path for path in found if path.stem not in FACES}

    @cached_property
    def rooms(self) -> list[str]:
        """The packages, the whole ("") first."""
        found = {path.parent for path in self.source.rglob("*.py")}
        return sorted(self.name(path) for path in found)

    def name(self, path: Path) -> str:
        return ".".join(path.relative_to(self.source).parts).removesuffix(".py")

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        return {name: ast.parse(path.read_text()) for name, path in self.paths.items()}

    def _target(self, dotted: str) -> str | None:
        """The module or room that `dotted`, from an import, is or is a name of."""
        if dotted != PACKAGE and not dotted.startswith(f"{PACKAGE}."):
            return None
        name = dotted.removeprefix(PACKAGE).removeprefix(".")
        while name and name not in self.paths and name not in self.rooms:
            name = name.rpartition(".")[0]
        return name

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """Module -> the modules, and rooms by their faces, that it imports: inside functions and
        for a type checker alone, too."""
        return {
            name: {
                target
                for dotted in imported(tree)
                if (target := self._target(dotted)) is not None and target != name
            }
            for name, tree in self.trees.items()
        }

    def level(self, room: str) -> dict[str, set[str]]:
        """What stands in `room` -> what of the same room it imports."""
        inside = f"{room}." if room else ""

        def here(name: str) -> str | None:
            rest = name.removeprefix(inside)
            return rest.partition(".")[0] if name.startswith(inside) and rest else None

        graph: dict[str, set[str]] = {}
        for name, targets in self.imports.items():
            if (mine := here(name)) is not None:
                others = {other for target in targets if (other := here(target)) is not None}
                graph.setdefault(mine, set()).update(others - {mine})
        return {name: targets & set(graph) for name, targets in graph.items()}

    def upward(self) -> list[str]:
        """Imports against the order of the rooms at the top. Rooms without a place are left out."""
        return [
            f"{name} -> {target or PACKAGE}"
            for name, targets in sorted(self.imports.items())
            for target in sorted(targets)
            if (mine := name.partition(".")[0]) in ORDER
            and (its := target.partition(".")[0]) != mine
            and (its in ORDER or not its)
            and its not in ORDER[mine]
        ]

    def own_faces(self) -> list[str]:
        """Imports of the face of a room by a file that stands in it: a circle by way of it."""
        return [
            f"{name} -> {target or PACKAGE}"
            for name, targets in sorted(self.imports.items())
            for target in sorted(targets)
            if target in self.rooms and (not target or name.startswith(f"{target}."))
        ]

    def private(self) -> list[str]:
        """Private names of one file that another imports, or reaches through what it imported."""
        return [
            f"{name}: {used}"
            for name, tree in sorted(self.trees.items())
            for used in sorted(set(_private(tree)))
        ]

    def lines(self, name: str) -> int:
        return len(self.paths[name].read_text().splitlines())

    def crowds(self) -> dict[str, int]:
        """Room -> the files in it of any kind; folders of data apart."""
        return {
            room: sum(
                path.is_file() and path.suffix != ".pyc"
                for path in self.source.joinpath(*room.split(".") if room else ()).iterdir()
            )
            for room in self.rooms
        }


def imported(tree: ast.AST) -> Iterator[str]:
    """What a file imports, at any depth: `from a.b import c` gives "a.b.c"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"a relative import, in line {node.lineno}")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _private(tree: ast.AST) -> Iterator[str]:
    ours: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{PACKAGE}."):
            for alias in node.names:
                ours.add(alias.asname or alias.name)
                if _is_private(alias.name):
                    yield alias.name
        elif isinstance(node, ast.Import):
            ours |= {PACKAGE for alias in node.names if f"{alias.name}.".startswith(f"{PACKAGE}.")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            base = ast.unparse(node.value)
            if base.partition(".")[0] in ours:
                yield f"{base}.{node.attr}"


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of two or more nodes that all reach each other."""
    reached = {node: _reached(graph, node) for node in graph}
    groups = {
        frozenset(other for other in reached[node] if node in reached.get(other, ())) | {node}
        for node in graph
    }
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reached(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        for target in graph.get(todo.pop(), ()):
            if target not in found:
                found.add(target)
                todo.append(target)
    return found


def floors(graph: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Node -> its floor: 1 for one that rests on no other, else one above the highest that it rests
    on. The nodes of a circle stand on one floor."""
    ring = {node: frozenset(group) for group in circles(graph) for node in group}
    done: dict[str, int] = {}

    def floor(node: str) -> int:
        if node not in done:
            mine = ring.get(node, frozenset({node}))
            below = {other for one in mine for other in graph[one]} - mine
            height = 1 + max((floor(other) for other in below), default=0)
            done.update(dict.fromkeys(mine, height))
        return done[node]

    return {node: floor(node) for node in graph}


def height(graph: Mapping[str, Iterable[str]]) -> int:
    return max(floors(graph).values(), default=0)


def report(checkout: Path) -> str:
    house = House(checkout)
    count = sum(len(path.read_text().splitlines()) for path in house.source.rglob("*.py"))
    every = {name: targets & set(house.paths) for name, targets in house.imports.items()}
    said = [
        f"{count} lines of Python in {len(list(house.source.rglob('*.py')))} files; "
        f"{len(circles(every))} circles of files, {len(house.upward())} upward arrows, "
        f"{len(house.private())} private names used across files",
        f"longest file: {max((house.lines(name), name) for name in house.paths)}",
        "",
        f"{'room':36} {'floors':>6} {'rooms':>6} {'files':>6}  circles",
    ]
    crowds = house.crowds()
    for room in house.rooms:
        graph = house.level(room)
        rings = "; ".join(" <-> ".join(group) for group in circles(graph))
        said.append(
            f"{room or PACKAGE:36} {height(graph):6} {len(graph):6} {crowds[room]:6}  {rings}"
        )
    for room in ("", "pruning", "fairness"):
        by = floors(house.level(room))
        said += ["", f"{room or PACKAGE}, floor by floor:"]
        for number in range(max(by.values(), default=0), 0, -1):
            said.append(
                f"  {number}  {'  '.join(sorted(name for name in by if by[name] == number))}"
            )
    return "\n".join(said)


if __name__ == "__main__":
    print(report(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2]))
