"""Judge: a prompt and options over a language model, which together decide."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.base import Backend, Settings
from leanfair.fairness.judge.backends.function import FunctionBackend
from leanfair.fairness.judge.backends.open import open_backend
from leanfair.fairness.judge.calibration import (
    CALIBRATIONS,
    EMPTY_CONTENTS,
    Calibration,
    batch_prior,
    calibrated,
    prior_of,
)
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.parse import declines
from leanfair.fairness.judge.prompt import Prompt, Template, as_items, name_rows
from leanfair.fairness.judge.store import Store, key_of
from leanfair.fairness.types import Answer, Decision, Item

if TYPE_CHECKING:
    from typing_extensions import Self

Progress = Callable[[int, int], None]


class Judge(Decider):
    """Decides among options with a language model.

    `model`: a hub id, a folder, a .gguf file, the URL of an OpenAI-compatible server, a callable
    from n texts to probabilities [n, options], a pair (model, tokenizer) of transformers, or a back
    end. `prompt`: a text with the slot {text} for texts, or slots {FIELD} for records; other braces
    doubled; or the path of a file that holds one. `options`: their names, or a dict of name to the
    forms in which an answer may state it; several forms of one option count together.
    `system`: the system turn. `chat`: whether the model's chat template is used; None for wherever
    there is one.

    An answer is "answered" where the options capture at least `min_captured` of the model's
    probability; else "refused" if what the model writes within `max_new_tokens` declines, and
    "unparsed" if not. The label is the most probable option; of equals, the one named first.

    `calibration`: "contextual" or "batch" divides the model's leaning out (see `calibration`); the
    batch is the table that `fit` gets, or else the first that is decided, and stays.

    `store`: a file that keeps every answer, so that a killed run resumes and nothing is paid twice.
    `progress` is called with how many prompts are answered, and of how many.

    Raises InputError for whatever is not as it has to be, naming rows, which are counted from 1.
    """

    def __init__(
        self,
        model: Any,
        prompt: str | os.PathLike[str],
        options: Sequence[str] | Mapping[str, Sequence[str]],
        *,
        calibration: Calibration | None = None,
        system: str | None = None,
        min_captured: float = 0.1,
        max_new_tokens: int = 16,
        chat: bool | None = None,
        device: str = "auto",
        dtype: str = "auto",
        store: str | os.PathLike[str] | Store | None = None,
        batch_size: int | None = None,
        model_name: str | None = None,
        revision: str | None = None,
        api_key: str | None = None,
        concurrency: int = 8,
        timeout: float = 60.0,
        retries: int = 5,
        requests_per_minute: float | None = None,
        progress: Progress | None = None,
    ) -> None:
        given = dict(locals())
        self._params = {k: v for k, v in given.items() if k not in ("self", "__class__")}
        if calibration not in (None, *CALIBRATIONS):
            raise InputError(
                f"calibration is None, {' or '.join(CALIBRATIONS)}, not {calibration!r}."
            )
        if not 0 <= min_captured <= 1:
            raise InputError(f"min_captured is a share from 0 to 1, not {min_captured}.")
        self.template = Template.of(prompt, system)
        self.option_forms = Options.of(options)
        self.calibration: Calibration | None = calibration
        self.min_captured = min_captured
        self.prior: dict[str, float] | None = None
        """The model's leaning, once it is estimated."""
        names = set(Settings.__dataclass_fields__) - {"options"}
        settings = Settings(self.option_forms, **{k: self._params[k] for k in names})
        self.backend: Backend = open_backend(model, settings)
        self.store = store if isinstance(store, Store) else Store(store)
        if isinstance(self.backend, FunctionBackend) and self.store.path and not model_name:
            raise InputError(
                "Name the callable with model_name, and anew when it changes: a store has to tell "
                "models apart."
            )
        self.progress = progress
        self._paid = 0
        self._identity: Mapping[str, Any] | None = None
        self._lock = threading.Lock()

    @staticmethod
    def from_store(
        store: str | os.PathLike[str],
        *,
        model_name: str | None = None,
        prompt: str | os.PathLike[str] | None = None,
        calibration: Calibration | None = None,
        min_captured: float = 0.1,
    ) -> Judge:
        """The judge that wrote `store`, with no model: it knows the answers that are there.

        `model_name` and `prompt` pick one where several judges wrote there.
        """
        from leanfair.fairness.judge.backends.recorded import recorded

        found = Store(store)
        backend, told = recorded(found, model_name, prompt)
        return Judge(
            backend,
            told["prompt"],
            told["options"],
            system=told["system"],
            calibration=calibration,
            min_captured=min_captured,
            store=found,
        )

    # ---- deciding -----------------------------------------------------------------------------

    @property
    def options(self) -> tuple[str, ...]:
        """What is decided among."""
        return self.option_forms.names

    @property
    def forward_passes(self) -> int:
        """How many prompts the model was really given so far."""
        return self._paid

    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        """What the model says about each item, calibrated. Equal prompts are asked once, and those
        that the store knows not at all. `rows`: the number of the row that each item comes from,
        where that is not its place."""
        raw = self._raw(self.template.render(as_items(items), rows), rows)
        prior = self._prior(raw)
        return raw if prior is None else [calibrated(answer, prior) for answer in raw]

    def decide(self, items: Iterable[Item] | Any) -> list[Decision]:
        """One decision for each item: its most probable option, where it is answered."""
        return [self._decision(answer) for answer in self.answers(items)]

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Estimate the prior of the calibration, if there is one; `y` is not looked at."""
        self.prior = None
        if self.calibration == "batch" and X is None:
            raise InputError("Batch calibration needs a table: call fit(X).")
        if self.calibration is not None:
            raw = [] if X is None or self.calibration != "batch" else as_items(X)
            self._prior(self._raw(self.template.render(raw)))
        return self

    def _decision(self, answer: Answer) -> Decision:
        if answer.status != "answered":
            return Decision(None, {}, answer.status, answer.captured, note=answer.text)
        label = self.option_forms.best(answer.probabilities)
        return Decision(label, answer.probabilities, "answered", answer.captured)

    # ---- asking -------------------------------------------------------------------------------

    def _raw(self, prompts: Sequence[Prompt], rows: Sequence[int] | None = None) -> list[Answer]:
        """The answers before calibration, read by `min_captured`."""
        with self._lock:
            keys = [key_of(self.identity, prompt, self.option_forms) for prompt in prompts]
            known = self._found(prompts, keys, rows or range(1, len(prompts) + 1))
        return [self._read(known[key]) for key in keys]

    def _found(
        self, prompts: Sequence[Prompt], keys: Sequence[str], rows: Sequence[int]
    ) -> dict[str, Answer]:
        """The answer for each key; what is not known is asked, and written down as it comes."""
        if any(key not in self.store for key in keys):
            self.store.reserve()  # before any is paid for; what others added is known then
        missing: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key not in self.store:
                missing.setdefault(key, place)
        places = list(missing.values())
        asked = [prompts[place] for place in places]
        self._checked(asked, [rows[place] for place in places])
        known: dict[str, Answer] = {}
        if asked:
            self.store.introduce(self._introduction())
        coming = self.backend.ask(asked)
        try:
            for done, (index, answer) in enumerate(coming, start=1):
                key = keys[places[index]]
                self.store.add(key, answer)
                known[key] = answer
                self._paid += answer.status != "failed"
                if self.progress is not None:
                    self.progress(done, len(asked))
        finally:  # at once, not when the traceback is forgotten: no request goes on unseen
            getattr(coming, "close", lambda: None)()
        lost = Answer("failed", captured=0.0, text="The model gave no answer")
        return {key: known.get(key) or self.store.get(key) or lost for key in keys}

    def _checked(self, prompts: Sequence[Prompt], rows: Sequence[int]) -> None:
        wrong = self.backend.check(prompts)
        if wrong:
            index = min(wrong, key=lambda i: rows[i])
            others = len({rows[i] for i in wrong}) - 1
            more = f" The same goes for {others} more." if others else ""
            raise InputError(f"{name_rows([rows[index]])} {wrong[index]}{more}")

    def _read(self, answer: Answer) -> Answer:
        """`answer` with the status that this judge's threshold gives it."""
        if answer.status != "answered" or answer.captured >= self.min_captured:
            return answer
        refused = bool(answer.text) and declines(answer.text)
        return replace(answer, status="refused" if refused else "unparsed")

    def _prior(self, raw: Sequence[Answer]) -> Mapping[str, float] | None:
        if self.calibration is None or self.prior is not None:
            return self.prior
        if self.calibration == "batch":
            self.prior = batch_prior(raw, self.options)
        else:
            empty = [self.template.fill_alike(content) for content in EMPTY_CONTENTS]
            self.prior = prior_of(self._raw(empty), self.options)
        return self.prior

    # ---- what this is -------------------------------------------------------------------------

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells the model from others: its kind, name and fingerprint."""
        if self._identity is None:
            self._identity = dict(self.backend.identity())
        return self._identity

    def describe(self) -> dict[str, Any]:
        """All that the decisions depend on, in plain JSON types."""
        return {
            "model": self.identity["model"],
            "fingerprint": self.identity["fingerprint"],
            **self._introduction(),
            "prompt_hash": self.template.hash,
            "calibration": self.calibration,
            "min_captured": self.min_captured,
            "prior": self.prior,
            "versions": _versions(),
        }

    def token_count(self, text: str) -> int | None:
        """How many tokens `text` is, None where that is not known."""
        return self.backend.token_count(text)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that this judge was made with."""
        return dict(self._params)

    def __repr__(self) -> str:
        return f"Judge({self._params['model']!r}, options={list(self.options)})"

    def _introduction(self) -> dict[str, Any]:
        """What makes this judge again, but for its model."""
        return {
            "identity": dict(self.identity),
            "prompt": self.template.source,
            "system": self.template.system,
            "options": self.option_forms.to_json(),
        }


def _versions() -> dict[str, str]:
    """The versions of what answers can depend on; of what is installed, without importing it."""
    found = {"python": platform.python_version()}
    for package in ("leanfair", "torch", "transformers", "tokenizers", "openai"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
