"""How the source is built: imports point one way at every folder's level, rooms stay small, and
each file has its tests. `python -m tests.support.house` prints what is measured here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import house as building
from tests.support.house import House

CHECKOUT = Path(__file__).resolve().parents[1]
HOUSE = House(CHECKOUT)

MOST_FLOORS = {"": 7, "pruning": 8, "fairness": 6}
MOST_FILES = 12
MOST_LINES = 350
MOST_LINES_OF_OLD = 400
LONG: set[str] = set()
"""Files that are longer than MOST_LINES. It may only get shorter."""

UNTESTED: set[str] = set()
"""Files without a test file at their place. It may only get shorter."""


def place_of_tests(module: str) -> Path:
    """Where the tests of a module are: tests/a/test_b.py for a.b."""
    *rooms, name = module.split(".")
    return Path("tests", *rooms, f"test_{name}.py")


@pytest.mark.parametrize("room", HOUSE.rooms)
def test_no_room_has_a_circle_of_imports(room: str) -> None:
    assert building.circles(HOUSE.level(room)) == []


def test_no_files_import_each_other_in_a_circle_across_rooms() -> None:
    files = set(HOUSE.paths)
    assert building.circles({name: HOUSE.imports[name] & files for name in files}) == []


def test_no_file_imports_from_the_face_of_a_room_it_stands_in() -> None:
    assert HOUSE.own_faces() == []


def test_no_arrow_points_upward() -> None:
    assert HOUSE.upward() == []


def test_every_room_and_file_at_the_top_has_its_place_in_the_order() -> None:
    assert set(HOUSE.level("")) <= set(building.ORDER)


def test_the_wings_never_meet() -> None:
    wings = {"pruning", "fairness"}
    level = HOUSE.level("")
    assert all(not level[wing] & wings for wing in wings)


@pytest.mark.parametrize("room", sorted(MOST_FLOORS))
def test_a_room_has_few_floors(room: str) -> None:
    assert building.height(HOUSE.level(room)) <= MOST_FLOORS[room]


def test_no_folder_is_crowded() -> None:
    assert {room: n for room, n in HOUSE.crowds().items() if n > MOST_FILES} == {}


def test_no_private_name_is_used_in_another_file() -> None:
    assert HOUSE.private() == []


def test_no_file_is_too_long_to_read() -> None:
    lengths = {name: HOUSE.lines(name) for name in HOUSE.paths}
    assert {name for name in lengths if lengths[name] > MOST_LINES} == LONG, (
        "split what is new here; take what is shorter now out of LONG"
    )
    assert max(lengths.values()) <= MOST_LINES_OF_OLD


def test_every_file_has_its_tests_at_the_mirrored_place() -> None:
    missing = {name for name in HOUSE.paths if not (CHECKOUT / place_of_tests(name)).exists()}
    new, done = sorted(missing - UNTESTED), sorted(UNTESTED - missing)
    assert not new, f"these need a test file, such as {place_of_tests(new[0])}: {new}"
    assert not done, f"these are tested now, or gone; take them out of UNTESTED: {done}"


def test_nothing_is_loaded_with_a_pickle_and_no_remote_code_is_trusted() -> None:
    for path in HOUSE.source.rglob("*.py"):
        text = path.read_text()
        assert not re.search(r"\bimport pickle\b|trust_remote_code=True|weights_only=False", text)
        for call in re.findall(r"torch\.load\([^)]*\)", text):
            assert "weights_only=True" in call, path


BROAD = re.compile(
    r"except:|except (Base)?Exception\b|except \(.*\bException\b|suppress\(Exception"
)
CATCHING_ALL = {
    "fairness.judge.backends.function": 1,  # a callable of the user's
    "fairness.judge.backends.server.backend": 1,  # handed over to the thread that waits for it
    "pruning.checkpoint.onnx": 3,  # an exporter and a runtime whose errors share no class
    "serving.guard": 1,  # a server tells where an error was raised, and not its words
    "serving.together": 1,  # a model is code of others, and many wait for the thread that asks it
    "pruning.structures.supported": 1,  # a module's own way of being copied
}
"""How often a file catches every error: where code that is not ours runs, which may raise anything.
It may only get shorter."""


def test_errors_that_are_caught_are_named() -> None:
    broad = {name: len(BROAD.findall(path.read_text())) for name, path in HOUSE.paths.items()}
    assert {name: count for name, count in broad.items() if count} == CATCHING_ALL


def built(folder: Path, **files: str) -> House:
    """A small house of the given files; "a__b" is a/b.py."""
    for name, text in files.items():
        path = folder.joinpath("src", "leanfair", *name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(folder)


def test_a_circle_is_found_inside_functions_and_by_way_of_a_folder(tmp_path: Path) -> None:
    small = built(
        tmp_path,
        a__one="def f():\n    from leanfair.b.two import g\n",
        b__two="from leanfair.a import three\n",
        a__three="import leanfair.version\n",
        version="",
    )
    assert building.circles(small.level("")) == [["a", "b"]]
    assert building.circles(small.level("a")) == []
    assert building.height(small.level("")) == 2


def test_an_arrow_upward_and_a_room_s_own_face_are_found(tmp_path: Path) -> None:
    small = built(
        tmp_path,
        data__tables="from leanfair.pruning import loop\n",
        pruning__loop="from leanfair.pruning import Cut\nfrom leanfair.data.tables import rows\n",
        errors="import leanfair.data.tables\n",
        files="from leanfair import __version__\n",
    )
    assert small.upward() == [
        "data.tables -> pruning.loop", "errors -> data.tables", "files -> leanfair",
    ]  # fmt: skip
    assert small.own_faces() == ["files -> leanfair", "pruning.loop -> pruning"]


def test_private_names_are_found_however_they_are_reached(tmp_path: Path) -> None:
    small = built(
        tmp_path,
        a="_kept = 1\n",
        b="from leanfair.a import _kept\n",
        c="from leanfair import a\nprint(a._kept, a.__name__, self._own)\n",
        d="import leanfair.a\nprint(leanfair.a._kept)\n",
    )
    assert small.private() == ["b: _kept", "c: a._kept", "d: leanfair.a._kept"]


def test_floors_count_the_longest_chain() -> None:
    graph = {"a": ["b", "d"], "b": ["c"], "c": [], "d": []}
    assert building.floors(graph) == {"a": 3, "b": 2, "c": 1, "d": 1}


CATCHES_ALL = {"fairness.judge.backends.function"}
"""Files of the fair wing that may catch whatever is raised: by code that a user hands in."""


def test_the_fair_wing_catches_the_errors_that_it_means() -> None:
    broad = re.compile(r"except( Exception\b.*)?:|suppress\(Exception\)")
    found = {
        name
        for name, path in HOUSE.paths.items()
        if name.startswith("fairness.") and broad.search(path.read_text("utf-8"))
    }
    assert found == CATCHES_ALL
