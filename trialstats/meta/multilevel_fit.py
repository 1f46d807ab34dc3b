"""Fit a model with random effects: identification, starts, the highest maximum."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trialstats.errors import NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.multilevel_blocks import Term
from trialstats.meta.multilevel_likelihood import Model, Slope, Weights
from trialstats.meta.multilevel_maximum import Surface, Top, climb, highest
from trialstats.one_thread import one_thread

#: A parameter keeps less than this share of its information once the coefficients are
#: estimated: then they take all of it.
CONFOUNDED = 1e-10
#: Eigenvalue of the information, scaled to ones on the diagonal, that counts as zero.
SINGULAR = 1e-9

#: Correlations that climbs start from.
_CORRELATIONS = (0.3, 0.9, -0.6)
#: Levels of which a start gives one another variance.
_TILTED = 6


@dataclass(frozen=True)
class Fitted:
    """A fitted model: G of each term and the weights there.

    ``theta`` is in the units that the model was fitted in.
    """

    model: Model
    theta: FloatArray
    covariances: tuple[FloatArray, ...]
    weights: Weights

    @property
    def log_likelihood(self) -> float:
        """The criterion at its maximum."""
        return self.model.log_likelihood(self.weights)


@dataclass(frozen=True)
class Fixed:
    """The model without random effects: what Q and the typical variance come from."""

    weights: Weights
    trace: float
    df: int

    @property
    def typical_variance(self) -> float:
        """(k - p) / tr(P), with P of the sampling covariance alone."""
        return self.df / self.trace if self.df else float("nan")


def without_random(model: Model) -> Fixed:
    """Return the fit with the sampling covariance alone."""
    bare = replace(model, terms=())
    weights = bare.weigh(np.zeros(0))
    if weights is None:
        raise NotEstimableError("the coefficients cannot be told apart")
    trace = 0.0
    for w, wx in zip(weights.inverse, weights.weighted_design, strict=True):
        taken = ((wx @ weights.covariance) * wx).sum()
        trace += float(np.trace(w, axis1=1, axis2=2).sum() - taken)
    return Fixed(weights, trace, model.k - model.p)


def fit(model: Model, fixed: Fixed) -> Fitted:
    """Return the highest maximum of the criterion.

    Raises
    ------
    ConvergenceError
        When no start leads to a maximum.
    """
    with one_thread():
        if not len(model.lower):
            theta = np.zeros(0)
            weights = model.weigh(theta)
        else:
            top = highest(surface_of(model), _starts(model, fixed), what="the model")
            theta = top.theta
            weights = model.weigh(theta)
    if weights is None:
        raise NotEstimableError("the marginal covariance is not positive definite")
    return Fitted(model, theta, model.covariances(theta), weights)


def fit_from(model: Model, covariances: Sequence[FloatArray]) -> Fitted:
    """Return the maximum that a climb from near given covariances leads to."""
    with one_thread():
        theta = climb_from(model, covariances).theta
        weights = model.weigh(theta)
    if weights is None:
        raise NotEstimableError("the marginal covariance is not positive definite")
    return Fitted(model, theta, model.covariances(theta), weights)


def climb_from(model: Model, covariances: Sequence[FloatArray]) -> Top:
    """Climb from parameters near given covariances."""
    start = np.concatenate(
        [
            np.zeros(0),
            *(
                term.structure.near(g)
                for term, g in zip(model.terms, covariances, strict=True)
            ),
        ]
    )
    return climb(surface_of(model), start)


def surface_of(model: Model) -> Surface:
    """Return the criterion as a surface; the last point's weights are kept."""
    last: dict[bytes, Weights | None] = {}

    def weigh(theta: FloatArray) -> Weights | None:
        key = theta.tobytes()
        if key not in last:
            last.clear()
            last[key] = model.weigh(theta)
        return last[key]

    def value(theta: FloatArray) -> float:
        weights = weigh(theta)
        return -np.inf if weights is None else model.log_likelihood(weights)

    def slope(theta: FloatArray) -> Slope:
        weights = weigh(theta)
        if weights is None:
            raise NotEstimableError("the marginal covariance is not positive definite")
        return model.slope(theta, weights)

    def same(theta: FloatArray) -> Iterator[FloatArray]:
        for term, part in zip(model.terms, model.slices, strict=True):
            for other in term.structure.same(theta[part]):
                found = theta.copy()
                found[part] = other
                yield found

    return Surface(value, slope, model.lower, model.upper, same)


def _pattern(term: Term, size: float, correlation: float) -> FloatArray:
    q = len(term.inner_labels)
    return size * ((1 - correlation) * np.eye(q) + correlation * np.ones((q, q)))


def _starts(model: Model, fixed: Fixed) -> Iterator[FloatArray]:
    """Yield starts: heterogeneity shared in several ways among the terms."""
    typical = fixed.typical_variance
    if not np.isfinite(typical):
        typical = 1.0
    q = fixed.weights.residual_squares
    between = max((q - fixed.df) / fixed.trace if fixed.df else 0.0, 0.1 * typical)
    n = len(model.terms)
    shares = [np.full(n, 1 / n), np.full(n, 0.05 / n), np.full(n, 5 / n)]
    if n > 1:
        shares += [np.where(np.arange(n) == s, 0.95, 0.05 / (n - 1)) for s in range(n)]
    correlated = any(len(term.inner_labels) > 1 for term in model.terms)
    for correlation in _CORRELATIONS if correlated else _CORRELATIONS[:1]:
        for share in shares:
            yield _theta(model, share * between, correlation)
        for tilt in _tilts(model.terms):
            yield _theta(model, np.full(n, between / n), correlation, tilt)


def _tilts(terms: Sequence[Term]) -> Iterator[FloatArray]:
    """Yield factors of the levels' variances: one large, or one small."""
    q = max(len(term.inner_labels) if term.several else 1 for term in terms)
    if q > 1:
        for level in range(min(q, _TILTED)):
            one = np.arange(q) == level
            yield np.where(one, 1.0, 0.02)
            yield np.where(one, 0.02, 1.0)


def _theta(
    model: Model,
    sizes: FloatArray,
    correlation: float,
    tilt: FloatArray | None = None,
) -> FloatArray:
    found = [np.zeros(0)]
    for term, size in zip(model.terms, sizes, strict=True):
        pattern = _pattern(term, float(size), correlation)
        if tilt is not None and term.several:
            root = np.sqrt(np.resize(tilt, len(pattern)))
            pattern = pattern * np.outer(root, root)
        found.append(term.structure.near(pattern))
    return np.concatenate(found)


def check_identified(
    model: Model, fixed: Fixed, names: Sequence[str]
) -> tuple[int, ...]:
    """Return the terms that the coefficients take up; refuse parameters not told apart.

    Parameters
    ----------
    model : Model
    fixed : Fixed
    names : sequence of str
        A name for each parameter of theta.

    Returns
    -------
    tuple of int
        Positions of random intercepts without any information: a factor with a single
        level beside an intercept.

    Raises
    ------
    NotEstimableError
        When a variance or correlation is confounded with the coefficients, or several
        with one another.
    """
    theta = _theta(model, np.full(len(model.terms), fixed.typical_variance), 0.3)
    with one_thread():
        by_reml = replace(model, restricted=True)
        weights = by_reml.weigh(theta)
        if weights is None:
            raise NotEstimableError("the marginal covariance is not positive definite")
        left = by_reml.slope(theta, weights).information
        whole = replace(model, restricted=False).slope(theta, weights).information
    gone = np.diag(left) <= CONFOUNDED * np.diag(whole)
    empty = []
    for position, (term, part) in enumerate(
        zip(model.terms, model.slices, strict=True)
    ):
        if not gone[part].any():
            continue
        if not term.is_intercept:
            at = part.start + int(np.flatnonzero(gone[part])[0])
            raise NotEstimableError(
                f"{names[at]} cannot be told from the coefficients: too few groups"
            )
        empty.append(position)
    kept = np.flatnonzero(~gone)
    size = np.sqrt(np.diag(left)[kept])
    scaled = left[np.ix_(kept, kept)] / np.outer(size, size)
    roots, vectors = np.linalg.eigh(scaled)
    if len(roots) and roots[0] < SINGULAR:
        involved = np.abs(vectors[:, 0]) > 0.1
        listed = ", ".join(names[j] for j in kept[involved])
        raise NotEstimableError(
            f"the data cannot tell {listed} apart: their groups hold the same effects; "
            "leave one out"
        )
    return tuple(empty)
