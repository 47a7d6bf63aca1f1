"""Module names of version 0.1 that still work, with a warning that names the new ones.

They go in the release after next. Names of packages that are still there, such as
`leanfair.pruning.checkpoint`, hand their public names on themselves.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:  # they only say what a finder is, and would import a tenth of what `leanfair --help` does

    class Loader: ...

    class MetaPathFinder: ...


_MOVED = {
    "batches": "data.batches",
    "fairness.adjectives": "fairness.mentions.adjectives",
    "fairness.ages": "fairness.mentions.ages",
    "fairness.attributes": "fairness.lexicon.attribute",
    "fairness.audit_input": "fairness.tables.table",
    "fairness.audit_summary": "fairness.audit.summary",
    "fairness.audit_tables": "fairness.audit.exports",
    "fairness.backends": "fairness.judge.backends",
    "fairness.backends.base": "fairness.judge.backends.base fairness.judge.backends.open",
    "fairness.backends.function": "fairness.judge.backends.function",
    "fairness.backends.local": "fairness.judge.backends.local models.origin models.pretrained",
    "fairness.backends.recorded": "fairness.judge.backends.recorded",
    "fairness.backends.scoring": "fairness.judge.backends.scoring",
    "fairness.backends.server": "fairness.judge.backends.server.backend",
    "fairness.backends.server_replies": "fairness.judge.backends.server.replies",
    "fairness.backends.server_requests": "fairness.judge.backends.server.requests",
    "fairness.backends.tokens": "fairness.judge.backends.tokens",
    "fairness.blind": "fairness.variations.blind",
    "fairness.calibration": "fairness.judge.calibration",
    "fairness.contexts": "fairness.mentions.kinds",
    "fairness.decider": "fairness.judge.decider",
    "fairness.decompose": "fairness.audit.decomposition",
    "fairness.english": "fairness.lexicon.words",
    "fairness.evidence": "fairness.audit.evidence",
    "fairness.flips": "fairness.audit.flips",
    "fairness.gaps": "fairness.metrics.gap_intervals",
    "fairness.grammar": "fairness.lexicon.grammar",
    "fairness.lexicon_files": "fairness.lexicon.files",
    "fairness.loading": "fairness.lexicon.loading",
    "fairness.names": "fairness.mentions.names",
    "fairness.options": "fairness.judge.options",
    "fairness.orbit": "fairness.variations.closure",
    "fairness.parse": "fairness.judge.parse",
    "fairness.placebo": "fairness.variations.placebo",
    "fairness.prompt": "fairness.judge.prompt",
    "fairness.pronouns": "fairness.mentions.pronouns",
    "fairness.records": "fairness.variations.records",
    "fairness.scene": "fairness.mentions.parsed_text",
    "fairness.schemes": "fairness.variations.codings",
    "fairness.store": "fairness.judge.store",
    "fairness.tokens": "fairness.lexicon.tokens",
    "fairness.variants": "fairness.variations.varier",
    "fairness.vary": "fairness.variations.vary",
    "gguf_files": "models.gguf",
    "image_sources": "data.image_files",
    "language": "data.language",
    "pruning.adapters": "pruning.structures.dissect",
    "pruning.adapters.after": "pruning.structures.update",
    "pruning.adapters.blocks": "pruning.structures.blocks",
    "pruning.adapters.channels": "pruning.structures.channels",
    "pruning.adapters.colour": "pruning.structures.tracing.markers",
    "pruning.adapters.dye": "pruning.structures.tracing.dependency",
    "pruning.adapters.entries": "pruning.structures.configuration.entries",
    "pruning.adapters.fitness": "pruning.structures.supported",
    "pruning.adapters.groups": "pruning.structures.groups",
    "pruning.adapters.heads": "pruning.structures.heads",
    "pruning.adapters.layout": "pruning.structures.tracing.layout",
    "pruning.adapters.network": "pruning.structures.network",
    "pruning.adapters.neurons": "pruning.structures.neurons",
    "pruning.adapters.recording": "pruning.structures.tracing.recording",
    "pruning.adapters.roles": "pruning.structures.tracing.roles",
    "pruning.adapters.sharing": "pruning.structures.tracing.tied_weights",
    "pruning.adapters.sizes": "pruning.structures.configuration.head_attributes",
    "pruning.adapters.trials": "pruning.structures.trials",
    "pruning.adapters.uniform": "pruning.structures.configuration.uniform",
    "pruning.begin": "pruning.run.setup",
    "pruning.distributed": "pruning.training.distributed",
    "pruning.divergence": "pruning.criteria.divergence",
    "pruning.energy": "pruning.criteria.contributions",
    "pruning.export": "pruning.checkpoint.onnx",
    "pruning.feed": "pruning.training.sampling",
    "pruning.fisher": "pruning.criteria.fisher_information",
    "pruning.lora": "pruning.training.lora",
    "pruning.losses": "pruning.training.losses",
    "pruning.masks": "pruning.surgery.masking pruning.surgery.modules",
    "pruning.precision": "pruning.surgery.modules",
    "pruning.pretrained": "models.pretrained",
    "pruning.products": "pruning.cost.counting",
    "pruning.propose": "pruning.run.propose",
    "pruning.recipe": "pruning.training.recipe",
    "pruning.recover": "pruning.training.fine_tune",
    "pruning.repair": "pruning.reconstruction.neurons",
    "pruning.replay": "pruning.criteria.partial_forward pruning.surgery.activations",
    "pruning.saved": "pruning.checkpoint.weights",
    "pruning.sources": (
        "pruning.checkpoint.architecture models.origin models.zoo pruning.checkpoint.loading"
    ),
    "pruning.stock": "pruning.surgery.rebuild pruning.surgery.config",
    "pruning.summary": "pruning.run.summary",
    "pruning.training.layer_reconstruction": "pruning.reconstruction.layers",
    "pruning.training.reconstruction": "pruning.reconstruction.neurons",
    "report": "html",
    "report.architecture": "pruning.report.architecture",
    "report.audit": "fairness.report.page",
    "report.audit_charts": "fairness.report.charts",
    "report.audit_examples": "fairness.report.examples",
    "report.audit_rows": "fairness.report.rows",
    "report.audit_story": "fairness.report.story",
    "report.audit_views": "fairness.report.views",
    "report.audit_words": "fairness.report.words",
    "report.blocks": "pruning.report.blocks",
    "report.charts": "pruning.report.charts",
    "report.formats": "html.formats",
    "report.lineage": "pruning.report.architecture",
    "report.page": "html.page",
    "report.prune": "pruning.report.page",
    "report.quality": "pruning.report.quality",
    "report.story": "pruning.report.story html.page pruning.types",
    "report.svg": "html.svg",
    "report.tables": "pruning.report.tables html.formats",
    "tables": "data.tables",
    "text": "data.text data.splits",
    "text_tables": "data.labelled_text",
}
"""Old module -> where its names are now, both below leanfair."""

_RENAMED = {"pruning.energy.energy": "contribution", "pruning.repair.repair": "reconstruct"}
"""Names that changed, not only where they are."""


def keep_old_names() -> None:
    """Let the old module names be imported. Doing it again changes nothing."""
    if not any(isinstance(finder, _OldNames) for finder in sys.meta_path):
        sys.meta_path.append(_OldNames())


class _OldNames(MetaPathFinder, Loader):
    """Finds what nobody else finds: it stands last."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root, _, old = fullname.partition(".")
        if root != "leanfair" or old not in _MOVED:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fill `module` with a look-up in the new places."""
        homes = [f"leanfair.{home}" for home in _MOVED[_below(module.__name__)].split()]
        warnings.warn(
            f"{module.__name__} has moved: import from {' or '.join(homes)}.",
            DeprecationWarning,
            stacklevel=2,
        )

        def find(name: str) -> Any:
            now = _RENAMED.get(f"{_below(module.__name__)}.{name}", name)
            for home in homes:
                value = getattr(import_module(home), now, None)
                if value is not None:
                    return value
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__dict__["__getattr__"] = find


def _below(name: str) -> str:
    return name.partition(".")[2]
