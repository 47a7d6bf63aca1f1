"""The run directory: what a run needs to resume, and what is needed to load the pruned model.

    run.json              what was asked: settings, model, data (written first)
    steps.json            the finished rounds, each with its Cut
    round-N.safetensors   the weights after round N, the last; gone once the run is finished
    latency.json          the times that decide, where latency is the target or is matched
    chosen.json           the winner of the round under way, and chosen.safetensors, its weights
    model.safetensors     the finished network's weights, beside cuts.json
    config.json, ...      where transformers can load it as it is: all that it needs for that
    README.md             the model card, unless there is one of somebody else's
    summary.json, report.html
    leanfair.json         what the directory is, and the hashes of what is read again
    .lock                 held while a run is under way; .lock.json says by which process

Every file is written to a temporary name and moved, so a run killed at any moment resumes. What is
read again is first held against its hash.
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
from leanfair.files import TensorFile, json_bytes, locked
from leanfair.files.own_folder import NAME as MARK
from leanfair.files.own_folder import check_own, claim, may_put, put, read_own, settle, verify
from leanfair.files.writing import Content
from leanfair.models.parent_card import CARD
from leanfair.pruning.checkpoint.architecture import rebuilt, replayed
from leanfair.pruning.checkpoint.same_run import check_same
from leanfair.pruning.checkpoint.weights import SCRATCH, read_model, saved_of, write_model
from leanfair.pruning.cut_schema import CutEntry
from leanfair.pruning.measured_schema import LatencyTable, Reading, TimesRecord
from leanfair.pruning.schema import ChosenRecord, StepRecord, Summary, WrittenRecord
from leanfair.pruning.training.distributed import taking_turns, worst
from leanfair.pruning.types import Cut, Kind, Step

WRITTEN = (
    "*.json", "*.safetensors", "*.training", "*.bin", "*.jinja", "*.model", "report.html",
    "tokenizer*", "vocab*", "merges*",
)  # fmt: skip
"""What files are called that a run writes, a tokenizer's among them."""
KEPT = ("steps.json", "cuts.json", "summary.json", "chosen.json")
"""What a run leaves behind that says what run it was only beside its run.json."""
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
        with taking_turns():
            if self.writes:
                claim(self.path, "prune", WRITTEN)
                if not (self.path / "run.json").exists():
                    put(self.path, {"run.json": json_bytes(asked)})

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
        if record.exists() and (path / MARK).exists():
            check_own(path, "prune", WRITTEN)
        elif not record.exists():
            check_own(path, "prune", WRITTEN)
            left = [name for name in KEPT if (path / name).exists()]
            if left:
                raise RunDirectoryError(
                    f"{path} holds a run whose run.json is missing (but {left[0]} is there): bring "
                    f"it back from a copy, or choose another directory."
                )
            return
        had: WrittenRecord = read_own(path, "run.json", WrittenRecord)
        if not resume:
            raise RunDirectoryError(
                f"{path} already holds a run: resume it (resume=True, --resume) or choose another "
                f"directory."
            )
        check_same(path, had, asked)

    def begun(self) -> bool:
        """Whether a run was begun here."""
        return self.path is not None and (self.path / "run.json").exists()

    def settings(self) -> Mapping[str, Any]:
        """The settings of the run that was begun here; none where there is no run."""
        if self.path is None or not self.begun():
            return {}
        had: WrittenRecord = read_own(self.path, "run.json", WrittenRecord)
        return had["settings"]

    def steps(self) -> list[Step]:
        """The finished rounds."""
        if self.path is None or not (self.path / "steps.json").exists():
            return []
        return read_steps(self.path)

    def restore(self, model: nn.Module, steps: Sequence[Step]) -> nn.Module:
        """The network after the finished rounds, from the one that the run began with."""
        if not steps or self.path is None:
            return model
        made = [step.cut for step in steps]
        if self.finished():
            return read_model(self.path, replayed(model, made))
        weights = f"round-{len(steps)}.safetensors"
        verify(self.path, weights)
        return rebuilt(model, made, self.path / weights)

    def times(self) -> TimesRecord | None:
        """The times that this run decides by, where they were measured already."""
        if self.path is None or not (self.path / "latency.json").exists():
            return None
        found: TimesRecord = read_own(self.path, "latency.json", TimesRecord)
        return found

    def write_times(self, table: LatencyTable, readings: Sequence[Reading] = ()) -> None:
        """Write down the times that this run decides by, and what the stopwatch said of them."""
        if self.path is None:
            return
        with taking_turns():
            if self.writes:
                record: TimesRecord = {"table": table, "readings": list(readings)}
                put(self.path, {"latency.json": json_bytes(record)})

    def write_choice(
        self, step: int, cut: Cut, cka: Mapping[Kind, float | None], model: nn.Module
    ) -> None:
        """Write down the winner of a round before its recovery begins."""
        if self.path is None:
            return
        with taking_turns():
            if self.writes:
                chosen = {"round": step, "cut": cut.to_json(), "cka": dict(cka)}
                put(self.path, {
                    "chosen.safetensors": TensorFile(saved_of(model, adapted=True)),
                    "chosen.json": json_bytes(chosen),
                })  # fmt: skip

    def choice(
        self, step: int, parent: nn.Module
    ) -> tuple[Cut, dict[Kind, float | None], nn.Module] | None:
        """The winner of round `step`, if it was chosen before the run was killed."""
        if self.path is None or not (self.path / "chosen.json").exists():
            return None
        data: ChosenRecord = read_own(self.path, "chosen.json", ChosenRecord)
        if data["round"] != step:
            return None
        verify(self.path, "chosen.safetensors")
        cut = Cut.from_json(data["cut"])
        cka: dict[Kind, float | None] = {
            "layer": data["cka"]["layer"], "neurons": data["cka"]["neurons"]
        }  # fmt: skip
        return cut, cka, rebuilt(parent, [cut], self.path / "chosen.safetensors")

    def write_step(self, steps: Sequence[Step], model: nn.Module) -> None:
        """Write down that a round is finished."""
        if self.path is None:
            return
        with taking_turns():
            if self.writes:
                self._write_step(self.path, steps, model)

    def _write_step(self, path: Path, steps: Sequence[Step], model: nn.Module) -> None:
        put(path, {
            f"round-{len(steps)}.safetensors": TensorFile(saved_of(model, adapted=True)),
            "steps.json": json_bytes([step.to_json() for step in steps]),
        })  # fmt: skip
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
        card: str | None = None,
    ) -> None:
        """Write the finished network, its model `card` and the summary; what only resuming needed
        goes. A card that leanfair did not write, or that was changed since, stays."""
        if self.path is None:
            return
        with taking_turns():
            if self.writes:
                write_model(self.path, model, tokenizer)
                cuts = [step.cut.to_json() for step in steps]
                written: dict[str, Content] = {"cuts.json": json_bytes(cuts)}
                if card is not None and not self.card_stays():
                    written[CARD] = card.encode()
                put(self.path, {**written, "summary.json": json_bytes(summary)})

    def card_stays(self) -> list[str]:
        """A sentence where there is a model card that somebody else wrote, so that none is
        written."""
        if self.path is None or may_put(self.path, CARD):
            return []
        return [f"{self.path / CARD} is not leanfair's: it stays, and no model card was written."]

    def write_steps(self, steps: Sequence[Step]) -> None:
        """Write down rounds that were finished before there was a directory."""
        if self.path is not None:
            put(self.path, {"steps.json": json_bytes([step.to_json() for step in steps])})

    def tidy(self) -> None:
        """Remove what only resuming needed, and what a kill in the middle of a write left."""
        if self.path is None or not self.writes:
            return
        for pattern in LEFTOVERS:
            for file in self.path.glob(pattern):
                file.unlink(missing_ok=True)
        for folder in self.path.glob(f"{SCRATCH}*"):
            shutil.rmtree(folder, ignore_errors=True)
        settle(self.path)

    def finished(self) -> Summary | None:
        """The summary, if this run is finished. Raises RunDirectoryError where files that a
        finished run has are missing, damaged, or of another run."""
        if self.path is None or not (self.path / "summary.json").exists():
            return None
        summary: Summary = read_own(self.path, "summary.json", Summary)
        record: WrittenRecord = read_own(self.path, "run.json", WrittenRecord)
        steps = read_steps(self.path) if summary["steps"] else []
        for what, one, other in (
            ("summary.json", summary["model"]["fingerprint"], record["model"]["fingerprint"]),
            (
                "summary.json",
                [step["index"] for step in summary["steps"]],
                [s.index for s in steps],
            ),
            ("cuts.json", read_cuts(self.path), [step.cut for step in steps]),
        ):
            if one != other:
                raise RunDirectoryError(
                    f"{self.path / what} is of another run than the files beside it: bring it back "
                    f"from a copy, or run again in another directory."
                )
        return summary


def read_steps(path: Path) -> list[Step]:
    """The finished rounds of the run in `path`."""
    found: list[StepRecord] = read_own(path, "steps.json", list[StepRecord])
    return [Step.from_json(step) for step in found]


def read_cuts(path: Path) -> list[Cut]:
    """The cuts of the finished run in `path`."""
    found: list[CutEntry] = read_own(path, "cuts.json", list[CutEntry])
    return [Cut.from_json(cut) for cut in found]
