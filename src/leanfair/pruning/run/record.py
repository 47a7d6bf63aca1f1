"""What run.json says: enough to know a run again, and to build its network anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from torch import Tensor, nn

from leanfair.data import batches
from leanfair.data.batches import Batch, Source
from leanfair.models.origin import Origin, fingerprint, title_of
from leanfair.pruning.checkpoint.architecture import origin_of
from leanfair.pruning.checkpoint.fingerprints import digest_of, fingerprint_of, labels_digest, told
from leanfair.pruning.checkpoint.same_run import FORMAT
from leanfair.pruning.cost.macs import Cost
from leanfair.pruning.schema import DataEntry, ModelEntry, OriginEntry, RunRecord, SettingsEntry
from leanfair.pruning.settings import Settings


@dataclass(frozen=True)
class ModelRecord:
    """The network that a run begins with: its class and its name in print, a hash of its weights,
    how its architecture is built anew (None where that is not known), and its cost."""

    name: str
    title: str
    fingerprint: str
    origin: Origin | None
    totals: Mapping[str, int]

    def to_json(self) -> ModelEntry:
        """This record in plain JSON types."""
        return {
            "name": self.name,
            "title": self.title,
            "fingerprint": self.fingerprint,
            "origin": cast(OriginEntry, self.origin.to_json()) if self.origin else None,
            "macs": self.totals["macs"],
            "params": self.totals["params"],
            "filters": self.totals["filters"],
        }


@dataclass(frozen=True)
class DataRecord:
    """The data of a run: a hash of the calibration inputs, how many samples there are of each kind
    (None where there are no such data), the shape of one `input` where it is a tensor, and hashes
    of the labels and of the other data (None where there are none, or where they are not the same
    twice)."""

    fingerprint: str
    calibration: int
    train: int | None
    test: int | None
    input: list[int] | None
    labels: str | None = None
    train_inputs: str | None = None
    train_labels: str | None = None
    test_inputs: str | None = None
    test_labels: str | None = None


@dataclass(frozen=True)
class Record:
    """What a run was asked to do, and with what."""

    model: ModelRecord
    data: DataRecord
    settings: Settings
    fine_tune: str | None = None
    choose: str | None = None

    def to_json(self) -> RunRecord:
        """This record in plain JSON types, as run.json holds it."""
        return {
            "format": FORMAT,
            "model": self.model.to_json(),
            "data": cast(DataEntry, asdict(self.data)),
            "settings": cast(SettingsEntry, self.settings.to_json()),
            "fine_tune": self.fine_tune,
            "choose": self.choose,
        }


def record_of(
    base: nn.Module,
    cost: Cost,
    held: list[Batch],
    settings: Settings,
    train: Source | None,
    test: Source | None,
    fine_tune: Callable[..., Any] | None = None,
    choose: Callable[..., Any] | None = None,
) -> Record:
    """The record of a run that prunes `base` with calibration batches `held`."""
    first = held[0].inputs
    taught, asked = fingerprint_of(train), fingerprint_of(test)
    data = DataRecord(
        fingerprint=digest_of(held),
        calibration=sum(map(len, held)),
        train=None if train is None else size_of(train),
        test=None if test is None else size_of(test),
        input=list(first.shape[1:]) if isinstance(first, Tensor) else None,
        labels=labels_digest(held),
        train_inputs=taught.inputs,
        train_labels=taught.labels,
        test_inputs=asked.inputs,
        test_labels=asked.labels,
    )
    model = ModelRecord(
        name=type(base).__name__,
        title=title_of(base),
        fingerprint=fingerprint(base),
        origin=origin_of(base),
        totals=cost.totals(),
    )
    return Record(model, data, settings, told(fine_tune), told(choose))


def size_of(source: Source) -> int:
    """How many samples one pass gives."""
    known = batches.known_size(source)
    return sum(len(batch) for batch in batches.iterate(source)) if known is None else known
