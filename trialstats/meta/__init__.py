"""Meta-analysis: effect sizes, between-trial variance, pooling, diagnostics.

The methods are described in docs/methods/. Public names are resolved on first use: a
step loads only the methods that it calls.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

#: Module -> the public names that it defines.
_MODULES = {
    "effect_sizes": ("MEASURES", "effect_sizes"),
    "heterogeneity": (
        *("HeterogeneityTest", "cochran_q", "q_profile", "typical_variance"),
    ),
    "mantel_haenszel": ("mantel_haenszel",),
    "means": ("standardise_difference",),
    "paired": ("PAIRED", "paired_effect_sizes"),
    "peto": ("peto",),
    "pooling": ("INFERENCE", "PREDICTION", "Pooled", "pool"),
    "published": ("DerivedError", "standard_error_from"),
    "tau_squared": ("TAU_SQUARED",),
    "two_by_two": ("ZERO_CELLS",),
}

_PUBLIC = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_PUBLIC)


class _Package(ModuleType):
    """The package, in which a public name is never that of a module.

    Importing a module binds it on the package; where a function has the name of its
    module, the function is what a user means.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _PUBLIC or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
