"""Meta-analysis: effect sizes, between-trial variance, pooling, diagnostics.

The methods are described in docs/methods/. Public names are resolved on first use: a
step loads only the methods that it calls.
"""

from importlib import import_module
from typing import Any

#: Public name -> module that defines it.
_PUBLIC = {
    "INFERENCE": "pooling",
    "MEASURES": "effect_sizes",
    "PAIRED": "paired",
    "PREDICTION": "pooling",
    "TAU_SQUARED": "tau_squared",
    "ZERO_CELLS": "two_by_two",
    "DerivedError": "published",
    "HeterogeneityTest": "heterogeneity",
    "Pooled": "pooling",
    "cochran_q": "heterogeneity",
    "effect_sizes": "effect_sizes",
    "paired_effect_sizes": "paired",
    "pool": "pooling",
    "q_profile": "heterogeneity",
    "standard_error_from": "published",
    "standardise_difference": "means",
    "typical_variance": "heterogeneity",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"trialstats.meta.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
