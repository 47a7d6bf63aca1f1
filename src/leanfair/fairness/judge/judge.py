"""Judge: a prompt and options over a language model, which together decide."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from leanfair.errors import InputError
from leanfair.fairness.judge.asking import Asking, Progress
from leanfair.fairness.judge.backends.base import Backend
from leanfair.fairness.judge.backends.function import FunctionBackend
from leanfair.fairness.judge.backends.open import open_backend, with_old_settings
from leanfair.fairness.judge.calibration import (
    CALIBRATIONS,
    EMPTY_CONTENTS,
    Calibration,
    Leaning,
    calibrated,
    prior_of,
)
from leanfair.fairness.judge.decider import Decider, Prepared
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.parse import with_status
from leanfair.fairness.judge.prompt import Prompt, Template, as_items
from leanfair.fairness.judge.refusals import check_phrases
from leanfair.fairness.judge.store import Store
from leanfair.fairness.types import Answer, Decision, Item
from leanfair.version import versions_of

if TYPE_CHECKING:
    from typing_extensions import Self


class Judge(Decider):
    """Decides among options with a language model.

    `model`: a hub id, a folder, a .gguf file, the URL of an OpenAI-compatible server, a callable
    from n texts to probabilities [n, options], or a pair (model, tokenizer) of transformers; with
    settings a `leanfair.Local`, `leanfair.Server` or `leanfair.Function`; or a back end. `prompt`:
    a text with the slot {text} for texts, or slots {FIELD} for records; other braces doubled; or
    the path of a file that holds one. `options`: their names, or a dict of name to the forms in
    which an answer may state it; several forms of one option count together. `system`: the system
    turn.

    An answer is "answered" where the options capture at least `min_captured` of the model's
    probability; else "refused" if what the model writes declines, by a list in `refusals` and by
    the phrases given as `refusals`, and "unparsed" if not. The label is the most probable option;
    of equals, the one named first.

    `calibration`: "contextual" or "batch" divides the model's leaning out (see `calibration`). The
    batch is the table that `fit` gets; without it nothing is decided. A contextual leaning does not
    depend on a table: without `fit` it is estimated for each table anew.

    `store`: a file that keeps every answer, so that a killed run resumes and nothing is paid twice.
    `progress` is called with how many prompts are answered, and of how many.

    A scikit-learn classifier: the constructor keeps its arguments, which are looked at when they
    are first needed, before anything is asked. A clone shares the open model and the answers known
    of it. `prior_`, after `fit`: the leaning, or None. Raises InputError for whatever is not as it
    has to be, naming rows, which are counted from 1.
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
        refusals: Sequence[str] = (),
        store: str | os.PathLike[str] | Store | None = None,
        progress: Progress | None = None,
        **old: Any,
    ) -> None:
        self.model = with_old_settings(model, old) if old else model
        self.prompt = prompt
        self.options = options
        self.calibration = calibration
        self.system = system
        self.min_captured = min_captured
        self.refusals = refusals
        self.store = store
        self.progress = progress

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

    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        """What the model says about each item, calibrated. Equal prompts are asked once, and those
        that the store knows not at all. `rows`: the number of the row that each item comes from,
        where that is not its place."""
        self._check_parameters()
        if self.calibration == "batch" and self.prior is None:
            raise InputError(
                "A judge with batch calibration decides once it knows a batch: call fit(X) with a "
                "table first."
            )
        raw = self._raw(self.template.render(as_items(items), rows), rows)
        prior = self.prior if self.calibration != "contextual" else self.prior or self._contextual()
        return raw if prior is None else [calibrated(answer, prior) for answer in raw]

    def decide(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Decision]:
        """One decision for each item: its most probable option, where it is answered."""
        return [self._decision(answer) for answer in self.answers(items, rows=rows)]

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Estimate the prior of the calibration, if there is one; `y` is not looked at."""
        self._check_parameters()
        if X is None and self.calibration == "batch":
            raise InputError("Batch calibration needs a table: call fit(X).")
        items = [] if X is None or self.calibration != "batch" else as_items(X)
        return self.fit_parts([(items, range(1, len(items) + 1))])

    def fit_parts(self, parts: Iterable[tuple[Sequence[Item], Sequence[int]]]) -> Self:
        """`fit` to a table that comes in parts, each items and the numbers of their rows."""
        self._check_parameters()
        prior = self._contextual() if self.calibration == "contextual" else None
        if self.calibration == "batch":
            leaning = Leaning(self.option_names)
            for items, rows in parts:
                leaning.add(self._raw(self.template.render(items, rows), rows))
            prior = leaning.prior()
        self.prior_ = prior
        return self

    def check(self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None) -> None:
        """Raise InputError where an item cannot fill the prompt."""
        self._check_parameters()
        self.template.render(as_items(items), rows)

    def prepared(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> Prepared:
        """`decide` up to where the model is asked, as `Decider` has it."""
        self._check_parameters()
        found = as_items(items)
        numbers = list(rows or range(1, len(found) + 1))
        self._asking().check(self.template.render(found, numbers), numbers)
        return Prepared(self, found, numbers, lambda given: [self._decision(a) for a in given])

    def forget(self, most: int) -> None:
        """Keep at most so many answers in memory, the latest; those in a file stay."""
        self._asking().store.trim(most)

    def _decision(self, answer: Answer) -> Decision:
        if answer.status != "answered":
            return Decision(None, {}, answer.status, answer.captured, note=answer.text)
        label = self.option_forms.best(answer.probabilities)
        return Decision(label, answer.probabilities, "answered", answer.captured)

    def _contextual(self) -> Mapping[str, float]:
        """What the model says to prompts with nothing in them."""
        template = self.template
        empty = [template.fill_alike(content) for content in EMPTY_CONTENTS]
        return prior_of(self._raw(empty), self.option_names)

    def _raw(self, prompts: Sequence[Prompt], rows: Sequence[int] | None = None) -> list[Answer]:
        """The answers before calibration, read by `min_captured`."""
        numbers = rows or range(1, len(prompts) + 1)
        asking = self._asking()
        found = asking.answers(prompts, numbers, self._introduction(), self.progress)
        forms, least, phrases = self.option_forms, self.min_captured, self.refusals
        return [with_status(answer, forms, least, phrases) for answer in found]

    # ---- parameters, read when they are needed ------------------------------------------------

    def _check_parameters(self) -> None:
        if self.calibration not in (None, *CALIBRATIONS):
            known = " or ".join(CALIBRATIONS)
            raise InputError(f"calibration is None, {known}, not {self.calibration!r}.")
        if not 0 <= self.min_captured <= 1:
            raise InputError(f"min_captured is a share from 0 to 1, not {self.min_captured}.")
        check_phrases(self.refusals)
        _ = self.template, self._asking()

    @property
    def template(self) -> Template:
        """The prompt, read."""
        made: Template = self._once("_template", (self.prompt, self.system), Template.of)
        return made

    @property
    def option_forms(self) -> Options:
        """The options and the forms in which each may be stated."""
        made: Options = self._once("_option_forms", (self.options,), Options.of)
        return made

    def _once(self, name: str, given: tuple[Any, ...], make: Callable[..., Any]) -> Any:
        """What `make` makes of parameters, made again where one of them has changed."""
        known = self.__dict__.get(name)
        if known is None or known[0] != given:
            known = (copy(given), make(*given))
            setattr(self, name, known)
        return known[1]

    def _asking(self) -> Asking:
        """The open model, with the store; opened again where a parameter of it has changed.

        What a clone of the same parameters has opened serves this judge too.
        """
        options = self.option_forms
        given = (self.model, self.store, options, self.min_captured)
        own: list[tuple[tuple[Any, ...], Asking]] = self.__dict__.get("_opened", [])
        shared: list[tuple[tuple[Any, ...], Asking]] = self.__dict__.get("_shared", [])
        for opened in (*own, *shared):
            if _is_of(opened[0], given):
                break
        else:
            opened = (given, self._open(options))
            shared[:] = [opened]  # for clones; the last alone, since weights are large
        self._opened = [opened]
        return opened[1]

    def _open(self, options: Options) -> Asking:
        backend = open_backend(self.model, options, self.min_captured)
        store = self.store if isinstance(self.store, Store) else Store(self.store)
        if isinstance(backend, FunctionBackend) and store.path and not backend.given.name:
            raise InputError(
                "Name the callable, as in leanfair.Function(callable, name=...), and anew when it "
                "changes: a store has to tell models apart."
            )
        return Asking(backend, options, store)

    def __sklearn_clone__(self) -> Judge:
        """A judge with the same parameters that is not fitted; the model is not copied."""
        self.__dict__.setdefault("_shared", list(self.__dict__.get("_opened", ())))
        made = type(self)(**self.get_params(deep=False))
        for name in _MADE_OF_PARAMETERS & vars(self).keys():
            setattr(made, name, getattr(self, name))
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Without the open model, which is opened again where this is unpickled."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in _MADE_OF_PARAMETERS}

    # ---- what this is -------------------------------------------------------------------------

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of the options."""
        return self.option_forms.names

    @property
    def fields(self) -> tuple[str, ...]:
        """The slots of the prompt."""
        return self.template.slots

    @property
    def fitted(self) -> bool:
        """Whether there is no calibration, or it is estimated."""
        return self.calibration is None or self.prior is not None

    @property
    def prior(self) -> Mapping[str, float] | None:
        """The model's leaning, once `fit` has estimated it."""
        return getattr(self, "prior_", None)

    @property
    def forward_passes(self) -> int:
        """How many prompts the model was really given so far, by this judge and its clones."""
        return self._asking().paid

    @property
    def backend(self) -> Backend:
        """The open model."""
        return self._asking().backend

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells the model from others: its kind, name and fingerprint."""
        return self._asking().identity

    def describe(self) -> dict[str, Any]:
        """All that the decisions depend on, in plain JSON types."""
        self._check_parameters()
        return {
            "model": self.identity["model"],
            "fingerprint": self.identity["fingerprint"],
            **self._introduction(),
            "prompt_hash": self.template.hash,
            "calibration": self.calibration,
            "min_captured": self.min_captured,
            "refusals": list(self.refusals),
            "prior": self.prior,
            "versions": versions_of("leanfair", "torch", "transformers", "tokenizers", "openai"),
        }

    def token_count(self, text: str) -> int | None:
        """How many tokens `text` is, None where that is not known."""
        return self.backend.token_count(text)

    def __repr__(self) -> str:
        return f"Judge({self.model!r}, options={self.options!r})"

    def _introduction(self) -> dict[str, Any]:
        """What makes this judge again, but for its model."""
        return {
            "identity": dict(self.identity),
            "prompt": self.template.source,
            "system": self.template.system,
            "options": self.option_forms.to_json(),
        }


_MADE_OF_PARAMETERS = {"_opened", "_shared", "_template", "_option_forms"}
"""Attributes of a judge that are made of its parameters where they are first needed."""


def _is_of(opened: tuple[Any, ...], given: tuple[Any, ...]) -> bool:
    """Whether a model was opened with the parameters (model, store, options, min_captured)."""
    return opened[0] is given[0] and opened[1] is given[1] and opened[2:] == given[2:]
