"""Meta-analysis: effect sizes, between-trial variance, pooling, diagnostics.

The methods are described in docs/methods/. Public names are resolved on first use: a
step loads only the methods that it calls.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

#: Module -> the public names that it defines.
_MODULES: dict[str, tuple[str, ...]] = {
    "absolute_effects": ("risk_with_treatment",),
    "all_subsets": (
        "Gosh",
        "gosh",
    ),
    "asymmetry": ("asymmetry_test",),
    "batch": (
        "fit_many",
        "PooledBatch",
    ),
    "bayesian": (
        "pool_bayesian",
        "PooledBayesian",
    ),
    "bayesian_batch": (
        "pool_bayesian_many",
        "PooledBayesianBatch",
    ),
    "bootstrapping": (
        "Bootstrap",
        "bootstrap",
    ),
    "cochran": ("cochran_rate_ratio",),
    "combining_groups": ("combine_groups",),
    "common_effect": (
        "ChiSquaredTest",
        "CommonEffect",
    ),
    "diagnostic_points": (
        "funnel_points",
        "normal_quantile_points",
        "radial_points",
    ),
    "effect_sizes": (
        "back_transform",
        "effect_sizes",
        "MEASURES",
    ),
    "events_added": ("effects_with_events_added",),
    "excess_significance": (
        "excess_significance",
        "ExcessSignificance",
    ),
    "fail_safe": (
        "fail_safe_n",
        "FailSafe",
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
        "henmi_copas",
        "HenmiCopas",
    ),
    "heterogeneity": (
        "cochran_q",
        "HeterogeneityTest",
        "q_profile",
        "typical_variance",
    ),
    "heterogeneity_around": ("heterogeneity_around",),
    "heterogeneity_intervals": (
        "between_share",
        "h_from_q",
        "heterogeneity_measures",
        "i_squared_from_q",
    ),
    "heteroscedasticity": (
        "heteroscedasticity_test",
        "HeteroscedasticityTest",
    ),
    "influential": (
        "baujat",
        "hat_matrix",
        "Influence",
        "influence",
        "residuals",
    ),
    "leaving_out": (
        "cumulative",
        "leave_one_out",
    ),
    "location_scale": (
        "LocationScale",
        "pool_location_scale",
    ),
    "log_rank": ("recover_log_hazard_ratios",),
    "mantel_haenszel": (
        "mantel_haenszel",
        "RD_VARIANCE",
    ),
    "means": ("standardise_difference",),
    "model_comparison": (
        "likelihood_ratio_test",
        "LikelihoodRatioTest",
    ),
    "multilevel": ("pool_multilevel",),
    "multilevel_results": ("PooledMultilevel",),
    "multilevel_structures": ("STRUCTURES",),
    "multivariate": ("pool_multivariate",),
    "omnibus": ("OmnibusTest",),
    "one_stage": ("one_stage",),
    "one_stage_results": ("OneStage",),
    "paired": (
        "PAIRED",
        "paired_effect_sizes",
    ),
    "permutation": (
        "permutation_intervals",
        "permutation_test",
        "PermutationTest",
    ),
    "peto": ("peto",),
    "pooled": ("Pooled",),
    "pooling": (
        "INFERENCE",
        "pool",
        "PREDICTION",
    ),
    "profile": (
        "profile_likelihood",
        "ProfileLikelihood",
    ),
    "proportion_intervals": (
        "proportion_interval",
        "PROPORTION_INTERVALS",
    ),
    "published": (
        "DerivedError",
        "standard_error_from",
    ),
    "rank_test": (
        "rank_test",
        "RankTest",
    ),
    "recovered_tables": ("recover_tables",),
    "recovery": (
        "recover_change_deviations",
        "recover_correlations",
        "recover_pooled_deviations",
        "recover_standard_deviations",
    ),
    "robust": (
        "cluster_robust",
        "ClusterRobust",
    ),
    "sample_size_weights": ("sample_size_weights",),
    "sampling_covariance": ("sampling_covariance",),
    "scales": (
        "harmonic_mean",
        "SCALES",
        "to_natural",
    ),
    "selection": ("selection_model",),
    "selection_results": ("SelectionModel",),
    "shared_control": (
        "covariance_of_g",
        "covariance_of_proportions",
    ),
    "small_study": (
        "regression_test",
        "RegressionTest",
    ),
    "standard_errors": ("recover_standard_errors",),
    "standardized_differences": (
        "STANDARDIZED",
        "standardized_differences",
    ),
    "tau_squared": ("TAU_SQUARED",),
    "tau_squared_intervals": ("INTERVALS",),
    "trim_and_fill": (
        "trim_and_fill",
        "TrimAndFill",
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
