"""What the model card of a network that is pruned says of it: its licence, and what the hub calls
it. Nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CARD = "README.md"
UNKNOWN = "unknown"
_MOST = 1 << 20
"""Characters of a card that are read."""
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_SNAPSHOT = re.compile(r"models--(?P<name>[\w.-]+)/snapshots/[0-9a-f]{7,}/?$")


@dataclass(frozen=True)
class ParentCard:
    """`name`: how the hub may call the network, None where it has no such name. `licence`, and
    what else the card says of it: `licence_name`, `licence_link`; it is "unknown" where no card
    tells."""

    name: str | None = None
    licence: str = UNKNOWN
    licence_name: str | None = None
    licence_link: str | None = None


def place_of(config: Any) -> str | None:
    """The folder, or the model of the hub, that a configuration of transformers was read from."""
    name = str(getattr(config, "name_or_path", None) or "")
    return name if "/" in name or (name and Path(name).is_dir()) else None


def parent_card(model: Any, title: str) -> ParentCard:
    """What the card of `model` says, where it was read from a folder or the hub; `title` is what a
    person calls it."""
    place = place_of(vars(model).get("config"))
    name = hub_name(place) or hub_name(title.replace(" ", "-"))
    found = metadata_of(_text(place)) if place else {}
    licence = _word(found.get("license"))
    if licence is None:
        return ParentCard(name)
    return ParentCard(
        name, licence, _word(found.get("license_name")), _word(found.get("license_link"))
    )


def hub_name(place: str | None) -> str | None:
    """`place` as a name of the hub: that of a snapshot in its cache, too; None where it can be
    none."""
    if not place:
        return None
    if found := _SNAPSHOT.search(place.replace("\\", "/")):
        return found["name"].replace("--", "/", 1)
    if Path(place).is_dir():
        place = Path(place).resolve().name
    fits = _HUB_NAME.fullmatch(place) and len(place) <= 96
    return place if fits and "--" not in place and ".." not in place else None


def metadata_of(text: str) -> Mapping[str, Any]:
    """The YAML at the head of a card; empty where there is none, or it is broken."""
    found = re.match(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", text, re.DOTALL)
    try:
        data = yaml.safe_load(found[1]) if found else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _text(place: str) -> str:
    """The card of a model in the folder `place`, or of that name in the hub's cache."""
    file: Any = Path(place) / CARD
    if not Path(place).is_dir():
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            file = try_to_load_from_cache(place, CARD)
        except HFValidationError:
            return ""
    if not isinstance(file, (str, Path)):
        return ""
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read(_MOST)
    except OSError:
        return ""


def _word(value: Any) -> str | None:
    """One line of text out of an entry; of several, as a list of licences, all of them."""
    values = value if isinstance(value, list) else [value]
    words = [" ".join(str(each).split()) for each in values if isinstance(each, str)]
    return ", ".join(word for word in words if word)[:300] or None
