"""Whether test data are those that a run was trained or chosen on, as far as its hashes tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from leanfair.data import batches
from leanfair.data.batches import Source
from leanfair.data.raw.image_set import Images
from leanfair.errors import InputError
from leanfair.files.own_folder import read_own
from leanfair.pruning.checkpoint.fingerprints import digest_of, fingerprint_of
from leanfair.pruning.schema import WrittenRecord

UNKNOWN = (
    "Whether the test data share samples with those that the run was trained or chosen on is not "
    "known: the run keeps a hash of all of them together."
)


def check_unseen(run: Path, test: Source) -> None:
    """Raise InputError where `test` is, to the last sample, what the run in `run` was trained on,
    or what its candidates were chosen on."""
    record: WrittenRecord = read_own(run, "run.json", WrittenRecord)
    data = record["data"]
    prints = set(prints_of(test))
    if data.get("train_inputs") in prints:
        raise _refusal(run, "trained")
    drawn = batches.iterate(test, 128, shuffle=record["settings"].get("seed", 0))
    if data["fingerprint"] == digest_of(list(drawn)):  # in the order in which the run drew them
        raise _refusal(run, "chosen")


def overlap_note(run: Path, test: Source) -> str | None:
    """What is not known of an overlap; None where the test data are the run's own, which it held
    apart itself."""
    record: WrittenRecord = read_own(run, "run.json", WrittenRecord)
    data = record["data"]
    own = data.get("test_inputs")
    return None if own is not None and own in set(prints_of(test)) else UNKNOWN


def prints_of(source: Source) -> Iterator[str]:
    """The hashes of the inputs of `source`: images that are augmented in training have another."""
    forms = [source]
    if isinstance(source, Images):
        forms = [replace(source, augment=True), replace(source, augment=False)]
    for form in forms:
        found = fingerprint_of(form).inputs
        if found is not None:
            yield found


def _refusal(run: Path, what: str) -> InputError:
    return InputError(
        f"The test data are those that the run in {run} was {what} on, so its figures would say "
        f"nothing: give data that it has not seen."
    )
