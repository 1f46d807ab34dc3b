"""Clinical-trial statistics from raw data to a dossier that can be checked.

Public names are resolved on first use, so that importing the package costs nothing
and a step loads only what it needs.
"""

import copyreg
from importlib import import_module
from types import MappingProxyType
from typing import Any

from trialstats.version import __version__

#: Public name -> module that defines it.
_PUBLIC = {
    "effect_sizes": "trialstats.meta",
    "pool": "trialstats.meta",
    "fit_ancova": "trialstats.ancova",
    "fit_crossover": "trialstats.lmm",
    "fit_lmm": "trialstats.lmm",
    "fit_mmrm": "trialstats.mmrm",
    "likelihood_ratio_test": "trialstats.likelihood_ratio",
    "compare_proportions": "trialstats.binary",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def _read_only(items: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(items)


# Results hold read-only mappings and go to other processes, but Python has no pickle
# of a mapping proxy.
copyreg.pickle(MappingProxyType, lambda items: (_read_only, (dict(items),)))


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
