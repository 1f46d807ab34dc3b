"""One-stage models: the counts of trials as an integrand with parameters to maximise.

x events of J = 2 arms (treatment, control) or of J = 1 group, sizes n (participants) or
t (person-time), design X of the moderators (a column of ones without them):

UM.FS  predictors alpha_i + X beta + c_1 u_i and alpha_i + c_2 u_i; alpha_i are
       parameters, u_i ~ N(0, tau2), c = (1/2, -1/2)
UM.RS  the same with alpha_i ~ N(mu, sigma2)
CM.EL  events under treatment given all events (OR: given all margins)
CM.AL  the same for OR, by a binomial with offset ln(n1/n2): good when events are rare
single X beta + u_i

References
----------
- Turner RM, Omar RZ, Yang M, Goldstein H, Thompson SG (2000). A multilevel model
  framework for meta-analysis of clinical trials with binary outcomes. Statistics in
  Medicine 19(24), 3417-3432.
- Stijnen T, Hamza TH, Ozdemir P (2010). Random effects meta-analysis of event outcome
  in the framework of the generalized linear mixed model with applications in sparse
  data. Statistics in Medicine 29(29), 3046-3067.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from trialstats.meta.hypergeometric import Margins
from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.one_stage_fit import Point, Problem
from trialstats.meta.one_stage_likelihoods import (
    Binomial,
    Hypergeometric,
    Likelihood,
    Poisson,
)
from trialstats.meta.one_stage_quadrature import Integrand

#: Measures and whether their counts are events in person-time.
MEASURES: dict[str, bool] = {"OR": False, "IRR": True, "PLO": False, "IRLN": True}
#: Measures that compare two arms.
COMPARATIVE = ("OR", "IRR")


@dataclass(frozen=True, slots=True)
class TrialCounts:
    """Counts that enter a model.

    Attributes
    ----------
    measure : str
    x, size : ndarray of shape (k, J)
        Events, and participants or person-time.
    design : ndarray of shape (k, p)
    """

    measure: str
    x: FloatArray
    size: FloatArray
    design: FloatArray

    @property
    def k(self) -> int:
        """Number of trials."""
        return len(self.x)

    @property
    def person_time(self) -> bool:
        """Whether events are counted in person-time."""
        return MEASURES[self.measure]

    @property
    def full(self) -> BoolArray:
        """Whether all of an arm have the event, shape (k, J)."""
        if self.person_time:
            return np.zeros(self.x.shape, dtype=bool)
        return np.asarray(self.x == self.size)

    @property
    def informative(self) -> BoolArray:
        """Whether a trial tells arms apart: it has events, and not events alone."""
        useless = (self.x == 0).all(axis=1) | self.full.all(axis=1)
        return np.asarray(~useless)

    def take(self, rows: BoolArray) -> "TrialCounts":
        """Return some of the trials."""
        return replace(
            self, x=self.x[rows], size=self.size[rows], design=self.design[rows]
        )

    def by_arm(self) -> tuple[Binomial | Poisson, FloatArray]:
        """Return the likelihood of the arms as they are, and its offset."""
        if self.person_time:
            present = np.ones(self.x.shape, dtype=bool)
            return Poisson(self.x, present), np.log(self.size)
        return Binomial(self.x, self.size), np.zeros(self.x.shape)


@dataclass(frozen=True, slots=True)
class Effects:
    """Which random effects a model has.

    Attributes
    ----------
    between : bool
        Whether the effect differs between trials.
    coding : tuple of float
        c_1, c_2.
    correlated : bool
        UM.RS: whether alpha_i and u_i are correlated.
    """

    between: bool
    coding: tuple[float, float] = (0.5, -0.5)
    correlated: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """How a model is built.

    Attributes
    ----------
    name, words : str
    build : callable
    random_intercept : bool
        Whether alpha_i is random.
    conditional : bool
        Whether all events are conditioned on.
    """

    name: str
    words: str
    build: Callable[[TrialCounts, Effects], tuple[Problem, Point]]
    random_intercept: bool = False
    conditional: bool = False


def _one_effect(between: bool, coding: tuple[float, ...]) -> FloatArray:
    """Return the loadings of u_i alone, shape (J, D, m)."""
    return np.array(coding).reshape(-1, 1, 1)[:, : int(between), : int(between)]


def _on_treatment(counts: TrialCounts) -> FloatArray:
    """Return A with X beta in the first arm, shape (k, J, p)."""
    shared = np.zeros((*counts.x.shape, counts.design.shape[1]))
    shared[:, 0] = counts.design
    return shared


def _start(problem: Problem, nu: FloatArray, intercept: float | None = None) -> Point:
    n, m = problem.shared.shape[2], problem.integrand.loadings.shape[2]
    gamma = np.zeros(n)
    if intercept is not None:
        gamma[-1] = intercept
    return Point(
        gamma, nu, np.zeros(m), np.zeros((len(problem.offset), problem.dimension))
    )


def _level(counts: TrialCounts) -> FloatArray:
    """Return the log odds or log rate of each trial over its arms."""
    x, size = counts.x.sum(axis=1) + 0.25, counts.size.sum(axis=1)
    if counts.person_time:
        return np.asarray(np.log(x / size))
    return np.asarray(np.log(x / (size + 0.5 - x)))


def _fixed_intercepts(counts: TrialCounts, effects: Effects) -> tuple[Problem, Point]:
    likelihood, offset = counts.by_arm()
    loadings = _one_effect(effects.between, effects.coding)
    problem = Problem(
        Integrand(likelihood, loadings),
        offset,
        _on_treatment(counts),
        np.ones(counts.x.shape),
    )
    return problem, _start(problem, _level(counts))


def random_intercept_loadings(effects: Effects) -> FloatArray:
    """Return the loadings of UM.RS, shape (2, D, m).

    theta is sigma; sigma and tau; or, correlated, the Cholesky factor by rows.
    """
    if not effects.between:
        return np.ones((2, 1, 1))
    loadings = np.zeros((2, 2, 3 if effects.correlated else 2))
    loadings[:, 0, 0] = 1.0
    loadings[:, 1, -1] = effects.coding
    if effects.correlated:
        loadings[:, 0, 1] = effects.coding
    return loadings


def _random_intercepts(counts: TrialCounts, effects: Effects) -> tuple[Problem, Point]:
    likelihood, offset = counts.by_arm()
    shared = np.concatenate(
        [_on_treatment(counts), np.ones((*counts.x.shape, 1))], axis=2
    )
    problem = Problem(
        Integrand(likelihood, random_intercept_loadings(effects)), offset, shared, None
    )
    return problem, _start(problem, np.zeros(0), float(_level(counts).mean()))


def _conditional(
    counts: TrialCounts, effects: Effects, likelihood: Likelihood, offset: FloatArray
) -> tuple[Problem, Point]:
    loadings = _one_effect(effects.between, (1.0,))
    shared = counts.design[:, None, :]
    problem = Problem(Integrand(likelihood, loadings), offset, shared, None)
    return problem, _start(problem, np.zeros(0))


def _conditional_binomial(
    counts: TrialCounts, effects: Effects
) -> tuple[Problem, Point]:
    likelihood = Binomial(counts.x[:, :1], counts.x.sum(axis=1, keepdims=True))
    offset = np.log(counts.size[:, :1] / counts.size[:, 1:])
    return _conditional(counts, effects, likelihood, offset)


def _conditional_exact(counts: TrialCounts, effects: Effects) -> tuple[Problem, Point]:
    if counts.person_time:
        return _conditional_binomial(counts, effects)
    margins = Margins(counts.size[:, 0], counts.size[:, 1], counts.x.sum(axis=1))
    likelihood = Hypergeometric(counts.x[:, :1], margins)
    return _conditional(counts, effects, likelihood, np.zeros((counts.k, 1)))


def _single_group(counts: TrialCounts, effects: Effects) -> tuple[Problem, Point]:
    likelihood, offset = counts.by_arm()
    problem, start = _conditional(counts, effects, likelihood, offset)
    # Least squares on the levels; a column of ones takes their mean.
    gamma = np.linalg.lstsq(counts.design, _level(counts), rcond=None)[0]
    return problem, replace(start, gamma=np.asarray(gamma, dtype=np.float64))


#: Models of two arms by metafor's names, and that of a single group.
MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model("UM.FS", "levels of the trials as parameters", _fixed_intercepts),
        Model(
            "UM.RS",
            "random levels of the trials",
            _random_intercepts,
            random_intercept=True,
        ),
        Model(
            "CM.EL",
            "conditional on all events, exact likelihood",
            _conditional_exact,
            conditional=True,
        ),
        Model(
            "CM.AL",
            "conditional on all events, binomial likelihood",
            _conditional_binomial,
            conditional=True,
        ),
        Model("single", "single groups", _single_group),
    )
}
