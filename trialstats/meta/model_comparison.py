"""Compare nested meta-regressions by their likelihoods."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from trialstats.errors import DataError
from trialstats.meta.pooled import Pooled


@dataclass(frozen=True, slots=True)
class LikelihoodRatioTest:
    """Test that the smaller of two models suffices.

    Attributes
    ----------
    statistic : float
        Twice the difference of the log-likelihoods.
    df : int
        Difference in parameters.
    p_value : float
        Upper tail of chi-squared.
    parameters_full, parameters_reduced : int
    """

    statistic: float
    df: int
    p_value: float
    parameters_full: int
    parameters_reduced: int


def likelihood_ratio_test(full: Pooled, reduced: Pooled) -> LikelihoodRatioTest:
    """Test a model against one nested in it.

    Parameters
    ----------
    full, reduced : Pooled
        Fits of the same trials by ML; by REML when they have the same design and
        differ in tau-squared alone (estimated, or zero under equal effects).

    Returns
    -------
    LikelihoodRatioTest

    Raises
    ------
    DataError
        For fits of different trials, likelihoods that cannot be compared, and models
        that are not nested.

    Notes
    -----
    When the models differ in tau-squared the reduced one lies on the edge of the full
    one, and the p-value is too large (Self, Liang 1987).

    References
    ----------
    .. [1] Self SG, Liang KY (1987). Asymptotic properties of maximum likelihood
       estimators and likelihood ratio tests under nonstandard conditions. Journal of
       the American Statistical Association 82(398), 605-610.
    """
    same = np.array_equal(full.effect, reduced.effect)
    if not same or not np.array_equal(full.variance, reduced.variance):
        raise DataError("the two models are fits of different trials")
    if full.custom_weights or reduced.custom_weights:
        raise DataError(
            "likelihoods are compared at their maxima, not under given weights"
        )
    restricted = _restricted(full, reduced)
    larger, smaller = _parameters(full), _parameters(reduced)
    inside = np.linalg.lstsq(full.design, reduced.design, rcond=None)[0]
    rest = np.abs(reduced.design - full.design @ inside).max()
    size = np.abs(reduced.design).max()
    variances = (reduced.equal_effects, full.equal_effects)
    if rest > 1e-8 * size or variances == (False, True) or smaller >= larger:
        raise DataError(
            "the second model is not nested in the first",
            remedy="give the larger model first",
        )
    likelihoods = [fit.log_likelihoods[restricted] for fit in (full, reduced)]
    statistic = max(0.0, 2 * (likelihoods[0] - likelihoods[1]))
    df = larger - smaller
    return LikelihoodRatioTest(
        statistic, df, float(chdtrc(df, statistic)), larger, smaller
    )


def _restricted(full: Pooled, reduced: Pooled) -> bool:
    """Return whether restricted likelihoods are compared; refuse other than maxima."""
    methods = {fit.tau_squared_method for fit in (full, reduced)} - {"EE"}
    if methods in (set(), {"ML"}):
        return False
    if methods != {"REML"}:
        others = sorted(methods - {"ML", "REML"})
        what = f"{', '.join(others)} does not maximise a likelihood"
        raise DataError(
            what if others else "ML and REML maximise different likelihoods",
            remedy="fit both models with tau_squared='ML'",
        )
    if not np.array_equal(full.design, reduced.design):
        raise DataError(
            "restricted likelihoods of different moderators cannot be compared",
            remedy="fit both models with tau_squared='ML'",
        )
    return True


def _parameters(fit: Pooled) -> int:
    return len(fit.coefficient) + (fit.tau_squared_method not in ("EE", "given"))
