"""What a network can do, measured: accuracy, perplexity, speed, memory and energy.

A change is told with its interval; latencies of two networks are taken side by side, so that a busy
machine slows both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.evaluation.accuracy import Change as Change
    from leanfair.evaluation.accuracy import correct as correct
    from leanfair.evaluation.generation import Generation as Generation
    from leanfair.evaluation.generation import compare_generation as compare_generation
    from leanfair.evaluation.perplexity import PerplexityChange as PerplexityChange
    from leanfair.evaluation.perplexity import losses as losses
    from leanfair.evaluation.speed import Latency as Latency
    from leanfair.evaluation.speed import compare_latency as compare_latency
    from leanfair.evaluation.speed import latency as latency
    from leanfair.evaluation.speed import peak_memory as peak_memory

_HOMES = {
    "Change": "accuracy",
    "Generation": "generation",
    "Latency": "speed",
    "PerplexityChange": "perplexity",
    "compare_generation": "generation",
    "compare_latency": "speed",
    "correct": "accuracy",
    "latency": "speed",
    "losses": "perplexity",
    "peak_memory": "speed",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
