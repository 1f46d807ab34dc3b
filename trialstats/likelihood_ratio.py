"""The likelihood-ratio test of two nested models.

    2 (l_larger - l_smaller) ~ chi-squared, df = difference in free parameters

Coefficients count with variances and covariances. Where the smaller model lies on the
boundary of the larger one (a variance of zero), the chi-squared distribution is too
wide, so p values are too large (Self and Liang, JASA 1987;82:605-610).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trialstats.errors import DataError
from trialstats.fixed_effects import Design
from trialstats.linear_model import FloatArray

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

#: Columns of the two designs that differ by less, relative to the largest element,
#: are one column: the factors of a product may stand in another order.
ROUNDING = 1e-12


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
    def converged(self) -> bool:
        """Whether the likelihood is at its maximum."""

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
        Fitted to the same rows, in the same order, by the same method; subjects,
        visits and weights are the same too. Restricted likelihoods compare
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
    for fit in (smaller, larger):
        if not fit.converged:
            raise DataError(
                "one fit stops short of its maximum",
                remedy="fit it without stop='sas'",
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
    """Refuse fits whose rows are not the same observations in the same order."""
    if smaller.n_observations != larger.n_observations:
        raise DataError(
            f"the fits use {smaller.n_observations} and {larger.n_observations} rows",
            remedy="leave out rows with missing values before fitting",
        )
    first, second = smaller.design, larger.design
    if not np.array_equal(first.response, second.response):
        same = np.array_equal(np.sort(first.response), np.sort(second.response))
        raise DataError(
            "the fits have their rows in different orders"
            if same
            else "the fits have different responses",
            remedy="fit both to one data frame",
        )
    # Positions can be compared only within frames of one length.
    given = [len(each.rows) + each.n_left_out for each in (first, second)]
    if given[0] == given[1] and not np.array_equal(first.rows, second.rows):
        raise DataError(
            "the fits use different rows",
            remedy="leave out rows with missing values before fitting",
        )


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
    for name in smaller.design.names:
        if not _alike(_column(smaller.design, name), _column(larger.design, name)):
            raise DataError(
                f"{name} has other values in the one fit than in the other",
                remedy="fit both to one data frame",
            )
    return len(many) - len(few)


def _column(design: Design, name: str) -> FloatArray:
    """Return one column of the design's matrix, which need not be formed whole."""
    j = design.names.index(name)
    return np.asarray(
        design.coding[design.cells, j] * design.numeric[:, design.numeric_of[j]]
    )


def _alike(first: FloatArray, second: FloatArray) -> bool:
    """Return whether columns are equal but for rounding of their products."""
    size = float(np.abs(first).max(initial=0.0))
    return bool((np.abs(first - second) <= ROUNDING * size).all())


def _check_covariances(smaller: Any, larger: Any) -> None:
    """Refuse covariances of which the first is known to be no case of the second."""
    if type(smaller) is not type(larger):
        raise DataError(
            f"a {type(smaller).__name__} and a {type(larger).__name__} are not nested "
            "by their form",
            remedy="fit both by one function",
        )
    if hasattr(smaller, "layout"):
        _check_repeated_measures(smaller, larger)
    if hasattr(smaller, "groupings"):
        _check_random_effects(smaller, larger)


def _check_repeated_measures(smaller: Any, larger: Any) -> None:
    """Refuse residual covariances that differ in more than the structure's freedom."""
    first, second = smaller.structure, larger.structure
    if first != second and second not in WIDER.get(str(first), ()):
        raise DataError(f"{first} is no special case of {second}")
    own, other = (_Places.of(fit.layout) for fit in (smaller, larger))
    if not _finer(own.subject, other.subject) or not _finer(other.subject, own.subject):
        raise DataError("the fits have different subjects")
    if not np.array_equal(own.visit, other.visit):
        raise DataError("the fits have different visits, or another order of them")
    # A covariance that groups share is a case of one for each, not the reverse.
    if not _finer(other.group, own.group):
        raise DataError(
            "the smaller model has groups of covariances that the larger one lacks",
            remedy="fit the larger model with the same group",
        )
    light, heavy = (
        np.ones(fit.n_observations) if fit.weights is None else fit.weights
        for fit in (smaller, larger)
    )
    if not np.array_equal(light, heavy):
        raise DataError("the fits have different weights")


@dataclass(frozen=True)
class _Places:
    """Subject, visit (or time) and group of each row of a fit, (n,) each."""

    subject: NDArray[Any]
    visit: NDArray[Any]
    group: NDArray[Any]

    @classmethod
    def of(cls, layout: Any) -> "_Places":
        """Return the places of rows in a layout of subjects by visits."""
        rows = layout.positions[layout.observed]
        slots = np.broadcast_to(
            np.arange(layout.positions.shape[1]), layout.positions.shape
        )
        visit = np.empty(len(rows))
        visit[rows] = (slots if layout.times is None else layout.times)[layout.observed]
        group = np.empty(len(layout.group), dtype=np.intp)
        group[layout.subjects] = layout.group
        return cls(layout.of_row, visit, group[layout.of_row])


def _finer(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Return whether each class of the first labels lies in one of the second."""
    pairs = np.unique(np.column_stack([first, second]), axis=0)
    return len(pairs) == len(np.unique(first))


def _check_random_effects(smaller: Any, larger: Any) -> None:
    """Refuse random effects that the larger model lacks, or has of other values."""
    wide = {g.name: g for g in larger.groupings}
    for group in smaller.groupings:
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
        if not _finer(group.codes, other.codes) or not _finer(other.codes, group.codes):
            raise DataError(
                f"{group.name} groups the rows of the fits in different ways",
                remedy="fit both to one data frame",
            )
        for effect, values in zip(group.effects, group.values.T, strict=True):
            if not _alike(values, other.values[:, other.effects.index(effect)]):
                raise DataError(
                    f"the random effect {effect} of {group.name} has other values in "
                    "the one fit than in the other",
                    remedy="fit both to one data frame",
                )
