"""Coverage and width of intervals for the pooled effect of few trials.

Two arms of the simulation. "normal": effects are normal with known variances, so that
what is judged is the inference alone. "counts": log risk ratios of two-by-two tables
with few events, effect and variance estimated from the same counts.

Every set of a cell is drawn at once from a stream with the cell's address, and all
methods see the same sets: results depend on the seed and the number of sets only.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import pandas as pd
from scipy.special import ndtr

from trialstats.meta.batch import fit_many
from trialstats.meta.bayesian_batch import pool_bayesian_many
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.randomness import stream

LEVEL = 0.95

#: The grid of the normal arm, declared before the first run.
TRIALS = tuple(range(2, 11))
I_SQUARED = (0.0, 0.25, 0.5, 0.75, 0.9)
#: Size of the first trial, in those of the others.
SIZES = {"equal": 1.0, "one large": 10.0}
#: Sampling variance of a trial: a log risk ratio with 40 events, 20 in each arm.
VARIANCE = 0.1
#: The true mean of the normal arm. A shift of all effects shifts every interval but
#: those with an informative prior of the mean, of which there are none.
MEAN = 0.0

#: The grid of the counts.
TRIALS_OF_COUNTS = (2, 3, 4, 5, 7, 10)
RISKS = (0.01, 0.05, 0.2)
TAUS = (0.0, 0.4)
PER_ARM = 50
RISK_RATIO = 0.7


@dataclass(frozen=True, slots=True)
class NormalSetting:
    """A cell with normal effects of known variance."""

    k: int
    i_squared: float
    sizes: str

    @property
    def variance(self) -> FloatArray:
        """Sampling variances, (k,)."""
        variance = np.full(self.k, VARIANCE)
        variance[0] /= SIZES[self.sizes]
        return variance

    @property
    def tau_squared(self) -> float:
        """The variance between trials that makes `i_squared`.

        I2 = tau2/(tau2 + s2) with the typical sampling variance s2 of Higgins and
        Thompson.
        """
        weight = 1 / self.variance
        total = weight.sum()
        typical = (self.k - 1) * total / (total**2 - (weight**2).sum())
        return float(typical * self.i_squared / (1 - self.i_squared))

    @property
    def mean(self) -> float:
        """The true mean effect."""
        return MEAN

    @property
    def names(self) -> dict[str, object]:
        """What the rows of this cell are called."""
        return {
            "arm": "normal",
            "sizes": self.sizes,
            "i_squared": self.i_squared,
            "risk": np.nan,
            "tau_squared": self.tau_squared,
            "k": self.k,
        }

    def draw(
        self, n_sets: int, random: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Return effects, variances and which trials have them, (n_sets, k) each."""
        spread = np.sqrt(self.variance + self.tau_squared)
        effect = MEAN + spread * random.standard_normal((n_sets, self.k))
        variance = np.broadcast_to(self.variance, effect.shape)
        return effect, variance, np.ones(effect.shape, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class CountsSetting:
    """A cell of two-by-two tables with 50 subjects per arm.

    The risk under control is the same in all trials; the log risk ratio is normal
    around the log of 0.7, and the risk under treatment is cut off at 1.
    """

    k: int
    risk: float
    tau: float

    @property
    def tau_squared(self) -> float:
        """The variance between the log risk ratios of the trials."""
        return self.tau**2

    @property
    def mean(self) -> float:
        """The true mean log risk ratio."""
        return math.log(RISK_RATIO)

    @property
    def names(self) -> dict[str, object]:
        """What the rows of this cell are called."""
        return {
            "arm": "counts",
            "sizes": "equal",
            "i_squared": np.nan,
            "risk": self.risk,
            "tau_squared": self.tau_squared,
            "k": self.k,
        }

    def draw(
        self, n_sets: int, random: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Return log risk ratios, variances and which trials have them.

        0.5 is added to the cells of a table with a zero; a trial without an event in
        either arm has no effect.
        """
        shape = (n_sets, self.k)
        theta = self.mean + self.tau * random.standard_normal(shape)
        treated = np.minimum(self.risk * np.exp(theta), 1.0)
        events = random.binomial(PER_ARM, treated).ravel()
        control = random.binomial(PER_ARM, self.risk, shape).ravel()
        size = np.full(len(events), PER_ARM)
        trials = effect_sizes(
            "RR", ai=events, n1i=size, ci=control, n2i=size, drop00=True
        )
        effect = trials["effect"].to_numpy(np.float64).reshape(shape)
        variance = trials["variance"].to_numpy(np.float64).reshape(shape)
        return effect, variance, np.isfinite(effect)


Setting = NormalSetting | CountsSetting


@dataclass(frozen=True, slots=True)
class Intervals:
    """Estimates and limits for the mean and for a new trial, (n_sets,) each."""

    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    prediction_lower: FloatArray
    prediction_upper: FloatArray


def _pooled(
    tau_squared: str,
    inference: str,
    effect: FloatArray,
    variance: FloatArray,
    include: BoolArray,
) -> Intervals:
    fit = fit_many(
        effect,
        variance,
        include=include,
        tau_squared=tau_squared,
        inference=inference,
        level=LEVEL,
    )
    return Intervals(
        fit.estimate,
        fit.ci_lower,
        fit.ci_upper,
        fit.prediction_lower,
        fit.prediction_upper,
    )


def _bayesian(
    scale: float, effect: FloatArray, variance: FloatArray, include: BoolArray
) -> Intervals:
    some: BoolArray = np.asarray(include.any(axis=1))
    found = np.full((5, len(effect)), np.nan)
    if some.any():
        fit = pool_bayesian_many(
            effect[some],
            variance[some],
            include=include[some],
            prior="half_normal",
            scale=scale,
            level=LEVEL,
        )
        found[:, some] = (
            *(fit.estimate, fit.ci_lower, fit.ci_upper),
            *(fit.prediction_lower, fit.prediction_upper),
        )
    return Intervals(*found)


#: Methods, by the name of their rows.
METHODS: dict[str, Callable[[FloatArray, FloatArray, BoolArray], Intervals]] = {
    "wald": partial(_pooled, "REML", "wald"),
    "t": partial(_pooled, "REML", "t"),
    "knapp_hartung": partial(_pooled, "REML", "knapp_hartung"),
    "knapp_hartung_adhoc": partial(_pooled, "REML", "knapp_hartung_adhoc"),
    "wald, DL": partial(_pooled, "DL", "wald"),
    "knapp_hartung, DL": partial(_pooled, "DL", "knapp_hartung"),
    "knapp_hartung, PM": partial(_pooled, "PM", "knapp_hartung"),
    "bayesian, half-normal 0.5": partial(_bayesian, 0.5),
    "bayesian, half-normal 1": partial(_bayesian, 1.0),
}


def normal_grid(
    trials: Sequence[int] = TRIALS, i_squared: Sequence[float] = I_SQUARED
) -> list[NormalSetting]:
    """Return the cells of the normal arm."""
    return [
        NormalSetting(k, share, sizes)
        for sizes, share, k in itertools.product(SIZES, i_squared, trials)
    ]


def counts_grid(
    trials: Sequence[int] = TRIALS_OF_COUNTS, risks: Sequence[float] = RISKS
) -> list[CountsSetting]:
    """Return the cells of the counts."""
    return [
        CountsSetting(k, risk, tau)
        for risk, tau, k in itertools.product(risks, TAUS, trials)
    ]


def cell_stream(seed: int, setting: Setting) -> np.random.Generator:
    """Return the stream of a cell."""
    return stream(seed, "small k", *map(str, setting.names.values()))


def judge(seed: int, n_sets: int, setting: Setting) -> pd.DataFrame:
    """Judge every method on the sets of one cell; rows as in `run`."""
    drawn = setting.draw(n_sets, cell_stream(seed, setting))
    found = {name: method(*drawn) for name, method in METHODS.items()}
    wald = found["wald"]
    rows = [
        {
            **setting.names,
            "method": name,
            "n_sets": n_sets,
            **_judged(intervals, wald.upper - wald.lower, setting),
        }
        for name, intervals in found.items()
    ]
    return pd.DataFrame(rows)


def _judged(
    found: Intervals, wald_width: FloatArray, setting: Setting
) -> dict[str, float]:
    there = np.isfinite(found.lower) & np.isfinite(found.upper)
    n = max(int(there.sum()), 1)
    with np.errstate(invalid="ignore"):
        covers = there & (found.lower <= setting.mean) & (setting.mean <= found.upper)
    coverage = covers.sum() / n
    width = (found.upper - found.lower)[there]
    # Rounding makes equal widths differ in the last digits.
    narrower = width < (1 - 1e-9) * wald_width[there]
    nothing = np.nan if not there.any() else 1.0
    return {
        "not_estimable": int((~there).sum()),
        "coverage": nothing * coverage,
        "monte_carlo_error": nothing * math.sqrt(coverage * (1 - coverage) / n),
        "below": nothing * float((found.upper[there] < setting.mean).sum() / n),
        "bias": nothing * float((found.estimate[there] - setting.mean).sum() / n),
        "mean_width": nothing * float(width.sum() / n),
        "median_width": float(np.median(width)) if len(width) else np.nan,
        "narrower_than_wald": nothing * float(narrower.sum() / n),
        "prediction_coverage": _prediction_coverage(found, setting),
    }


def _prediction_coverage(found: Intervals, setting: Setting) -> float:
    """Return the mean probability that a new true effect lies within the limits."""
    there = np.isfinite(found.prediction_lower) & np.isfinite(found.prediction_upper)
    if not there.any():
        return math.nan
    low = found.prediction_lower[there] - setting.mean
    high = found.prediction_upper[there] - setting.mean
    tau = math.sqrt(setting.tau_squared)
    if tau == 0:
        return float(((low <= 0) & (high >= 0)).mean())
    return float((ndtr(high / tau) - ndtr(low / tau)).mean())


def run(
    seed: int, n_sets: int, settings: Sequence[Setting], *, processes: int = 1
) -> pd.DataFrame:
    """Judge every method on simulated meta-analyses of every cell.

    Parameters
    ----------
    seed : int
    n_sets : int
        Meta-analyses of each cell.
    settings : sequence of NormalSetting or CountsSetting
    processes : int
        Processes that share the work; they change nothing but the time.

    Returns
    -------
    DataFrame
        A row for each cell and method: ``coverage`` is the share of estimable sets
        whose interval holds the true mean, with its Monte-Carlo error; ``below`` the
        share of intervals that lie below it; ``bias`` of the estimates;
        ``mean_width``, ``median_width``; ``narrower_than_wald`` the share of sets in
        which the interval is narrower than the Wald interval with REML;
        ``prediction_coverage`` the mean probability that the true effect in a new
        trial lies in the prediction interval, over the sets that have one;
        ``not_estimable`` counts sets without an interval.
    """
    work = partial(judge, seed, n_sets)
    if processes > 1:
        # Fresh processes: a fork would copy the threads of this one half-way.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            parts = list(pool.map(work, settings, chunksize=1))
    else:
        parts = [work(setting) for setting in settings]
    return pd.concat(parts, ignore_index=True)
