"""Asking an open model: equal prompts once, what a store knows not at all, broken rows never."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.base import Backend
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt, name_rows
from leanfair.fairness.judge.store import Store
from leanfair.fairness.judge.storing.keys import keys_of
from leanfair.fairness.types import Answer

Progress = Callable[[int, int], None]
"""Called with how many prompts are answered, and of how many."""


class Asking:
    """A model that is open, the answers of it that are known, and how many it was asked for.

    A judge and its copies share one: weights are loaded once, and an answer that one of them paid
    for the others know. It holds nothing that a decision depends on beyond the model itself.
    """

    def __init__(self, backend: Backend, options: Options, store: Store) -> None:
        self.backend = backend
        self.options = options
        self.store = store
        self.paid = 0
        self._identity: Mapping[str, Any] | None = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells the model from others: its kind, name and fingerprint."""
        if self._identity is None:
            self._identity = dict(self.backend.identity())
        return self._identity

    def answers(
        self,
        prompts: Sequence[Prompt],
        rows: Sequence[int],
        judge: Mapping[str, Any],
        progress: Progress | None,
    ) -> list[Answer]:
        """The answer to each prompt. `rows`: what messages call the prompts by. `judge`: what the
        store is told of who asks."""
        with self._lock:
            keys = keys_of(self.identity, prompts, self.options)
            known = self._known(prompts, keys, rows, judge, progress)
        return [known[key] for key in keys]

    def _known(
        self,
        prompts: Sequence[Prompt],
        keys: Sequence[str],
        rows: Sequence[int],
        judge: Mapping[str, Any],
        progress: Progress | None,
    ) -> dict[str, Answer]:
        """The answer for each key; what is not known is asked, and written down as it comes."""
        names = self.options.names
        known = self.store.find(keys, names)
        # before any is paid for; what others added is known then
        if len(known) < len(set(keys)) and self.store.reserve():
            known = self.store.find(keys, names)
        missing: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key not in known:
                missing.setdefault(key, place)
        places = list(missing.values())
        asked = [prompts[place] for place in places]
        self.check(asked, [rows[place] for place in places])
        if asked:
            self.store.introduce(judge)
        coming = self.backend.ask(asked)
        try:
            for done, (index, answer) in enumerate(coming, start=1):
                key = keys[places[index]]
                self.store.add(key, answer, new=True)
                known[key] = answer
                self.paid += answer.status != "failed"
                if progress is not None:
                    progress(done, len(asked))
        finally:  # at once, not when the traceback is forgotten: no request goes on unseen
            getattr(coming, "close", lambda: None)()
        lost = Answer("failed", captured=0.0, text="The model gave no answer")
        return {key: known.get(key) or lost for key in keys}

    def check(self, prompts: Sequence[Prompt], rows: Sequence[int]) -> None:
        """Raise InputError for what this model cannot be asked, by its row."""
        wrong = self.backend.check(prompts)
        if wrong:
            index = min(wrong, key=lambda i: rows[i])
            others = len({rows[i] for i in wrong}) - 1
            more = f" The same goes for {others} more." if others else ""
            raise InputError(f"{name_rows([rows[index]])} {wrong[index]}{more}")
