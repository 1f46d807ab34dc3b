"""Type-I error and coverage of the mixed model for repeated measures.

Each trial is drawn from a stream of its own, and every rule of degrees of freedom is
computed from the same fit, so that results depend on the seed and the number of trials
only, and rules are compared on the same data. A fit that ends in a named error counts
as "not estimable", of which the tables give the number.
"""

import itertools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from multiprocessing import get_context

import numpy as np
import pandas as pd
from scipy import special

from trialstats.errors import TrialstatsError
from trialstats.fixed_effects import Design, build_design
from trialstats.linear_model import FloatArray
from trialstats.mmrm.inference import Fitted, fitted_model, small_sample_rule
from trialstats.mmrm.layout import lay_out
from trialstats.mmrm.likelihood import Curvature, Likelihood, Solution
from trialstats.mmrm.newton import maximise, start_values
from trialstats.mmrm.pseudo_subjects import Layout, PseudoSubjects, pseudo_subjects
from trialstats.mmrm.scrutiny import check_covariance, check_identified
from trialstats.mmrm.structures import structure_named
from trialstats.one_thread import one_thread
from trialstats.randomness import stream
from trialstats.simulation.repeated import Setting, draw_repeated, true_effects
from trialstats.small_sample import SmallSample

#: The model of every fit: what a trial's protocol would say.
FORMULA = "CHG ~ BASE * AVISIT + ARMCD * AVISIT"
LEVEL = 0.95

#: The grid, declared before the first run.
N_PER_ARM = (10, 20, 50, 100)
VISITS = (3, 5, 8)
DROPOUTS = (0.0, 0.2, 0.4)
TRUTH_NAMES = ("random correlations", "ar1_heterogeneous")
#: Dropout at which the arms also differ, and at which wrong structures are fitted.
WITH_EFFECT, WITH_WRONG = (0.4,), (0.0, 0.4)
#: Wrong structures, fitted to the truth of random correlations.
WRONG = ("compound_symmetry", "ar1")

#: Rules: degrees of freedom, and the covariance of the coefficients.
RULES = {
    "kenward_roger": ("kenward_roger", None),
    "kenward_roger_linear": ("kenward_roger_linear", None),
    "satterthwaite": ("satterthwaite", None),
    "between_within": ("between_within", None),
    "residual": ("residual", None),
    "CR0": ("satterthwaite", "CR0"),
    "CR2": ("satterthwaite", "CR2"),
    "CR3": ("satterthwaite", "CR3"),
}
ESTIMANDS = ("last visit", "mean of visits")

#: Trials that one process takes at a time. Sums are formed within blocks, then over
#: blocks in order, so the number of processes moves no digit.
_BLOCK = 100


def grid(
    n_per_arm: Sequence[int] = N_PER_ARM,
    visits: Sequence[int] = VISITS,
    dropouts: Sequence[float] = DROPOUTS,
) -> list[Setting]:
    """Return the settings of the grid, with arms that do not differ and that do.

    Without dropout an effect only moves estimates by itself, so coverage is one minus
    the type-I error, and one run gives both.
    """
    return [
        Setting(n, t, dropout, truth, differ)
        for truth, t, n, dropout, differ in itertools.product(
            TRUTH_NAMES, visits, n_per_arm, dropouts, (False, True)
        )
        if dropout in WITH_EFFECT or not differ
    ]


def structures_of(setting: Setting) -> tuple[str, ...]:
    """Return the structures that are fitted to the trials of a setting."""
    wrong = (
        setting.truth == TRUTH_NAMES[0]
        and setting.dropout in WITH_WRONG
        and not setting.arms_differ
    )
    return ("unstructured", *WRONG) if wrong else ("unstructured",)


@dataclass(frozen=True)
class Fit:
    """A fit whose rules are still to be chosen."""

    design: Design
    layout: Layout
    likelihood: Likelihood
    at: Solution
    curvature: Curvature
    fitted: Fitted

    def rule(self, name: str) -> SmallSample:
        """Return the covariance and the degrees of freedom named in `RULES`."""
        df, vcov = RULES[name]
        return small_sample_rule(
            df,
            vcov,
            design=self.design,
            layout=self.layout,
            likelihood=self.likelihood,
            at=self.at,
            curvature=self.curvature,
            fitted=self.fitted,
            weights=None,
        )


@cache
def _template(n_per_arm: int, visits: int) -> tuple[pd.DataFrame, Design, FloatArray]:
    """Return the frame, the design and the contrasts of a complete trial.

    Trials of one size differ in their numbers and in the rows that are present only.
    """
    n = 2 * n_per_arm
    frame = pd.DataFrame(
        {
            "USUBJID": np.repeat(np.arange(n), visits),
            "ARMCD": np.repeat(["A", "B"], n_per_arm * visits),
            "AVISIT": np.tile([f"V{j}" for j in range(visits)], n),
            "BASE": np.repeat(np.linspace(-1, 1, n), visits),
            "CHG": np.zeros(n * visits),
        }
    )
    design = build_design(FORMULA, frame)
    contrasts = np.zeros((len(ESTIMANDS), len(design.names)))
    for j, name in enumerate(design.names):
        if name == "ARMCD[T.B]":
            contrasts[:, j] = 1
        elif name.endswith("ARMCD[T.B]") or name.startswith("ARMCD[T.B]:"):
            contrasts[:, j] = f"[T.V{visits - 1}]" in name, 1 / visits
    return frame, design, contrasts


def trial_frame(
    setting: Setting, random: np.random.Generator
) -> tuple[pd.DataFrame, FloatArray]:
    """Return one trial as a frame for `fit_mmrm`, and the contrasts, (2, p)."""
    frame, _, contrasts = _template(setting.n_per_arm, setting.visits)
    baseline, response, observed = draw_repeated(setting, random)
    change = np.where(observed, response - baseline[:, None], np.nan)
    return (
        frame.assign(BASE=np.repeat(baseline, setting.visits), CHG=change.ravel()),
        contrasts,
    )


def _trial_design(
    setting: Setting, random: np.random.Generator
) -> tuple[pd.DataFrame, Design, FloatArray]:
    """Return the design of one trial without reading its frame again."""
    frame, whole, contrasts = _template(setting.n_per_arm, setting.visits)
    baseline, response, observed = draw_repeated(setting, random)
    rows = np.flatnonzero(observed.ravel())
    base = np.repeat(baseline, setting.visits)[rows]
    numeric = np.ones((len(rows), whole.numeric.shape[1]))
    numeric[:, 1] = base
    change = (response - baseline[:, None]).ravel()[rows]
    design = replace(
        whole,
        response=change,
        rows=rows,
        n_left_out=len(frame) - len(rows),
        cells=whole.cells[rows],
        numeric=numeric,
        covariates={"BASE": base},
    )
    return frame, design, contrasts


def _layout(frame: pd.DataFrame, design: Design) -> Layout:
    return lay_out(
        design, frame, subject="USUBJID", visit="AVISIT", group=None, spatial=False
    )


def fit_structure(
    design: Design, layout: Layout, data: PseudoSubjects, covariance: str
) -> Fit:
    """Fit one structure as `fit_mmrm` does, the rules aside."""
    structure = structure_named(covariance).structure
    likelihood = Likelihood(data, structure, reml=True)
    check_identified(covariance, likelihood, layout)
    watch = partial(check_covariance, likelihood, layout)
    at, curvature, _ = maximise(likelihood, start_values(likelihood), watch)
    watch(at)
    fitted = fitted_model(likelihood, at, curvature)
    return Fit(design, layout, likelihood, at, curvature, fitted)


def _tables(fit: Fit, contrasts: FloatArray) -> FloatArray:
    """Return estimate, standard error and df, (3, rules, estimands); NaN if none."""
    result = np.full((3, len(RULES), len(ESTIMANDS)), np.nan)
    result[0] = contrasts @ fit.fitted.beta
    for r, name in enumerate(RULES):
        if name == "kenward_roger_linear" and fit.likelihood.structure.linear:
            # Without second derivatives the two are one.
            result[:, r] = result[:, r - 1]
            continue
        try:
            rule = fit.rule(name)
            variance = np.einsum("cp,pq,cq->c", contrasts, rule.covariance, contrasts)
            df = rule.degrees_of_freedom(contrasts)
        except TrialstatsError:
            continue
        usable = (variance > 0) & (df > 0)
        result[1:, r, usable] = np.sqrt(variance[usable]), df[usable]
    return result


def replicate(seed: int, setting: Setting, number: int) -> FloatArray:
    """Analyse one trial.

    Returns
    -------
    (structures, 3, rules, estimands) array
        Estimate, standard error, degrees of freedom; NaN where not estimable.
    """
    frame, design, contrasts = _trial_design(
        setting, replicate_stream(seed, setting, number)
    )
    structures = structures_of(setting)
    result = np.full((len(structures), 3, len(RULES), len(ESTIMANDS)), np.nan)
    try:
        layout = _layout(frame, design)
        data = pseudo_subjects(design, layout, None)
    except TrialstatsError:
        return result
    for s, covariance in enumerate(structures):
        try:
            fit = fit_structure(design, layout, data, covariance)
        except TrialstatsError:
            continue
        result[s] = _tables(fit, contrasts)
    return result


def replicate_stream(seed: int, setting: Setting, number: int) -> np.random.Generator:
    """Return the stream of one trial, the same whether or not the arms differ."""
    names = (setting.truth, setting.visits, setting.n_per_arm, setting.dropout, number)
    return stream(seed, "type one", *map(str, names))


def _block(seed: int, task: tuple[Setting, int, int]) -> FloatArray:
    """Return sums over some trials, (structures, sums, rules, estimands).

    The sums: fits, intervals that hold the truth, estimates, their squares, standard
    errors, reciprocals of the degrees of freedom, widths of the intervals.
    """
    setting, start, stop = task
    effects = true_effects(setting)
    truth = np.array([effects[-1], effects.mean()])
    with one_thread():
        found = np.stack(
            [replicate(seed, setting, number) for number in range(start, stop)]
        )
    estimate, error, df = np.moveaxis(found, 2, 0)
    there = np.isfinite(error) & np.isfinite(df)
    width = -special.stdtrit(np.where(there, df, 1.0), (1 - LEVEL) / 2) * error
    covers = there & (np.abs(estimate - truth) <= np.where(there, width, -1.0))
    shift = estimate - truth
    parts = [there, covers, shift, shift**2, error, 1 / df, 2 * width]
    return np.stack([np.where(there, part, 0.0).sum(axis=0) for part in parts], axis=1)


def run(
    seed: int, n_trials: int, settings: Sequence[Setting], *, processes: int = 1
) -> pd.DataFrame:
    """Analyse trials of every setting.

    Parameters
    ----------
    seed : int
    n_trials : int
        Trials of each setting.
    settings : sequence of Setting
    processes : int
        Processes that share the work; they change nothing but the time.

    Returns
    -------
    DataFrame
        A row for each setting, fitted structure, rule and estimand: ``coverage`` is
        the share of estimable trials whose 95 % interval holds the truth, and
        ``rejection`` (arms that do not differ) one minus it, the type-I error, each
        with its Monte-Carlo error; ``not_estimable`` counts the others. The standard
        deviation of the estimates, the mean standard error, the harmonic mean of the
        degrees of freedom and the mean width of the intervals stand beside.
    """
    tasks = [
        (setting, start, min(start + _BLOCK, n_trials))
        for setting in settings
        for start in range(0, n_trials, _BLOCK)
    ]
    work = partial(_block, seed)
    if processes > 1:
        # Fresh processes: a fork would copy the threads of this one half-way.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            sums = list(pool.map(work, tasks, chunksize=1))
    else:
        sums = [work(task) for task in tasks]
    totals: dict[Setting, FloatArray] = {}
    for (setting, _, _), part in zip(tasks, sums, strict=True):
        totals[setting] = totals[setting] + part if setting in totals else part
    rows = [
        row
        for setting, total in totals.items()
        for row in _rows(setting, total, n_trials)
    ]
    return pd.DataFrame(rows)


def _rows(
    setting: Setting, total: FloatArray, n_trials: int
) -> list[dict[str, object]]:
    """Return the rows of one setting."""
    rows = []
    for (s, covariance), (r, rule), (e, estimand) in itertools.product(
        enumerate(structures_of(setting)), enumerate(RULES), enumerate(ESTIMANDS)
    ):
        n, covers, shift, squares, error, inverse_df, width = total[s, :, r, e]
        some = max(n, 1)
        coverage = covers / some
        spread = np.sqrt(max(squares / some - (shift / some) ** 2, 0.0))
        nothing = np.nan if n == 0 else 1.0
        rows.append(
            {
                "truth": setting.truth,
                "covariance": covariance,
                "visits": setting.visits,
                "n_per_arm": setting.n_per_arm,
                "dropout": setting.dropout,
                "arms_differ": setting.arms_differ,
                "rule": rule,
                "estimand": estimand,
                "n_trials": n_trials,
                "not_estimable": n_trials - int(n),
                "coverage": nothing * coverage,
                "rejection": nothing
                * (np.nan if setting.arms_differ else 1 - coverage),
                "monte_carlo_error": nothing
                * np.sqrt(coverage * (1 - coverage) / some),
                "bias": nothing * shift / some,
                "standard_deviation": nothing * spread,
                "mean_standard_error": nothing * error / some,
                "df": n / inverse_df if inverse_df > 0 else np.nan,
                "mean_width": nothing * width / some,
            }
        )
    return rows
