r"""Parallel trials with known effects.

Model of one outcome: subject i with the observed baseline :math:`B_i`, week t,

.. math:: C_{it} = \mu_t + \delta_t T_i + \gamma (B_i - \bar B) + u_i + e_{it},

where :math:`C` is the change from baseline, :math:`T` is 1 under treatment and 0 under
control, :math:`u_i \sim N(0, \sigma_u^2)` and :math:`e_{it} \sim N(0, \sigma_e^2)` are
independent of each other and of the baseline. Changes are drawn *given the observed
baseline*, so that both the analysis of covariance at one week and the model with a
random intercept over the weeks, each with the baseline as covariate, are exactly the
model that made the data. Subjects leave with a probability that depends on nothing but
the baseline of one outcome, so that those who stay still follow the same model.

Values are neither rounded nor clipped here: that happens where files are made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import integrate, special, stats

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Upper limit of the change that makes a responder, from the baseline.
Threshold = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class ChangeModel:
    """Change from baseline of one outcome over the weeks; see the module's equation.

    Parameters
    ----------
    weeks : tuple of int
        Weeks after baseline at which the outcome is measured.
    control_change : tuple of float
        Mean change under control at each week, at the mean baseline.
    difference : tuple of float
        True difference, treatment minus control, at each week.
    baseline_low, baseline_high : float
        Range of the baseline, which has a Beta distribution between them.
    baseline_shape : tuple of float
        Both shape parameters of that Beta distribution.
    slope : float
        Change per unit of baseline above its mean.
    sd_between, sd_within : float
        Standard deviations of the subject's effect and of the error of each week.
    """

    weeks: tuple[int, ...]
    control_change: tuple[float, ...]
    difference: tuple[float, ...]
    baseline_low: float
    baseline_high: float
    baseline_shape: tuple[float, float]
    slope: float
    sd_between: float
    sd_within: float

    @property
    def baseline_mean(self) -> float:
        """Mean of the baseline."""
        first, second = self.baseline_shape
        return self.baseline_low + self._width * first / (first + second)

    @property
    def _width(self) -> float:
        return self.baseline_high - self.baseline_low

    @property
    def sd_given_baseline(self) -> float:
        """Standard deviation of a change given the baseline."""
        return float(np.hypot(self.sd_between, self.sd_within))

    def baseline_at(self, share: FloatArray) -> FloatArray:
        """Return the baselines below which each `share` of the subjects lies."""
        first, second = self.baseline_shape
        return np.asarray(
            self.baseline_low + self._width * special.betaincinv(first, second, share)
        )

    def expected_change(
        self, baseline: FloatArray, treated: FloatArray | float
    ) -> FloatArray:
        """Return the mean change at each week, shape (n, weeks), given the baseline."""
        treatment = np.multiply.outer(
            np.broadcast_to(np.asarray(treated, dtype=float), np.shape(baseline)),
            np.asarray(self.difference),
        )
        regression = self.slope * (baseline - self.baseline_mean)
        return np.asarray(
            np.asarray(self.control_change) + treatment + regression[..., None]
        )


@dataclass(frozen=True, slots=True)
class Dropout:
    """Probability of leaving early: logistic in the baseline of one outcome.

    Parameters
    ----------
    outcome : str
        Outcome whose baseline matters.
    log_odds : float
        Log odds of leaving at the mean baseline.
    slope : float
        Change of the log odds per unit of baseline; 0 is completely at random.
    """

    outcome: str
    log_odds: float
    slope: float = 0.0

    def probability(self, baseline: FloatArray, model: ChangeModel) -> FloatArray:
        """Return the probability of leaving before the last week, given baselines."""
        distance = baseline - model.baseline_mean
        return np.asarray(special.expit(self.log_odds + self.slope * distance))


@dataclass(frozen=True, slots=True)
class Responder:
    """Response at the last week: change of `outcome` at or below a threshold."""

    outcome: str
    threshold: Threshold


@dataclass(frozen=True, slots=True)
class ParallelDesign:
    """A randomised trial of two arms.

    Parameters
    ----------
    trial : str
        Name of the trial.
    n_treatment, n_control : int
        Subjects randomised to each arm.
    last_week : int
        Week of the final visit.
    outcomes : mapping
        Model of each outcome, by its parameter code.
    correlation : float
        Correlation between outcomes of the subjects' effects, and of the baselines'
        normal scores.
    dropout : Dropout
        How subjects leave.
    responders : mapping
        Responses derived at the last week, by their parameter code.
    """

    trial: str
    n_treatment: int
    n_control: int
    last_week: int
    outcomes: Mapping[str, ChangeModel]
    correlation: float
    dropout: Dropout
    responders: Mapping[str, Responder]


@dataclass(frozen=True, slots=True)
class ParallelTrial:
    """One trial as it truly went: nothing missing, nothing rounded.

    Parameters
    ----------
    design : ParallelDesign
        What was drawn from.
    treated : ndarray of bool, shape (n,)
        Whether each subject has the treatment.
    last_week : ndarray of int, shape (n,)
        Week after which there are no records; the design's last week for those who
        complete.
    baseline : mapping of str to ndarray, shape (n,)
        Baseline of each outcome.
    change : mapping of str to ndarray, shape (n, weeks)
        Change from baseline, also at weeks after the subject left.
    """

    design: ParallelDesign
    treated: BoolArray
    last_week: IntArray
    baseline: Mapping[str, FloatArray]
    change: Mapping[str, FloatArray]

    @property
    def completed(self) -> BoolArray:
        """Whether each subject stayed until the last week."""
        return np.asarray(self.last_week == self.design.last_week)

    def observed(self, outcome: str) -> BoolArray:
        """Return whether each change of `outcome` was seen, shape (n, weeks)."""
        weeks = np.asarray(self.design.outcomes[outcome].weeks)
        return np.asarray(weeks[None, :] <= self.last_week[:, None])

    def responded(self, responder: str) -> BoolArray:
        """Return who responded; who left early did not (composite strategy)."""
        rule = self.design.responders[responder]
        final = self.change[rule.outcome][:, -1]
        limit = rule.threshold(self.baseline[rule.outcome])
        return np.asarray((final <= limit) & self.completed)


def simulate_parallel(
    design: ParallelDesign, rng: np.random.Generator, *, n_dropouts: int | None = None
) -> ParallelTrial:
    """Draw one trial.

    Parameters
    ----------
    design : ParallelDesign
        What to draw from.
    rng : numpy.random.Generator
        Source of the random numbers.
    n_dropouts : int, optional
        Exactly how many subjects leave early, drawn by their probabilities; otherwise
        each leaves independently of the others.

    Returns
    -------
    ParallelTrial
        The trial, its subjects in random order of the arms.
    """
    n = design.n_treatment + design.n_control
    treated = rng.permutation(np.arange(n) < design.n_treatment)
    baseline, change = {}, {}
    common_score, common_effect = rng.standard_normal((2, n))
    shared, own = np.sqrt(design.correlation), np.sqrt(1 - design.correlation)
    for name, model in design.outcomes.items():
        score = shared * common_score + own * rng.standard_normal(n)
        effect = shared * common_effect + own * rng.standard_normal(n)
        baseline[name] = model.baseline_at(special.ndtr(score))
        errors = rng.standard_normal((n, len(model.weeks)))
        change[name] = (
            model.expected_change(baseline[name], treated.astype(float))
            + model.sd_between * effect[:, None]
            + model.sd_within * errors
        )
    left = _leavers(design, baseline, rng, n_dropouts)
    week = rng.integers(1, design.last_week, size=n)
    last_week = np.where(left, week, design.last_week)
    return ParallelTrial(design, treated, last_week, baseline, change)


def _leavers(
    design: ParallelDesign,
    baseline: Mapping[str, FloatArray],
    rng: np.random.Generator,
    n_dropouts: int | None,
) -> BoolArray:
    outcome = design.dropout.outcome
    probability = design.dropout.probability(
        baseline[outcome], design.outcomes[outcome]
    )
    if n_dropouts is None:
        return np.asarray(rng.random(probability.size) < probability)
    chosen = rng.choice(
        probability.size,
        size=n_dropouts,
        replace=False,
        p=probability / probability.sum(),
    )
    return np.isin(np.arange(probability.size), chosen)


def observed_changes(trial: ParallelTrial, outcome: str) -> pd.DataFrame:
    """Return the observed changes of one outcome, one row a subject and week.

    Returns
    -------
    DataFrame
        Columns ``USUBJID``, ``TRT01P`` ("treatment" or "control"), ``AVISIT``
        ("Week 4"), ``AVISITN``, ``BASE`` and ``CHG``.
    """
    subject, position = np.nonzero(trial.observed(outcome))
    weeks = np.asarray(trial.design.outcomes[outcome].weeks)[position]
    names = np.array([f"S{i:04d}" for i in range(trial.treated.size)])
    return pd.DataFrame(
        {
            "USUBJID": names[subject],
            "TRT01P": np.where(trial.treated[subject], "treatment", "control"),
            "AVISIT": [f"Week {week}" for week in weeks],
            "AVISITN": weeks,
            "BASE": trial.baseline[outcome][subject],
            "CHG": trial.change[outcome][subject, position],
        }
    )


def true_risk(design: ParallelDesign, responder: str, *, treated: bool) -> float:
    """Return the true risk of a response, leaving early counted as none.

    Given the baseline the change is normal and leaving is independent of it, so the
    risk is the integral over the Beta distribution of the baseline of
    (1 - probability of leaving) x normal probability of a change at or below the
    threshold. It needs the dropout to depend on the responder's own outcome.

    Returns
    -------
    float
        The risk, by quadrature to an absolute error below 1e-9.
    """
    rule = design.responders[responder]
    model = design.outcomes[rule.outcome]
    if design.dropout.slope and design.dropout.outcome != rule.outcome:
        raise ValueError(f"dropout does not depend on the baseline of {rule.outcome}")
    density = stats.beta(*model.baseline_shape)

    def integrand(share: float) -> float:
        width = model.baseline_high - model.baseline_low
        base = np.array([model.baseline_low + width * share])
        mean = model.expected_change(base, float(treated))[0, -1]
        distance = (rule.threshold(base)[0] - mean) / model.sd_given_baseline
        stays = 1 - design.dropout.probability(base, model)[0]
        return float(density.pdf(share) * stays * special.ndtr(distance))

    value, _ = integrate.quad(integrand, 0.0, 1.0, epsabs=1e-10, epsrel=1e-10)
    return float(value)
