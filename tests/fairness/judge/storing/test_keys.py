"""The key of an answer depends on all that the answer does."""

from __future__ import annotations

import hashlib
import json

from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.judge.storing.keys import key_of, keys_of

IDENTITY = {"kind": "k", "model": "m", "fingerprint": "f"}


def test_the_key_depends_on_all_that_an_answer_does() -> None:
    options = Options.of(["yes", "no"])
    keys = {
        key_of(IDENTITY, Prompt("a"), options),
        key_of({**IDENTITY, "fingerprint": "g"}, Prompt("a"), options),
        key_of({**IDENTITY, "model": "n"}, Prompt("a"), options),
        key_of(IDENTITY, Prompt("A"), options),
        key_of(IDENTITY, Prompt("a", system="s"), options),
        key_of(IDENTITY, Prompt("a"), Options.of({"yes": ["yes"], "no": ["no", "nope"]})),
    }
    assert len(keys) == 6
    # what is before the first slot is in the text already, and the order of options changes nothing
    assert key_of(IDENTITY, Prompt("a", head="a"), options) in keys
    assert key_of(IDENTITY, Prompt("a"), Options.of(["no", "yes"])) in keys


def test_the_keys_of_many_prompts_are_the_hashes_of_their_parts() -> None:
    options = Options.of({"ja": ["ja", "Ja é"], "nein": ["nein"]})
    prompts = [Prompt(text, system) for text in ("a", "é\n\"\\\ud83d\x00", "") for system in
               (None, "", "ß")]  # fmt: skip
    for prompt, key in zip(prompts, keys_of(IDENTITY, prompts, options), strict=True):
        parts = [1, IDENTITY, prompt.system or "", prompt.text, options.to_json()]
        written = json.dumps(parts, sort_keys=True).encode()
        assert key == key_of(IDENTITY, prompt, options) == hashlib.sha256(written).hexdigest()
