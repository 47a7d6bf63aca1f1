"""Language models of transformers on this machine: a hub id, a folder, a GGUF file, or a pair
(model, tokenizer) already in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Local
from leanfair.fairness.judge.backends.tokens import Dialect, Forms, Tokens
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.types import Answer
from leanfair.models.gguf import content_hash, converted

if TYPE_CHECKING:
    from leanfair.fairness.judge.backends.scoring import Query, Scorer, Sharing

_FILES = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja")
_CHUNK = 4096
"""Prompts that are laid out at once: more would only take memory."""
_TOGETHER = 8
"""Prompts continued at once, where it has to be seen what a model says instead of an option."""


class LocalBackend:
    """Scores options by their log-probability behind the prompt (see `scoring`).

    Where they capture less than `min_captured`, the model goes on to write `max_new_tokens`, so
    that a refusal can be told from anything else. `sharing`: how common starts are computed once,
    `budget`: tokens in one forward pass (both as `Scorer` has them).
    """

    def __init__(
        self,
        local: Local,
        options: Options,
        min_captured: float = 0.1,
        *,
        sharing: Sharing = "auto",
        budget: int | None = None,
    ) -> None:
        self.local = local
        self.options = options
        self.min_captured = min_captured
        self.sharing: Sharing = sharing
        self.budget = budget
        model = local.model if isinstance(local.model, tuple) else os.fspath(local.model)
        self._given: str | tuple[Any, Any] = model
        if isinstance(model, str) and Path(model).is_dir() and not _is_model(Path(model)):
            raise InputError(
                f"The folder {model} holds no language model: it needs a config.json, weights and "
                f"a tokenizer, as transformers saves them."
            )

    # ---- the interface of a back end ----------------------------------------------------------

    def identity(self) -> Mapping[str, Any]:
        """The model's name, and a hash of its files, or its commit on the hub."""
        dtype = {} if self.local.dtype == "auto" else {"dtype": self.local.dtype}
        plain = {} if self.local.chat is None else {"chat": self.local.chat}
        return {"kind": "transformers", **self._identity, **dtype, **plain}

    def check(self, prompts: Sequence[Prompt]) -> Mapping[int, str]:
        """Prompts that are longer than the model's context, with an answer behind them. Without
        prompts, as where a store knows all answers, nothing is loaded."""
        if not prompts:
            return {}
        limit = self._limit
        lengths = [
            query.longest()
            for start in range(0, len(prompts) if limit else 0, _CHUNK)
            for query in self._queries(prompts[start : start + _CHUNK])
        ]
        return {
            index: f"makes a prompt of {length} tokens, but this model's context holds {limit}: "
            f"shorten the text or the prompt."
            for index, length in enumerate(lengths)
            if limit and length > limit
        }

    def ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """Score the options behind each prompt; then see what was said instead, where they
        capture little."""
        for start in range(0, len(prompts), _CHUNK):
            for index, answer in self._ask(prompts[start : start + _CHUNK]):
                yield start + index, answer

    def token_count(self, text: str) -> int:
        """How many tokens `text` is, without special ones."""
        return self.dialect.count(text)

    # ---- what is loaded when it is needed -----------------------------------------------------

    @cached_property
    def dialect(self) -> Dialect:
        """The model's tokenizer and the options in it."""
        if isinstance(self._given, tuple):
            tokenizer = self._given[1]
        else:
            from transformers import AutoTokenizer

            from leanfair.models.pretrained import load_part

            tokenizer = load_part(AutoTokenizer, self._given, self._source, self._revision)
        return Dialect(tokenizer, self.options, self.local.chat)

    @cached_property
    def scorer(self) -> Scorer:
        """The model, ready to score."""
        from leanfair.fairness.judge.backends.scoring import Scorer

        model = self._given[0] if isinstance(self._given, tuple) else self._load()
        return Scorer(model.eval(), self.sharing, self.budget, self.local.batch_size)

    @cached_property
    def _config(self) -> Any:
        if isinstance(self._given, tuple):
            return self._given[0].config
        from transformers import AutoConfig

        from leanfair.models.pretrained import load_part

        return load_part(AutoConfig, self._given, self._source, self._revision)

    @cached_property
    def _source(self) -> str:
        """What transformers opens: a folder or a hub id."""
        path = Path(str(self._given))
        return str(converted(path)) if path.is_file() else str(self._given)

    @cached_property
    def _identity(self) -> Mapping[str, Any]:
        if isinstance(self._given, tuple):
            from leanfair.models.origin import weights_hash

            name = self.local.name or type(self._given[0]).__name__
            return {"model": name, "fingerprint": weights_hash(self._given[0])}
        path = Path(self._given)
        if path.is_file():
            return {"model": path.name, "fingerprint": content_hash(path)}
        if path.is_dir():
            files = sorted(f for f in path.iterdir() if f.is_file() and f.suffix in _FILES)
            return {"model": path.resolve().name, "fingerprint": content_hash(*files)}
        return {"model": self._given, "fingerprint": self._revision}

    @cached_property
    def _revision(self) -> str | None:
        """The commit of a model on the hub; None of one that is not there."""
        if isinstance(self._given, tuple) or Path(self._given).exists():
            return None
        from huggingface_hub import hf_hub_download

        try:
            found = hf_hub_download(self._given, "config.json", revision=self.local.revision)
        except (OSError, ValueError) as error:
            from leanfair.models.pretrained import no_model

            raise no_model(self._given, error) from error
        return Path(found).parent.name

    @property
    def _limit(self) -> int | None:
        config = self._config.get_text_config()
        given = getattr(config, "max_position_embeddings", None)
        if isinstance(given, int) and given > 0:
            return given
        stated = getattr(self.dialect.tokenizer, "model_max_length", None)
        return stated if isinstance(stated, int) and stated < 10**9 else None

    def _load(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        from leanfair.models.pretrained import load_part

        device = self.local.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = self.local.dtype
        if dtype == "auto" and device == "cpu":  # half precision is slower there, not faster
            dtype = "float32"
        assert isinstance(self._given, str)
        model = load_part(
            AutoModelForCausalLM, self._given, self._source, self._revision, dtype=dtype
        )
        return model.to(device)

    # ---- scoring ------------------------------------------------------------------------------

    def _ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        queries = self._queries(prompts)
        forms = [self.dialect.forms(self.dialect.render(prompt)) for prompt in prompts]
        unclear = []
        for index, logs in self.scorer.score(queries, self.dialect.head(prompts[0])):
            answer = self._answer(forms[index], logs)
            if answer.captured < self.min_captured and self.local.max_new_tokens:
                unclear.append((index, answer))
            else:
                yield index, answer
        for start in range(0, len(unclear), _TOGETHER):
            some = unclear[start : start + _TOGETHER]
            texts = self._written([queries[index].prompt for index, _ in some])
            for (index, answer), text in zip(some, texts, strict=True):
                yield index, Answer("answered", answer.probabilities, answer.captured, text)

    def _queries(self, prompts: Sequence[Prompt]) -> list[Query]:
        from leanfair.fairness.judge.backends.scoring import Query

        texts = [self.dialect.render(prompt) for prompt in prompts]
        return [
            Query(tokens, self.dialect.forms(text).sequences)
            for text, tokens in zip(texts, self.dialect.encode(texts), strict=True)
        ]

    def _answer(self, forms: Forms, logs: Sequence[float]) -> Answer:
        names = self.options.names
        shares, captured = forms.masses(logs, len(names))
        return Answer("answered", dict(zip(names, shares, strict=True)), captured)

    def _written(self, prompts: Sequence[Tokens]) -> list[str]:
        """What the model writes behind each prompt, taking the likeliest token each time."""
        import torch

        model, tokenizer = self.scorer.model, self.dialect.tokenizer
        width = max(len(prompt) for prompt in prompts)
        known = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        pad = next(token for token in known if token is not None)
        ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                max_new_tokens=self.local.max_new_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=pad,
            )
        texts: list[str] = tokenizer.batch_decode(out[:, width:], skip_special_tokens=True)
        return texts


def _is_model(folder: Path) -> bool:
    return (folder / "config.json").is_file()
