"""Whether a capitalised word is somebody's first name, a title belongs to a name, and the like."""

from __future__ import annotations

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.mentions.parsed_text import Scene

_NAMES = ("name", "word name")


def is_first_name(scene: Scene, found: Candidate) -> bool:
    """Whether a name of the lists is a first name where it stands.

    Not after a determiner, not as the last of a run of capitals (LeBron James), not in the name of
    a place or a firm (James Street).
    """
    i = found.start
    if not scene.is_capitalised(i):
        return False
    if scene.word(i - 1) in scene.english.names["articles"] and scene.one_space(i):
        return False
    return not _names_a_place(scene, found.stop) and _may_open_name(scene, i, found.stop)


def is_word_name(scene: Scene, found: Candidate) -> bool:
    """The same for a name that is also a word: at the head of a sentence only before a verb."""
    i = found.start
    if not is_first_name(scene, found):
        return False
    names = scene.english.names
    if _opens_sentence(scene, i):
        if scene.one_space(found.stop) and scene.is_capitalised(found.stop):
            return scene.word(found.stop) not in scene.english.function
        verb = scene.word(found.stop)
        if verb in names["being"]:
            return _has_pronoun(scene)
        return verb in names["doing"] or (verb.endswith("ed") and verb not in ("need", "used"))
    return scene.word(i - 1) not in ("of", "in", "at", "near")


def _has_pronoun(scene: Scene) -> bool:
    """Whether the text has he, she, his or her: then "Grace is" speaks of somebody."""
    return not {"he", "she", "his", "her", "him", "hers"}.isdisjoint(scene.words)


def _opens_sentence(scene: Scene, i: int) -> bool:
    before = scene.before(i - 1)
    return before < 0 or scene.word(before) in {".", "!", "?", ":", "|", "-"} or scene.new_line(i)


def _names_a_place(scene: Scene, i: int) -> bool:
    """Whether the run of capitals from i on ends in a word such as Street or University."""
    while scene.is_capitalised(i) and scene.one_space(i):
        if scene.word(i) in scene.english.names["places"]:
            return True
        i += 1
    return False


def _may_open_name(scene: Scene, i: int, stop: int) -> bool:
    """Whether what stands before leaves room for a first name."""
    before = i - 1
    names = scene.english.names
    if scene.word(before) == "." and scene.word(before - 1) == "st":
        return False
    if scene.word(before) == "." and scene.word(before - 1) in names["abbreviations"]:
        return _has_surname(scene, stop)
    if not (scene.is_capitalised(before) and scene.one_space(i)):
        return True
    if scene.word(before) in names["kin"] | scene.english.function:
        return True
    if scene.word(before) in names["titles"]:
        return _has_surname(scene, stop) or scene.word(before) in ("nurse", "detective", "officer")
    if (
        scene.kind_ending_at(before, *_NAMES) is not None
        or scene.word(before) in scene.english.first_names
    ):
        return _has_surname(scene, stop)
    return _opens_sentence(scene, before) and not scene.is_capitalised(stop)


def _has_surname(scene: Scene, stop: int) -> bool:
    return scene.is_capitalised(stop) and scene.one_space(stop)


def is_title(scene: Scene, found: Candidate) -> bool:
    """Whether a title stands before a name: Mr. Smith, Mr. and Mrs. Smith, MR SMITH."""
    if not scene.is_capitalised(found.start):
        return False
    i = found.stop
    if scene.word(i) in ("and", "&", "or"):
        return scene.kind_at(i + 1, "title", "married title") is not None
    if scene.word(i) == "/":
        return scene.kind_at(i + 1, "title", "married title") is not None
    if scene.word(found.start - 1) == "/":
        return True
    return scene.is_capitalised(i) and (
        scene.one_space(i) or scene.text[scene.tokens[i].start - 1] == "."
    )


def is_married(scene: Scene) -> bool:
    """Whether the text speaks of a marriage, or of Mr. and Mrs. together."""
    if not scene.english.names["marital"].isdisjoint(scene.words):
        return True
    return any(
        _is_couple(scene, i) for i, word in enumerate(scene.words) if word in ("and", "&", "/")
    )


def _is_couple(scene: Scene, i: int) -> bool:
    before = scene.kind_ending_at(i - 1, "title", "married title")
    return before is not None and scene.kind_at(i + 1, "title", "married title") is not None
