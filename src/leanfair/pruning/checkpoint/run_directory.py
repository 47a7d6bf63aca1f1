"""The run directory: what a run needs to resume, and what is needed to load the pruned model.

    run.json              what was asked: settings, model, data (written first)
    steps.json            the finished rounds, each with its Cut
    round-N.safetensors   the weights after round N, the last; gone once the run is finished
    chosen.json           the winner of the round under way, and chosen.safetensors, its weights
    model.safetensors     the finished network's weights, beside cuts.json
    config.json, ...      where transformers can load it as it is: all that it needs for that
    summary.json, report.html
    .lock                 held while a run is under way; .lock.json says by which process

Every file is written to a temporary name and moved, so a run killed at any moment resumes.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from leanfair.errors import RunDirectoryError
from leanfair.files import locked, read_json, write_json, write_tensors
from leanfair.pruning.checkpoint.architecture import rebuilt, replayed
from leanfair.pruning.checkpoint.weights import SCRATCH, read_model, write_model
from leanfair.pruning.schema import Summary
from leanfair.pruning.settings import completed
from leanfair.pruning.training.distributed import taking_turns, worst
from leanfair.pruning.types import Cut, Kind, Step

FORMAT = 1
LEFTOVERS = (
    "round-*.safetensors",
    "chosen.json",
    "chosen.safetensors",
    "*.training",
    ".*.part",
)


@dataclass(frozen=True)
class RunDirectory:
    """Where a run is written down; with `path` None, nowhere. `writes` is False on all processes
    but the main one.

    A context: the lock that `begin` takes is released at its end.
    """

    path: Path | None
    writes: bool = True
    _held: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, *raised: object) -> None:
        self._held.close()

    def begin(self, asked: Mapping[str, Any], resume: bool) -> None:
        """Lock the directory for a run of what is `asked`, or make sure that it is the same one
        that is resumed. Raises RunDirectoryError where it is not, or where another process runs
        there."""
        self.take(asked, resume)
        self.write_record(asked)

    def take(self, asked: Mapping[str, Any], resume: bool) -> None:
        """What `begin` does, but nothing is written down yet."""
        self.check(asked, resume)
        if self.path is not None:
            self._lock(self.path)
            self.check(asked, resume)  # another run may have ended only just now

    def check(self, asked: Mapping[str, Any], resume: bool) -> None:
        """Raise RunDirectoryError where this is no directory for a run of what is `asked`."""
        if self.path is not None:
            self._check_free(self.path, self.path / "run.json", asked, resume)

    def write_record(self, asked: Mapping[str, Any]) -> None:
        """Write down what is `asked`, where that is not done yet."""
        if self.path is None:
            return
        record = self.path / "run.json"
        with taking_turns():
            if self.writes and not record.exists():
                write_json(record, asked)

    def _lock(self, path: Path) -> None:
        """Lock the directory in the main process, for all processes of this run."""
        refusal = None
        if self.writes:
            remedy = "wait until it ends, or choose another directory"
            try:
                lock = locked(path / ".lock", f"The run directory {path}", remedy)
                self._held.enter_context(lock)
            except RunDirectoryError as error:
                refusal = error
        if worst(refusal is not None):
            raise refusal or RunDirectoryError(f"The main process could not lock {path}.")

    def _check_free(self, path: Path, record: Path, asked: Mapping[str, Any], resume: bool) -> None:
        if record.exists():
            if not resume:
                raise RunDirectoryError(
                    f"{path} already holds a run: resume it (resume=True, --resume) or choose "
                    f"another directory."
                )
            _same_run(path, read_json(record), asked)
        elif path.exists() and not path.is_dir():
            raise RunDirectoryError(f"{path} is a file: choose a directory for the run.")
        elif path.exists() and any(path.glob("*.safetensors")):
            raise RunDirectoryError(
                f"{path} holds weights that are not of a run: choose another directory."
            )

    def steps(self) -> list[Step]:
        """The finished rounds."""
        if self.path is None or not (self.path / "steps.json").exists():
            return []
        return [Step.from_json(step) for step in read_json(self.path / "steps.json")]

    def restore(self, model: nn.Module, steps: Sequence[Step]) -> nn.Module:
        """The network after the finished rounds, from the one that the run began with."""
        if not steps or self.path is None:
            return model
        made = [step.cut for step in steps]
        if self.finished():
            return read_model(self.path, replayed(model, made))
        return rebuilt(model, made, self.path / f"round-{len(steps)}.safetensors")

    def write_choice(
        self, step: int, cut: Cut, cka: Mapping[Kind, float | None], model: nn.Module
    ) -> None:
        """Write down the winner of a round before its recovery begins."""
        if self.path is None:
            return
        with taking_turns():
            if self.writes:
                write_tensors(self.path / "chosen.safetensors", model.state_dict())
                chosen = {"round": step, "cut": cut.to_json(), "cka": dict(cka)}
                write_json(self.path / "chosen.json", chosen)

    def choice(
        self, step: int, parent: nn.Module
    ) -> tuple[Cut, dict[Kind, float | None], nn.Module] | None:
        """The winner of round `step`, if it was chosen before the run was killed."""
        if self.path is None or not (self.path / "chosen.json").exists():
            return None
        data = read_json(self.path / "chosen.json")
        if data["round"] != step:
            return None
        cut = Cut.from_json(data["cut"])
        return cut, data["cka"], rebuilt(parent, [cut], self.path / "chosen.safetensors")

    def write_step(self, steps: Sequence[Step], model: nn.Module) -> None:
        """Write down that a round is finished."""
        if self.path is None:
            return
        with taking_turns():
            if self.writes:
                self._write_step(self.path, steps, model)

    def _write_step(self, path: Path, steps: Sequence[Step], model: nn.Module) -> None:
        write_tensors(path / f"round-{len(steps)}.safetensors", model.state_dict())
        write_json(path / "steps.json", [step.to_json() for step in steps])
        for old in (
            path / f"round-{len(steps) - 1}.safetensors",
            path / "chosen.json",
            path / "chosen.safetensors",
        ):
            old.unlink(missing_ok=True)

    def scratch(self, name: str) -> Path | None:
        """A file for the state of fine-tuning that is under way."""
        return None if self.path is None else self.path / f"{name}.training"

    def write_result(
        self,
        model: nn.Module,
        steps: Sequence[Step],
        summary: Summary,
        tokenizer: Any = None,
    ) -> None:
        """Write the finished network and the summary; what only resuming needed goes."""
        if self.path is None:
            return
        with taking_turns():
            if self.writes:
                write_model(self.path, model, tokenizer)
                write_json(self.path / "cuts.json", [step.cut.to_json() for step in steps])
                write_json(self.path / "summary.json", summary)

    def tidy(self) -> None:
        """Remove what only resuming needed, and what a kill in the middle of a write left."""
        if self.path is None or not self.writes:
            return
        for pattern in LEFTOVERS:
            for file in self.path.glob(pattern):
                file.unlink(missing_ok=True)
        for folder in self.path.glob(f"{SCRATCH}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def finished(self) -> Summary | None:
        """The summary, if this run is finished."""
        if self.path is None or not (self.path / "summary.json").exists():
            return None
        summary: Summary = read_json(self.path / "summary.json")
        return summary


def _same_run(path: Path, had: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    if had.get("format") != FORMAT:
        raise RunDirectoryError(f"{path} was written by another version of leanfair.")
    if had["model"]["fingerprint"] != asked["model"]["fingerprint"]:
        raise RunDirectoryError(
            f"{path} is the run of another model ({had['model']['name']}): resume it with that "
            f"model, or choose another directory."
        )
    if had["data"]["fingerprint"] != asked["data"]["fingerprint"]:
        raise RunDirectoryError(
            f"{path} is a run on other calibration data: resume it with the same data, or choose "
            f"another directory."
        )
    for name in ("train", "test"):
        if name in asked["data"] and had["data"][name] != asked["data"][name]:
            raise RunDirectoryError(
                f"{path} is a run with {had['data'][name] or 'no'} samples of {name} data, not "
                f"{asked['data'][name] or 'none'}: resume it with the same data."
            )
    were = _flat(completed(had["settings"]))
    for name, value in _flat(asked["settings"]).items():
        if were.get(name) != value:
            raise RunDirectoryError(
                f"{path} is a run with {name} {were.get(name)}, not {value}: resume it with the "
                f"same settings, or choose another directory."
            )


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those of the recipe among them, so that the one that differs is named."""
    own = {name: value for name, value in settings.items() if name != "recipe"}
    return {**own, **settings.get("recipe", {})}
