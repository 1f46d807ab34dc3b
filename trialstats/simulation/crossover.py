r"""A crossover trial of two treatments in two periods with known effects.

Daily pain of subject i in period j, day d of week w,

.. math:: Y_{ijd} = m + c_w + \tau_w T_{ij} + \pi_j + s_i + p_{ij} + e_{ijd},

with the treatment indicator :math:`T`, the change under control :math:`c_w`, the effect
:math:`\tau_w`, the period effect :math:`\pi_2` (:math:`\pi_1 = 0`), and independent
normal effects of the subject, of the subject in the period, and of the day. The mean of
a full week is then exactly the model with treatment, period, sequence and a random
subject; there is no carry-over and no sequence effect. Subjects leave completely at
random.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.simulation.designs import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class CrossoverDesign:
    """A crossover trial; symbols in the module's equation.

    Parameters
    ----------
    trial : str
        Name of the trial.
    n_treatment_first, n_control_first : int
        Subjects of each sequence.
    weeks, washout_weeks : int
        Length of a period and of the pause between the periods.
    baseline_pain : float
        Mean daily pain before treatment.
    control_change, difference : tuple of float
        Change under control and true effect (treatment minus control), by week.
    period_effect : float
        Second period minus first.
    sd_subject, sd_subject_period, sd_day : float
        Standard deviations of the three random parts.
    dropout_probability : float
        Probability of leaving before the end, independent of everything.
    baseline_impact, impact_control_change, impact_difference, impact_period_effect :
        float
        The same quantities of the questionnaire at the end of a period.
    impact_sd_subject, impact_sd_within : float
        Standard deviations of the questionnaire.
    """

    trial: str
    n_treatment_first: int
    n_control_first: int
    weeks: int
    washout_weeks: int
    baseline_pain: float
    control_change: tuple[float, ...]
    difference: tuple[float, ...]
    period_effect: float
    sd_subject: float
    sd_subject_period: float
    sd_day: float
    dropout_probability: float
    baseline_impact: float
    impact_control_change: float
    impact_difference: float
    impact_period_effect: float
    impact_sd_subject: float
    impact_sd_within: float

    @property
    def period_days(self) -> int:
        """Days of a period."""
        return 7 * self.weeks

    @property
    def second_start(self) -> int:
        """Study day on which the second period starts; the first starts on day 1."""
        return 7 * (self.weeks + self.washout_weeks) + 1

    @property
    def last_day(self) -> int:
        """Study day on which the second period ends."""
        return self.second_start + self.period_days - 1


@dataclass(frozen=True, slots=True)
class CrossoverTrial:
    """One trial as it truly went: nothing missing, nothing rounded.

    Parameters
    ----------
    design : CrossoverDesign
        What was drawn from.
    treatment_first : ndarray of bool, shape (n,)
        Sequence of each subject.
    last_day : ndarray of int, shape (n,)
        Study day after which there are no records.
    baseline_pain : ndarray, shape (n, 7)
        Pain on days -7 to -1.
    pain : ndarray, shape (n, 2, days)
        Pain on each day of each period.
    baseline_impact : ndarray, shape (n,)
        Questionnaire before treatment.
    impact : ndarray, shape (n, 2)
        Questionnaire at the end of each period.
    """

    design: CrossoverDesign
    treatment_first: BoolArray
    last_day: IntArray
    baseline_pain: FloatArray
    pain: FloatArray
    baseline_impact: FloatArray
    impact: FloatArray

    @property
    def completed(self) -> BoolArray:
        """Whether each subject stayed until the end."""
        return np.asarray(self.last_day == self.design.last_day)

    @property
    def treated(self) -> BoolArray:
        """Whether the subject has the treatment in each period, shape (n, 2)."""
        return np.stack([self.treatment_first, ~self.treatment_first], axis=1)

    @property
    def observed(self) -> BoolArray:
        """Whether each day of each period was seen, shape (n, 2, days)."""
        starts = np.array([1, self.design.second_start])
        days = starts[:, None] + np.arange(self.design.period_days)[None, :]
        return np.asarray(days[None, :, :] <= self.last_day[:, None, None])


def simulate_crossover(
    design: CrossoverDesign, rng: np.random.Generator, *, n_dropouts: int | None = None
) -> CrossoverTrial:
    """Draw one trial.

    Parameters
    ----------
    design : CrossoverDesign
        What to draw from.
    rng : numpy.random.Generator
        Source of the random numbers.
    n_dropouts : int, optional
        Exactly how many subjects leave early; otherwise each leaves independently.

    Returns
    -------
    CrossoverTrial
        The trial, its subjects in random order of the sequences.
    """
    n, days = design.n_treatment_first + design.n_control_first, design.period_days
    first = rng.permutation(np.arange(n) < design.n_treatment_first)
    treated = np.stack([first, ~first], axis=1).astype(float)
    subject = design.baseline_pain + design.sd_subject * rng.standard_normal(n)
    within = design.sd_subject_period * rng.standard_normal((n, 3))
    baseline_pain = (subject + within[:, 0])[:, None] + design.sd_day * (
        rng.standard_normal((n, 7))
    )
    week = np.repeat(np.arange(design.weeks), 7)
    period = np.array([0.0, design.period_effect])
    mean = (
        np.asarray(design.control_change)[week]
        + treated[:, :, None] * np.asarray(design.difference)[week]
        + period[None, :, None]
        + (subject[:, None] + within[:, 1:])[:, :, None]
    )
    pain = mean + design.sd_day * rng.standard_normal((n, 2, days))
    impact_subject = design.impact_sd_subject * rng.standard_normal(n)
    impact_error = design.impact_sd_within * rng.standard_normal((n, 3))
    level = design.baseline_impact + impact_subject
    impact = (
        level[:, None]
        + design.impact_control_change
        + design.impact_difference * treated
        + np.array([0.0, design.impact_period_effect])
        + impact_error[:, 1:]
    )
    if n_dropouts is None:
        left = rng.random(n) < design.dropout_probability
    else:
        left = np.isin(np.arange(n), rng.choice(n, size=n_dropouts, replace=False))
    # Nobody leaves in the first two weeks or in the last one.
    day = rng.integers(15, design.last_day - 7, size=n)
    return CrossoverTrial(
        design,
        first,
        np.where(left, day, design.last_day),
        baseline_pain,
        pain,
        level + impact_error[:, 0],
        impact,
    )


def last_week_means(trial: CrossoverTrial, *, at_least: int = 4) -> pd.DataFrame:
    """Return the mean pain of the last week of each period, one row each.

    Parameters
    ----------
    trial : CrossoverTrial
        The trial.
    at_least : int
        Observed days that a mean needs.

    Returns
    -------
    DataFrame
        Columns ``USUBJID``, ``TRTSEQP`` ("treatment first" or "control first"),
        ``APERIOD`` (1, 2), ``TRTP`` ("treatment" or "control") and ``AVAL``.
    """
    seen = trial.observed[:, :, -7:]
    counts = seen.sum(axis=2)
    totals = np.where(seen, trial.pain[:, :, -7:], 0.0).sum(axis=2)
    return _by_period(trial, counts >= at_least, totals / np.maximum(counts, 1))


def _by_period(
    trial: CrossoverTrial, seen: BoolArray, values: FloatArray
) -> pd.DataFrame:
    subject, period = np.nonzero(seen)
    first = trial.treatment_first[subject]
    names = np.array([f"S{i:04d}" for i in range(trial.treatment_first.size)])
    return pd.DataFrame(
        {
            "USUBJID": names[subject],
            "TRTSEQP": np.where(first, "treatment first", "control first"),
            "APERIOD": period + 1,
            "TRTP": np.where(trial.treated[subject, period], "treatment", "control"),
            "AVAL": values[subject, period],
        }
    )


def impact_values(trial: CrossoverTrial) -> pd.DataFrame:
    """Return the questionnaire at the end of each period that a subject finished.

    Returns
    -------
    DataFrame
        Columns as `last_week_means`.
    """
    finished = trial.observed[:, :, -1]
    return _by_period(trial, finished, trial.impact)
