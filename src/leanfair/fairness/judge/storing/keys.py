"""Under which key an answer is kept: made of all that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any

from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt

VERSION = 1
"""Counts how prompts are put before models and answers are read; part of every key."""


def key_of(identity: Mapping[str, Any], prompt: Prompt, options: Options) -> str:
    """The key of the answer of the model that `identity` tells."""
    return keys_of(identity, [prompt], options)[0]


def keys_of(identity: Mapping[str, Any], prompts: Sequence[Prompt], options: Options) -> list[str]:
    """The key of each answer: the SHA-256 of the JSON of [version, identity, system turn, text,
    options], of which all but the text is written once."""
    head = json.dumps([VERSION, dict(identity)], sort_keys=True)[:-1]
    last = f", {json.dumps(options.to_json(), sort_keys=True)}]".encode()
    begun: dict[str | None, Any] = {}
    keys = []
    for prompt in prompts:
        start = begun.get(prompt.system)
        if start is None:
            start = hashlib.sha256(f"{head}, {json.dumps(prompt.system or '')}, ".encode())
            begun[prompt.system] = start
        key = start.copy()
        key.update(encode_basestring_ascii(prompt.text).encode())
        key.update(last)
        keys.append(key.hexdigest())
    return keys
