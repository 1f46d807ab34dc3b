"""The likelihood-ratio test of two nested models.

    2 (l_larger - l_smaller) ~ chi-squared, df = difference in free parameters

Coefficients count with variances and covariances. Where the smaller model lies on the
boundary of the larger one (a variance of zero), the chi-squared distribution is too
wide, so p values are too large (Self and Liang, JASA 1987;82:605-610).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import special

from trialstats.errors import DataError
from trialstats.fixed_effects import Design

#: Structures of residual covariance -> those that hold them as special cases.
WIDER = {
    "compound_symmetry": {
        "compound_symmetry_heterogeneous",
        "toeplitz",
        "toeplitz_heterogeneous",
        "unstructured",
    },
    "ar1": {
        "ar1_heterogeneous",
        "toeplitz",
        "toeplitz_heterogeneous",
        "antedependence",
        "antedependence_heterogeneous",
        "unstructured",
    },
    "toeplitz": {"toeplitz_heterogeneous", "unstructured"},
    "antedependence": {"antedependence_heterogeneous", "unstructured"},
    "compound_symmetry_heterogeneous": {"toeplitz_heterogeneous", "unstructured"},
    "ar1_heterogeneous": {
        "toeplitz_heterogeneous",
        "antedependence_heterogeneous",
        "unstructured",
    },
    "toeplitz_heterogeneous": {"unstructured"},
    "antedependence_heterogeneous": {"unstructured"},
}


class LikelihoodResult(Protocol):
    """What a fit has to know of itself."""

    @property
    def design(self) -> Design:
        """Fixed effects."""

    @property
    def log_likelihood(self) -> float:
        """With all constants."""

    @property
    def n_parameters(self) -> int:
        """Parameters of the covariance."""

    @property
    def n_observations(self) -> int:
        """Rows used."""

    @property
    def method(self) -> str:
        """``reml`` or ``ml``."""


@dataclass(frozen=True, slots=True)
class LikelihoodRatioTest:
    """A test of the smaller model; ``df`` counts the parameters that it lacks."""

    statistic: float
    df: int
    p_value: float
    log_likelihood_smaller: float
    log_likelihood_larger: float


def likelihood_ratio_test(
    smaller: LikelihoodResult, larger: LikelihoodResult
) -> LikelihoodRatioTest:
    """Test a model against a larger one that holds it as a special case.

    Parameters
    ----------
    smaller, larger : results of `fit_lmm` or `fit_mmrm`
        Fitted to the same rows by the same method. Restricted likelihoods compare
        covariances only: both models have the same fixed effects.

    Returns
    -------
    LikelihoodRatioTest

    Raises
    ------
    DataError
        When the fits cannot be compared, or are given in the wrong order.
    """
    if smaller.method != larger.method:
        raise DataError(
            f"one fit is by {smaller.method}, the other by {larger.method}",
            remedy="fit both by one method",
        )
    _check_rows(smaller, larger)
    extra = _check_fixed_effects(smaller, larger)
    _check_covariances(smaller, larger)
    df = extra + larger.n_parameters - smaller.n_parameters
    if df <= 0:
        raise DataError(
            f"the second model has no more parameters than the first ({df:+d})",
            remedy="give the smaller model first",
        )
    statistic = 2 * (larger.log_likelihood - smaller.log_likelihood)
    size = max(abs(larger.log_likelihood), 1.0)
    if statistic < -1e-8 * size:
        raise DataError(
            f"the likelihood falls by {-statistic / 2:.3g} from the first model to the "
            "second: the first is no special case of the second"
        )
    statistic = max(statistic, 0.0)
    return LikelihoodRatioTest(
        statistic=statistic,
        df=df,
        p_value=float(special.chdtrc(df, statistic)),
        log_likelihood_smaller=smaller.log_likelihood,
        log_likelihood_larger=larger.log_likelihood,
    )


def _check_rows(smaller: LikelihoodResult, larger: LikelihoodResult) -> None:
    if smaller.n_observations != larger.n_observations:
        raise DataError(
            f"the fits use {smaller.n_observations} and {larger.n_observations} rows",
            remedy="leave out rows with missing values before fitting",
        )
    first, second = (np.sort(fit.design.response) for fit in (smaller, larger))
    if not np.array_equal(first, second):
        raise DataError("the fits have different responses")


def _check_fixed_effects(smaller: LikelihoodResult, larger: LikelihoodResult) -> int:
    """Return how many more coefficients the larger model has."""
    few, many = set(smaller.design.names), set(larger.design.names)
    if smaller.method == "reml" and few != many:
        raise DataError(
            "restricted likelihoods of different fixed effects cannot be compared",
            value=", ".join(sorted(few ^ many)),
            remedy="fit both with method='ml'",
        )
    if few - many:
        raise DataError(
            "the larger model lacks coefficients of the smaller one",
            value=", ".join(sorted(few - many)),
            remedy="write the larger formula as the smaller one and more terms",
        )
    return len(many) - len(few)


def _check_covariances(smaller: Any, larger: Any) -> None:
    """Refuse covariances of which the first is known to be no case of the second."""
    if type(smaller) is not type(larger):
        raise DataError(
            f"a {type(smaller).__name__} and a {type(larger).__name__} are not nested "
            "by their form",
            remedy="fit both by one function",
        )
    first, second = (getattr(fit, "structure", None) for fit in (smaller, larger))
    if first != second and second not in WIDER.get(str(first), ()):
        raise DataError(f"{first} is no special case of {second}")
    wide = {g.name: g for g in getattr(larger, "groupings", ())}
    for group in getattr(smaller, "groupings", ()):
        other = wide.get(group.name)
        if (
            other is None
            or not set(group.effects) <= set(other.effects)
            or (group.correlated and not other.correlated)
        ):
            raise DataError(
                f"the random effects of {group.name} are no part of the larger model",
                value=", ".join(group.effects),
            )
