"""Do the estimators find the truth again? Bias and coverage over many trials.

Each trial is drawn from a stream of its own, so results depend on the seed and the
number of trials, not on how many processors share the work. For methods of proportions
the coverage is also computed without chance, by adding up the probabilities of all
tables whose interval holds the true value.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from trialstats.ancova import fit_ancova
from trialstats.binary import Comparison, Risk, compare_proportions
from trialstats.linear_model import Estimate
from trialstats.lmm import fit_crossover
from trialstats.mmrm import fit_mmrm
from trialstats.randomness import stream
from trialstats.simulation import trials
from trialstats.simulation.crossover import (
    CrossoverDesign,
    impact_values,
    last_week_means,
    simulate_crossover,
)
from trialstats.simulation.designs import (
    ParallelDesign,
    observed_changes,
    simulate_parallel,
    true_risk,
)
from trialstats.simulation.events import risk_of_any, simulate_occurrences

#: Key of one quantity: trial, what is estimated, method.
Key = tuple[str, str, str]

#: What the ANCOVAs of the parallel trials have in common.
MODEL: dict[str, Any] = {
    "response": "CHG",
    "treatment": "TRT01P",
    "control": "control",
    "treatments": ["treatment"],
    "covariates": ["BASE"],
}
#: Model over visits of the same trials.
FORMULA = "CHG ~ TRT01P * AVISITN + BASE * AVISITN"
EXACT = ("conditional exact interval", "Clopper-Pearson interval")
ANY_EVENT = "Any adverse event"


@dataclass(frozen=True, slots=True)
class Found:
    """What one trial says about one quantity; a limit that is absent is infinite."""

    key: Key
    estimate: float | None
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """How well one quantity is recovered over many trials.

    Parameters
    ----------
    trial, quantity, method : str
        What was estimated, and how.
    truth : float
        True value; ratios on the log scale.
    n_trials, n_estimates : int
        Trials drawn, and those with a finite estimate.
    bias, bias_error : float
        Mean of the finite estimates minus the truth, with its Monte-Carlo error.
    coverage, coverage_error : float
        Share of all trials whose interval holds the truth, with its Monte-Carlo error.
    exact_coverage : float or None
        Coverage from all possible tables, where the quantity has them.
    """

    trial: str
    quantity: str
    method: str
    truth: float
    n_trials: int
    n_estimates: int
    bias: float
    bias_error: float
    coverage: float
    coverage_error: float
    exact_coverage: float | None

    @property
    def exact(self) -> bool:
        """Whether the method promises its coverage in every sample size."""
        return self.method in EXACT


def recover(seed: int, n_trials: int, *, processes: int = 1) -> list[Recovery]:
    """Draw trials of the three designs and judge every estimator on them.

    Parameters
    ----------
    seed : int
        Every trial follows from it and from the trial's number.
    n_trials : int
        Trials of each design.
    processes : int
        Processes that share the work; they change nothing but the time.

    Returns
    -------
    list of Recovery
        One a quantity and method.
    """
    work = partial(_analyse, seed)
    if processes > 1:
        # Fresh processes: a fork would copy the threads of this one half-way.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            results = list(pool.map(work, range(n_trials), chunksize=10))
    else:
        results = [work(number) for number in range(n_trials)]
    truths, chances = _truths(), _exact_coverages()
    by_key: dict[Key, list[Found]] = {key: [] for key in truths}
    for found in results:
        for one in found:
            by_key[one.key].append(one)
    return [
        _judged(key, found, truths[key], chances.get(key))
        for key, found in by_key.items()
    ]


def _judged(
    key: Key, found: Sequence[Found], truth: float, exact: float | None
) -> Recovery:
    estimates = np.array([f.estimate for f in found if f.estimate is not None])
    covered = np.array([f.ci_lower <= truth <= f.ci_upper for f in found])
    share, n = float(covered.mean()), len(found)
    return Recovery(
        *key,
        truth=truth,
        n_trials=n,
        n_estimates=estimates.size,
        bias=float(estimates.mean() - truth),
        bias_error=float(estimates.std(ddof=1) / math.sqrt(estimates.size)),
        coverage=share,
        coverage_error=math.sqrt(share * (1 - share) / n),
        exact_coverage=exact,
    )


def _analyse(seed: int, number: int) -> list[Found]:
    """Draw the trials of one number and return every estimate."""
    found: list[Found] = []
    for design in (trials.FM_PARALLEL, trials.CD_PARALLEL):
        found += _analyse_parallel(design, seed, str(number))
    return found + _analyse_crossover(trials.FM_CROSSOVER, seed, str(number))


#: Outcomes compared at the last week by a model over the weeks, and by ANCOVA.
OUTCOMES = {"FM-PARALLEL": ("PAINNRS", "FIQR"), "CD-PARALLEL": ("CDAI",)}
ANCOVA, MMRM = "ANCOVA, t interval", "MMRM, unstructured, Kenward-Roger"
CROSSOVER = "treatment, period, sequence, random subject; Kenward-Roger"


def _analyse_parallel(design: ParallelDesign, seed: int, number: str) -> list[Found]:
    rng = stream(seed, design.trial, number)
    trial = simulate_parallel(design, rng)
    name, final = design.trial, design.last_week
    found = []
    for outcome in OUTCOMES[name]:
        changes = observed_changes(trial, outcome)
        final_rows = changes[changes["AVISITN"] == final]
        fit = fit_ancova(final_rows, **MODEL)
        difference = fit.differences["treatment"]
        found.append(_found((name, _at(outcome, final), ANCOVA), difference))
        found.append(_over_visits(changes, (name, _at(outcome, final), MMRM)))
    treated = trial.treated
    terms = simulate_occurrences(trials.EVENTS[name], treated, rng)
    events = np.asarray(terms.any(axis=1))
    binary = {code: trial.responded(code) for code in design.responders}
    for code, who in (binary | {ANY_EVENT: events}).items():
        first, second = int(who[treated].sum()), int(who[~treated].sum())
        found += _proportions(
            name, code, first, design.n_treatment, second, design.n_control
        )
    return found


def _over_visits(changes: pd.DataFrame, key: Key) -> Found:
    """Return the difference at the last visit by the model over all of them."""
    visits = sorted(changes["AVISITN"].unique())
    typed = changes.assign(
        TRT01P=pd.Categorical(changes["TRT01P"], ["control", "treatment"]),
        AVISITN=pd.Categorical(changes["AVISITN"], visits),
    )
    fit = fit_mmrm(FORMULA, typed, subject="USUBJID", visit="AVISITN")
    last = fit.contrasts("TRT01P", by="AVISITN").iloc[-1]
    return Found(key, *(float(last[n]) for n in ("estimate", "ci_lower", "ci_upper")))


def _analyse_crossover(design: CrossoverDesign, seed: int, number: str) -> list[Found]:
    trial = simulate_crossover(design, stream(seed, design.trial, number))
    values = {"PAINWK": last_week_means(trial), "FIQR": impact_values(trial)}
    found = []
    for parameter, frame in values.items():
        fit = fit_crossover(
            frame,
            response="AVAL",
            subject="USUBJID",
            treatment="TRTP",
            control="control",
            treatments=["treatment"],
            period="APERIOD",
            sequence="TRTSEQP",
            boundary="drop",
        )
        quantities = {
            _at(parameter, design.weeks): fit.difference,
            f"{parameter}, period effect": fit.period_effect,
        }
        for quantity, estimate in quantities.items():
            found.append(_found((design.trial, quantity, CROSSOVER), estimate))
    return found


def _at(outcome: str, week: int) -> str:
    return f"{outcome}, difference at week {week}"


def _found(key: Key, estimate: Estimate | Comparison | Risk) -> Found:
    lower, upper = estimate.ci_lower, estimate.ci_upper
    return Found(
        key,
        estimate.estimate,
        -math.inf if lower is None else lower,
        math.inf if upper is None else upper,
    )


@lru_cache(maxsize=20_000)
def _proportions(
    trial: str, code: str, events: int, n: int, control_events: int, control_n: int
) -> tuple[Found, ...]:
    result = compare_proportions(events, n, control_events, control_n)
    score, conditional, clopper_pearson = "score interval", *EXACT
    return (
        _found((trial, f"{code}, risk under treatment", clopper_pearson), result.risk),
        _found(
            (trial, f"{code}, risk under control", clopper_pearson),
            result.control_risk,
        ),
        _found((trial, f"{code}, risk difference", score), result.risk_difference),
        _found((trial, f"{code}, log risk ratio", score), result.log_risk_ratio),
        _found((trial, f"{code}, log odds ratio", conditional), result.log_odds_ratio),
    )


def _binary_risks() -> Iterator[tuple[ParallelDesign, str, float, float]]:
    for design in (trials.FM_PARALLEL, trials.CD_PARALLEL):
        for code in design.responders:
            risks = [true_risk(design, code, treated=arm) for arm in (True, False)]
            yield design, code, risks[0], risks[1]
        terms = trials.EVENTS[design.trial]
        risks = [risk_of_any(terms, treated=arm) for arm in (True, False)]
        yield design, ANY_EVENT, risks[0], risks[1]


def _truths() -> dict[Key, float]:
    """Return the true value of every quantity, ratios on the log scale."""
    truths: dict[Key, float] = {}
    for design in (trials.FM_PARALLEL, trials.CD_PARALLEL):
        name, final = design.trial, design.last_week
        for outcome in OUTCOMES[name]:
            difference = design.outcomes[outcome].difference[-1]
            for method in (ANCOVA, MMRM):
                truths[name, _at(outcome, final), method] = difference
    for design, code, treatment, control in _binary_risks():
        truths |= _binary_truths(design, code, treatment, control)
    crossover = trials.FM_CROSSOVER
    effects = {
        "PAINWK": (crossover.difference[-1], crossover.period_effect),
        "FIQR": (crossover.impact_difference, crossover.impact_period_effect),
    }
    for parameter, (difference, period) in effects.items():
        quantity = _at(parameter, crossover.weeks)
        truths[crossover.trial, quantity, CROSSOVER] = difference
        truths[crossover.trial, f"{parameter}, period effect", CROSSOVER] = period
    return truths


def _binary_truths(
    design: ParallelDesign, code: str, treatment: float, control: float
) -> dict[Key, float]:
    odds = [risk / (1 - risk) for risk in (treatment, control)]
    values = (
        treatment,
        control,
        treatment - control,
        math.log(treatment / control),
        math.log(odds[0] / odds[1]),
    )
    # Any table gives the keys, in the order of the values above.
    keys = _proportions(design.trial, code, 1, design.n_treatment, 1, design.n_control)
    return {one.key: value for one, value in zip(keys, values, strict=True)}


def _exact_coverages() -> dict[Key, float]:
    """Return the probability of all tables whose interval holds the true value."""
    coverages: dict[Key, float] = {}
    for design, code, treatment, control in _binary_risks():
        n, control_n = design.n_treatment, design.n_control
        truths = _binary_truths(design, code, treatment, control)
        coverages |= dict.fromkeys(truths, 0.0)
        first = stats.binom.pmf(range(n + 1), n, treatment)
        second = stats.binom.pmf(range(control_n + 1), control_n, control)
        for events, chance in enumerate(first):
            for control_events, other in enumerate(second):
                weight = float(chance * other)
                # Tables rarer than this add up to less than 3e-9.
                if weight < 1e-12:
                    continue
                for one in _proportions(
                    design.trial, code, events, n, control_events, control_n
                ):
                    if one.ci_lower <= truths[one.key] <= one.ci_upper:
                        coverages[one.key] += weight
    return coverages


#: Printed columns of the results.
COLUMNS: dict[str, Callable[[Recovery], str]] = {
    "trial": lambda r: r.trial,
    "quantity": lambda r: r.quantity,
    "method": lambda r: r.method,
    "truth": lambda r: f"{r.truth:.4f}",
    "bias (MC error)": lambda r: f"{r.bias:+.4f} ({r.bias_error:.4f})",
    "estimates": lambda r: str(r.n_estimates),
    "coverage % (MC error)": lambda r: (
        f"{100 * r.coverage:.1f} ({100 * r.coverage_error:.1f})"
    ),
    "coverage % by enumeration": lambda r: (
        "" if r.exact_coverage is None else f"{100 * r.exact_coverage:.2f}"
    ),
}


def markdown_table(results: Sequence[Recovery]) -> str:
    """Return the results as a Markdown table."""
    frame = pd.DataFrame([{k: f(r) for k, f in COLUMNS.items()} for r in results])
    lines = [list(frame.columns), ["---"] * len(frame.columns), *frame.values.tolist()]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"
