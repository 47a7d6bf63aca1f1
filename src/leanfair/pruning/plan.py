"""Looking ahead: the cuts that compete in the next round of a run, without doing anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from leanfair.data.batches import Source
from leanfair.data.text import as_tokens
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.conflicts import check_fit, check_streamed
from leanfair.pruning.loop import propose
from leanfair.pruning.presets import OF_TRAINING, settings_from
from leanfair.pruning.run.setup import set_up, standing, timed
from leanfair.pruning.settings import renamed
from leanfair.pruning.types import Cut, Target

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from leanfair.pruning.prune_options import PruneOptions
    from leanfair.pruning.settings import Preset


@dataclass(frozen=True)
class Plan:
    """The next step of a run.

    `round` is its number (from 1) and `cuts` what competes in it: the layer cut, the neuron cut, or
    one of them where the other kind is exhausted. Without any, `stopped_because` says why. `macs`
    (for one sample) and `params` are the current network's; `removed` and `target` the shares of
    the cost removed so far and asked for.
    """

    round: int
    cuts: tuple[Cut, ...]
    macs: int
    params: int
    removed: float
    target: float
    stopped_because: str

    def to_json(self) -> dict[str, Any]:
        """This plan in plain JSON types; each cut also in words, as `text`."""
        return {
            "round": self.round,
            "macs": self.macs,
            "params": self.params,
            "removed": self.removed,
            "target": self.target,
            "stopped_because": self.stopped_because or None,
            "cuts": [{**cut.to_json(), "text": str(cut)} for cut in self.cuts],
        }


def plan(
    model: nn.Module,
    *,
    calibration: Source,
    cut: float,
    of: Target = "macs",
    out: str | Path | None = None,
    preset: Preset | None = None,
    tokenizer: Any = None,
    **settings: Unpack[PruneOptions],
) -> list[Cut]:
    """The cuts that compete in the next round of `prune` with these arguments, layer first; empty
    where the run is over. Nothing is trained, cut or written; where `out` holds a run already, its
    next round is meant. Raises what `prune` raises before it begins.
    """
    ahead = look_ahead(
        model,
        calibration=calibration,
        cut=cut,
        of=of,
        out=out,
        preset=preset,
        tokenizer=tokenizer,
        **settings,
    )
    return list(ahead.cuts)


def look_ahead(
    model: nn.Module,
    *,
    calibration: Source,
    cut: float,
    of: Target = "macs",
    out: str | Path | None = None,
    preset: Preset | None = None,
    tokenizer: Any = None,
    **settings: Unpack[PruneOptions],
) -> Plan:
    """`plan`, with where the run stands."""
    given = {"cut": cut, "of": of, **settings}
    directory = RunDirectory(Path(out) if out else None, writes=False)
    # A plan needs no training or test data; what hangs on them is as the run says.
    known, asked = directory.settings(), renamed(given)[0]
    said = {name: known[name] for name in OF_TRAINING if name in known and name not in asked}
    chosen = settings_from(preset, {**said, **given}, model)
    held = as_tokens(calibration, tokenizer)
    check_fit(given, chosen, model, held, tokenizer)
    check_streamed(chosen, model, None, None)
    task = set_up(model, chosen, held, None, None, RunDirectory(None), None, None)
    data = {"fingerprint": task.record.data.fingerprint}
    record = task.record.to_json()
    directory.check({**record, "data": data}, resume=True)
    run = standing(timed(task, directory), directory)
    cuts = None if run.met_target() else propose(run)
    return Plan(
        round=len(run.steps) + 1,
        cuts=tuple(cuts or ()),
        macs=run.parent.cost.macs,
        params=run.parent.cost.params,
        removed=run.removed,
        target=chosen.cut,
        stopped_because=run.stopped_because,
    )
