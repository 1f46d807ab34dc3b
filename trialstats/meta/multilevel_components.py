"""Variances and correlations of true effects: names, estimates, profile intervals.

A profile interval holds the values v of one component at which the highest likelihood
over all other parameters is within half a chi-squared quantile of the maximum:

    2 (l(theta_hat) - max l(theta | component = v)) <= chi2_1(level)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

from trialstats.errors import ConvergenceError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.multilevel_blocks import Term
from trialstats.meta.multilevel_fit import Fitted, climb_from
from trialstats.meta.multilevel_likelihood import Model
from trialstats.meta.multilevel_structures import (
    SMALLEST_DECAY,
    STRUCTURES,
    Levels,
    rho_pairs,
)
from trialstats.one_thread import one_thread

#: Twice the drop of the likelihood below zero that is rounding and no higher maximum.
_ROUNDING = 1e-6


class HigherMaximumError(ConvergenceError):
    """A profile came higher than the estimate: climb again from its covariances."""

    def __init__(self, message: str, covariances: Sequence[FloatArray]) -> None:
        self.covariances = tuple(covariances)
        super().__init__(message)


@dataclass(frozen=True)
class Component:
    """One variance or correlation of a fitted model.

    Attributes
    ----------
    name : str
        Such as ``sigma2[district]``, ``tau2[AL]``, ``rho``.
    what : {"sigma2", "tau2", "rho"}
    term : int
        Position of its term in the model.
    index : int
        Position among the term's variances, or among its correlations.
    n_levels : int
        Number of groups that it is estimated from.
    """

    name: str
    what: str
    term: int
    index: int
    n_levels: int


def levels_of(term: Term) -> Levels:
    """Return the inner factor of a term as its structure sees it."""
    pairs = np.unique(np.stack([term.outer, term.inner]), axis=1)
    together = int(np.bincount(pairs[0]).max())
    numeric = all(isinstance(label, int | float) for label in term.inner_labels)
    positions = (
        np.array(term.inner_labels, dtype=float)
        if numeric
        else np.arange(len(term.inner_labels), dtype=float)
    )
    return Levels(len(term.inner_labels), together, positions)


def groups_of_levels(term: Term) -> FloatArray:
    """Return in how many groups each pair of inner levels occurs, (q, q)."""
    seen = np.zeros((len(term.outer_labels), len(term.inner_labels)))
    seen[term.outer, term.inner] = 1.0
    return np.asarray(seen.T @ seen)


def components_of(terms: Sequence[Term]) -> list[Component]:
    """Return the components of terms, variances before correlations."""
    found: list[Component] = []
    for position, term in enumerate(terms):
        groups = len(term.outer_labels)
        if term.is_intercept:
            found.append(
                Component(f"sigma2[{term.name}]", "sigma2", position, 0, groups)
            )
            continue
        kind, labels = STRUCTURES[term.kind], term.inner_labels
        together = groups_of_levels(term)
        for index in range(len(labels) if kind.several else 1):
            name = f"tau2[{labels[index]}]" if kind.several else "tau2"
            n = int(together[index, index]) if kind.several else groups
            found.append(Component(name, "tau2", position, index, n))
        pairs = rho_pairs(len(labels))
        count = kind.rhos(len(labels))
        for index in range(count):
            i, j = pairs[index]
            alone = count == 1 and len(labels) != 2
            name = "rho" if alone or count == 1 else f"rho[{labels[i]}, {labels[j]}]"
            n = groups if count == 1 else int(together[i, j])
            found.append(Component(name, "rho", position, index, n))
    return found


def parameter_names(terms: Sequence[Term]) -> list[str]:
    """Return a name for each entry of theta, for messages."""
    names: list[str] = []
    for term in terms:
        labels = [str(label) for label in term.inner_labels]
        if term.is_intercept:
            names.append(f"sigma2[{term.name}]")
        elif term.kind == "UN":
            names += [
                f"tau2[{labels[i]}]" if i == j else f"rho[{labels[j]}, {labels[i]}]"
                for i in range(len(labels))
                for j in range(i + 1)
            ]
        else:
            kind = STRUCTURES[term.kind]
            names += [f"tau2[{x}]" for x in labels] if kind.several else ["tau2"]
            names += ["rho"] * kind.rhos(len(labels))
    return names


def estimate_of(fitted: Fitted, component: Component) -> float:
    """Return a component's estimate; NaN for a correlation without variances."""
    term = fitted.model.terms[component.term]
    g = fitted.covariances[component.term]
    if component.what in ("sigma2", "tau2"):
        return float(g[component.index, component.index])
    if STRUCTURES[term.kind].rhos(len(g)) > 1 or term.kind in ("UN", "CS"):
        i, j = rho_pairs(len(g))[component.index]
        size = np.sqrt(g[i, i] * g[j, j])
        return float(np.clip(g[i, j] / size, -1, 1)) if size > 0 else float("nan")
    if not (np.diag(g) > 0).any() or np.count_nonzero(np.diag(g)) < 2:
        return float("nan")
    return float(fitted.theta[fitted.model.slices[component.term]][-1])


def profile_interval(
    fitted: Fitted, component: Component, *, scale: float, level: float
) -> tuple[float, float]:
    """Return the profile-likelihood interval of a component.

    Parameters
    ----------
    fitted : Fitted
    component : Component
    scale : float
        A variance of the size of the effects' own: where the search for the upper
        limit begins.
    level : float

    Returns
    -------
    tuple of float
        A limit that the likelihood does not reach is the bound of the component; an
        upper limit of a variance that does not exist is infinite.

    Raises
    ------
    ConvergenceError
        When a model with the component held does not converge.
    """
    estimate = estimate_of(fitted, component)
    if np.isnan(estimate):
        return float("nan"), float("nan")
    drop = _Drop(fitted, component, float(chdtri(1, 1 - level)))
    with one_thread():
        if component.what == "rho":
            lowest, uppermost = _range(fitted.model.terms[component.term])
            return (
                _limit_of_correlation(drop, estimate, lowest),
                _limit_of_correlation(drop, estimate, uppermost),
            )
        root, lower = math.sqrt(estimate), 0.0
        if estimate > 0:
            at_zero = drop(0.0, thoroughly=True)
            if at_zero > 0:
                lower = _root(_rooted(drop), (root, -drop.allowed), (0.0, at_zero)) ** 2
        outside = 4 * max(estimate, 0.1 * scale)
        while (beyond := drop(outside, thoroughly=True)) <= 0:
            outside *= 4
            if outside > 1e9 * scale:
                return lower, math.inf
        end = (math.sqrt(outside), beyond)
        return lower, _root(_rooted(drop), (root, -drop.allowed), end) ** 2


def _limit_of_correlation(drop: "_Drop", estimate: float, bound: float) -> float:
    if estimate == bound:
        return bound
    at_bound = drop(bound, thoroughly=True)
    if at_bound <= 0:
        return bound
    return _root(drop, (estimate, -drop.allowed), (bound, at_bound))


def _range(term: Term) -> tuple[float, float]:
    """Return the bounds of a term's correlations."""
    shared = -1 / max(levels_of(term).together - 1, 1)
    lowest = {"CS": shared, "HCS": shared, "CAR": SMALLEST_DECAY}
    return lowest.get(term.kind, -1.0), 1.0


def _root(
    function: Callable[[float], float],
    estimate: tuple[float, float],
    bound: tuple[float, float],
) -> float:
    """Return the root between two points whose values are known."""
    known = dict((estimate, bound))
    lower, upper = sorted(known)

    def value(at: float) -> float:
        return known[at] if at in known else function(at)

    return float(brentq(value, lower, upper, xtol=1e-11, rtol=1e-9))


def _rooted(drop: "_Drop") -> Callable[[float], float]:
    """Return the drop as a function of the square root of a variance."""
    return lambda root: drop(root**2)


class _Drop:
    """How far the likelihood falls with a component held, less how far it may.

    Square roots of twice the fall: nearly straight lines on both sides of the estimate.
    """

    def __init__(self, fitted: Fitted, component: Component, quantile: float) -> None:
        self.fitted, self.component = fitted, component
        self.allowed = math.sqrt(quantile)
        self.near: Sequence[FloatArray] = fitted.covariances

    def __call__(self, value: float, *, thoroughly: bool = False) -> float:
        """Return the drop; `thoroughly` climbs from several starts."""
        model = self._held(value)
        if not len(model.lower):
            self.near = model.covariances(np.zeros(0))
            weights = model.weigh(np.zeros(0))
            best = -np.inf if weights is None else model.log_likelihood(weights)
        else:
            best = self._climb(model, thoroughly=thoroughly)
        fall = 2 * (self.fitted.log_likelihood - best)
        if fall < -_ROUNDING:
            message = (
                f"with {self.component.name} held at {value:.6g} the likelihood is "
                f"{-fall / 2:.2g} higher than at the estimate"
            )
            raise HigherMaximumError(message, self.near)
        return math.sqrt(max(fall, 0.0)) - self.allowed

    def _climb(self, model: Model, *, thoroughly: bool) -> float:
        starts = [self.near]
        if thoroughly:
            own = self.fitted.covariances
            starts += [[0.05 * g for g in own], [2 * g for g in own]]
        tops = []
        for start in starts:
            try:
                tops.append(climb_from(model, start))
            except ConvergenceError:
                continue
        if not tops:
            raise ConvergenceError(
                f"the profile likelihood of {self.component.name} did not converge"
            )
        top = max(tops, key=lambda found: found.value)
        self.near = model.covariances(top.theta)
        return top.value

    def _held(self, value: float) -> Model:
        model, c = self.fitted.model, self.component
        term = model.terms[c.term]
        kind = STRUCTURES[term.kind or "ID"]
        what = "tau2" if c.what == "sigma2" else c.what
        structure = kind.hold(levels_of(term), what, c.index, value)
        terms = list(model.terms)
        terms[c.term] = replace(term, structure=structure)
        return replace(model, terms=tuple(terms))
