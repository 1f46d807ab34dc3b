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
    "absolute_effects": ("risk_with_treatment",),
    "all_subsets": (
        "Gosh",
        "gosh",
    ),
    "asymmetry": ("asymmetry_test",),
    "batch": (
        "PooledBatch",
        "fit_many",
    ),
    "bayesian": (
        "PooledBayesian",
        "pool_bayesian",
    ),
    "bootstrapping": (
        "Bootstrap",
        "bootstrap",
    ),
    "combining_groups": ("combine_groups",),
    "diagnostic_points": (
        "funnel_points",
        "normal_quantile_points",
        "radial_points",
    ),
    "effect_sizes": (
        "MEASURES",
        "back_transform",
        "effect_sizes",
    ),
    "excess_significance": (
        "ExcessSignificance",
        "excess_significance",
    ),
    "fail_safe": (
        "FailSafe",
        "fail_safe_n",
    ),
    "five_numbers": (
        "FIVE_NUMBER_METHODS",
        "recover_means",
    ),
    "groups": (
        "BetweenTest",
        "Subgroups",
        "subgroups",
    ),
    "henmi_copas": (
        "HenmiCopas",
        "henmi_copas",
    ),
    "heterogeneity": (
        "HeterogeneityTest",
        "cochran_q",
        "q_profile",
        "typical_variance",
    ),
    "heteroscedasticity": (
        "HeteroscedasticityTest",
        "heteroscedasticity_test",
    ),
    "influential": (
        "Influence",
        "baujat",
        "hat_matrix",
        "influence",
        "residuals",
    ),
    "leaving_out": (
        "cumulative",
        "leave_one_out",
    ),
    "log_rank": ("recover_log_hazard_ratios",),
    "mantel_haenszel": ("mantel_haenszel",),
    "means": ("standardise_difference",),
    "paired": (
        "PAIRED",
        "paired_effect_sizes",
    ),
    "permutation": (
        "PermutationTest",
        "permutation_intervals",
        "permutation_test",
    ),
    "peto": ("peto",),
    "pooled": ("Pooled",),
    "pooling": (
        "INFERENCE",
        "PREDICTION",
        "pool",
    ),
    "profile": (
        "ProfileLikelihood",
        "profile_likelihood",
    ),
    "published": (
        "DerivedError",
        "standard_error_from",
    ),
    "rank_test": (
        "RankTest",
        "rank_test",
    ),
    "recovered_tables": ("recover_tables",),
    "recovery": (
        "recover_change_deviations",
        "recover_correlations",
        "recover_pooled_deviations",
        "recover_standard_deviations",
    ),
    "scales": (
        "SCALES",
        "harmonic_mean",
        "to_natural",
    ),
    "selection": ("selection_model",),
    "selection_results": ("SelectionModel",),
    "small_study": (
        "RegressionTest",
        "regression_test",
    ),
    "standard_errors": ("recover_standard_errors",),
    "tau_squared": ("TAU_SQUARED",),
    "trim_and_fill": (
        "TrimAndFill",
        "trim_and_fill",
    ),
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
