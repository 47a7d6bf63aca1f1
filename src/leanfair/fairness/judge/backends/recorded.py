"""A store of answers in the place of a model: what was asked once can be audited again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leanfair.errors import InputError
from leanfair.fairness.judge.prompt import Prompt, Template
from leanfair.fairness.judge.store import Store
from leanfair.fairness.types import Answer


class RecordedBackend:
    """Answers nothing that is not in the store already."""

    def __init__(self, identity: Mapping[str, Any], path: object) -> None:
        self._identity = identity
        self._path = path

    def identity(self) -> Mapping[str, Any]:
        """That of the model whose answers these are."""
        return self._identity

    def check(self, prompts: Sequence[Prompt]) -> Mapping[int, str]:
        """Every prompt that gets here is one too many."""
        why = f"is not in the store {self._path}: give the model, so that it can be asked."
        return dict.fromkeys(range(len(prompts)), why)

    def ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """Nothing."""
        return iter(())

    def token_count(self, text: str) -> int | None:
        """Not known."""
        return None


def recorded(
    store: Store, model_name: str | None, prompt: str | os.PathLike[str] | None
) -> tuple[RecordedBackend, Mapping[str, Any]]:
    """The judge that wrote `store`: a back end in the place of its model, and what it said of
    itself. Where several did, `model_name` and `prompt` pick one."""
    asked = None if prompt is None else Template.of(prompt).source
    judges = [
        judge
        for judge in store.judges.values()
        if model_name in (None, judge["identity"]["model"]) and asked in (None, judge["prompt"])
    ]
    if len(judges) != 1:
        names = ", ".join(str(judge["identity"]["model"]) for judge in store.judges.values())
        raise InputError(
            f"The store {store.path} holds the answers of {len(judges)} judges that fit "
            f"({names or 'none at all'}): name another store, or one judge by its model_name and "
            f"prompt."
        )
    return RecordedBackend(judges[0]["identity"], store.path), judges[0]
