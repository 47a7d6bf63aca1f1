"""The model card of a pruned network: README.md, with the metadata that the hub reads at its head.

Everything that comes from outside (names, licences, notes) is escaped: it can neither end the
metadata nor become a heading, a link or a tag.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from leanfair.html import formats as f
from leanfair.models.parent_card import UNKNOWN, ParentCard
from leanfair.pruning.report.measures import quality_of
from leanfair.pruning.report.quality import note
from leanfair.pruning.report.story import headline, verdict
from leanfair.pruning.schema import Summary
from leanfair.version import __version__

_SPECIAL = re.compile(r"([\\`*_\[\]|<>~&$@]|:(?=//)|^[#+=-]|^\d+(?=[.)](?:\s|$)))")
_TASKS = {
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForMaskedLM": "fill-mask",
    "ForImageClassification": "image-classification",
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
}
"""What the hub calls the task of a class of transformers."""


def model_card(summary: Summary, parent: ParentCard) -> str:
    """The text of README.md for the network that a run left, whose `summary` is that of
    summary.json and whose first network has the card `parent`."""
    data = yaml.safe_dump(
        metadata(summary, parent), sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return f"---\n{data}---\n\n" + "\n\n".join(_body(summary, parent)) + "\n"


def metadata(summary: Summary, parent: ParentCard) -> dict[str, Any]:
    """What stands at the head of the card: the keys of the hub, and under `leanfair` what was cut
    and what that cost."""
    name = summary["model"]["name"]
    task = next((task for ending, task in _TASKS.items() if name.endswith(ending)), None)
    keys: dict[str, Any] = {
        "license": parent.licence,
        "license_name": parent.licence_name,
        "license_link": parent.licence_link,
        "base_model": parent.name,
        "library_name": "transformers" if summary["stock"] else "leanfair",
        "pipeline_tag": task,
        "tags": ["leanfair", "pruning", "structured-pruning"],
        "leanfair": {
            "version": __version__,
            "cut": summary["settings"]["cut"],
            "of": summary["settings"]["of"],
            "removed": summary["removed"],
            "params": dict(summary["params"]),
            "macs": dict(summary["macs"]),
            "quality": _quality(summary),
        },
    }
    return {key: _plain(value) for key, value in keys.items() if value is not None}


def _quality(summary: Summary) -> dict[str, Any]:
    """The measure on test data before and after, with the interval of its change where known; on
    calibration data where there were no others."""
    quality = quality_of(summary)
    found, data = quality.test(summary), "test"
    if found is None:
        found, data = quality.watched(summary), "calibration"
    if found is None:
        return {"measure": quality.name, "data": None}
    told: dict[str, Any] = {
        "measure": quality.name, "data": data, "before": found[0], "after": found[1]
    }  # fmt: skip
    changes: dict[str, Any] = {
        "accuracy": summary["accuracy_change"],
        "perplexity": summary["perplexity_change"],
        "error": summary["error_change"],
    }
    change = changes.get(quality.name) if data == "test" else None
    if change and change["low"] is not None and change["high"] is not None:
        kind = "ratio" if quality.name == "perplexity" else "change"
        interval = {"value": change["value"], "low": change["low"], "high": change["high"]}
        told[kind] = {**interval, "confidence": 0.95}
    return told


def _body(summary: Summary, parent: ParentCard) -> list[str]:
    quality = quality_of(summary)
    return [
        f"# {escaped(summary['model']['title'])}, pruned",
        escaped(headline(summary)),
        "\n".join(_table(summary)),
        escaped(note(quality, summary)),
        "## Use",
        _use(summary),
        "## How it was made",
        escaped(verdict(summary)) + f" Scored by `{_code(summary['settings']['criterion'])}`, "
        f"chosen round by round between a layer and neurons by how similar the representation "
        f"stays (linear CKA), as in *Pruning Everything, Everywhere, All at Once* "
        f"([arXiv 2506.04513](https://arxiv.org/abs/2506.04513)), by leanfair {__version__}.",
        "\n".join(_steps(summary)),
        "## Licence",
        _licence(parent),
        "## Limits",
        "A network that was pruned may have lost more for some classes, texts or groups of people "
        "than these means show. `leanfair compare` holds it against its parent; `report.html` in "
        "this folder has the whole run.",
        *_notes(summary),
    ]


def _table(summary: Summary) -> list[str]:
    rows = [
        ("parameters", *map(f.exact, _both(summary["params"]))),
        ("multiply-accumulates of one sample", *map(f.exact, _both(summary["macs"]))),
        ("weights", *map(f.size, _both(summary["bytes"]))),
    ]
    quality = quality_of(summary)
    for where, found in (("test", quality.test), ("calibration", quality.watched)):
        if (pair := found(summary)) is not None:
            rows.append((f"{quality.name} ({where} data)", *map(quality.form, pair)))
    lines = ["| | before | after |", "|---|---:|---:|"]
    return lines + [f"| {escaped(n)} | {escaped(a)} | {escaped(b)} |" for n, a, b in rows]


def _both(found: Any) -> tuple[Any, Any]:
    return found["before"], found["after"]


def _use(summary: Summary) -> str:
    ours = 'import leanfair\n\nmodel = leanfair.load("this-folder")'
    if not summary["stock"]:
        return f"```python\n{ours}\n```"
    auto = "AutoModel"
    for ending in ("ForImageClassification", "ForSequenceClassification", "ForCausalLM"):
        if summary["model"]["name"].endswith(ending):
            auto = f"AutoModel{ending}"
    if summary["model"]["name"].endswith("LMHeadModel"):
        auto = "AutoModelForCausalLM"
    stock = f'from transformers import {auto}\n\nmodel = {auto}.from_pretrained("this-folder")'
    return f"```python\n{stock}\n```"


def _steps(summary: Summary) -> list[str]:
    if not summary["steps"]:
        return ["Nothing was removed."]
    return [f"{step['index']}. {escaped(step['text'])}" for step in summary["steps"]]


def _licence(parent: ParentCard) -> str:
    if parent.licence == UNKNOWN:
        return (
            "Unknown: the card of the base model was not found, or names no licence. Look it up "
            "before you hand this model on; what was pruned is still the work of others."
        )
    more = [each for each in (parent.licence_name, parent.licence_link) if each]
    told = f" ({', '.join(map(escaped, more))})" if more else ""
    return f"That of the base model, as its card has it: {escaped(parent.licence)}{told}."


def _notes(summary: Summary) -> list[str]:
    return ["\n".join(f"- {escaped(each)}" for each in summary["notes"] or ())] * bool(
        summary["notes"]
    )


def escaped(text: Any) -> str:
    """`text` on one line, with whatever Markdown or HTML would read in it escaped."""
    return _SPECIAL.sub(lambda found: _apart(found[1]), _line(str(text)))


def _apart(special: str) -> str:
    return f"&#{ord(special[0])};{special[1:]}" if special[0].isdigit() else f"\\{special}"


def _code(text: str) -> str:
    """`text` between backquotes."""
    return _line(text).replace("`", "'")


def _line(text: str) -> str:
    """`text` without what does not print, on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _plain(value: Any) -> Any:
    """`value` for YAML: texts on one line, so that none of them ends the metadata."""
    if isinstance(value, str):
        return _line(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
