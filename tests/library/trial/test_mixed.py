"""Random-intercept models against lme4, exact identities, and planted silences."""

import json
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression import mixed_linear_model

from trialstats.ancova import fit_ancova
from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.mixed import fit_crossover, fit_random_intercept
from trialstats.randomness import stream
from trialstats.restricted_likelihood import Profile, maximise

#: lme4 stops its optimiser at rhoend = 1e-10, which leaves about 1e-8 in variances.
ITERATIVE = 1e-6

VISITS = {
    "response": "y",
    "subject": "subject",
    "treatment": "arm",
    "control": "P",
    "treatments": ["T"],
    "visit": "visit",
}
PERIODS = {
    "response": "y",
    "subject": "subject",
    "treatment": "treatment",
    "control": "A",
    "treatments": ["B"],
    "period": "period",
    "sequence": "sequence",
}


def visits(n=30, spread=1.0, key="mixed"):
    rng = stream(5, key)
    subject = np.repeat(np.arange(n), 3)
    arm = np.array(["P", "T"])[subject % 2]
    base = np.repeat(rng.normal(6, 1, n), 3)
    own = np.repeat(rng.normal(0, spread, n), 3)
    y = 0.4 * base + own - (arm == "T") + rng.normal(size=3 * n)
    visit = np.tile([1.0, 2.0, 3.0], n)
    return pd.DataFrame(
        {"subject": subject, "arm": arm, "visit": visit, "base": base, "y": y}
    )


def periods(n=20, spread=2.0, key="crossover"):
    rng = stream(5, key)
    subject = np.repeat(np.arange(n), 2)
    sequence = np.where(subject < n // 2 - 2, "AB", "BA")
    period = np.tile([1, 2], n)
    treatment = np.where((sequence == "AB") == (period == 1), "A", "B")
    own = np.repeat(rng.normal(0, spread, n), 2)
    y = own + 1.0 * (treatment == "B") + 0.3 * period + rng.normal(size=2 * n)
    return pd.DataFrame(
        {
            "subject": subject,
            "sequence": sequence,
            "period": period,
            "treatment": treatment,
            "y": y,
        }
    )


def reference(shared, name):
    file = shared / "reference" / "json" / f"lme4.{name}.json"
    return json.loads(file.read_text())["cases"][0]["results"]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "data", "columns"),
    [
        ("crossover_sim", "xover_sim", {}),
        (
            "crossover_be2x2_AUC",
            "be2x2",
            {"SUBJ": "subject", "GRP": "sequence", "PRD": "period", "TRT": "treatment"},
        ),
        (
            "crossover_be2x2_Cmax",
            "be2x2",
            {"SUBJ": "subject", "GRP": "sequence", "PRD": "period", "TRT": "treatment"},
        ),
    ],
)
def test_crossovers_agree_with_lmer(shared, name, data, columns):
    # Degrees of freedom differ by definition (lmerTest: Satterthwaite), so limits and
    # p-values are not compared.
    theirs = reference(shared, name)
    rows = pd.read_csv(shared / "reference" / "data" / f"{data}.csv")
    rows = rows.rename(columns=columns)
    if name != "crossover_sim":
        rows["y"] = rows[f"ln{name.rsplit('_', maxsplit=1)[-1]}"]
    control, treated = sorted(rows["treatment"].unique())
    fit = fit_crossover(
        rows, **{**PERIODS, "control": control, "treatments": [treated]}
    )
    fixed = theirs["fixef_satterthwaite"]
    ours = (fit.sequence_effect, fit.period_effect, fit.difference)
    for effect, estimate, error in zip(
        ours, fixed["estimate"][1:], fixed["se"][1:], strict=True
    ):
        assert effect.estimate == pytest.approx(estimate, rel=ITERATIVE, abs=1e-9)
        assert effect.standard_error == pytest.approx(error, rel=ITERATIVE)
    between, within = theirs["VarCorr"]["vcov"]
    assert fit.variance_between_subjects == pytest.approx(between, rel=ITERATIVE)
    assert fit.variance_within_subjects == pytest.approx(within, rel=ITERATIVE)
    means = theirs["emmeans_satterthwaite"]
    for arm, estimate, error in zip(
        (control, treated), means["emmean"], means["SE"], strict=True
    ):
        assert fit.ls_means[arm].estimate == pytest.approx(estimate, rel=ITERATIVE)
        assert fit.ls_means[arm].standard_error == pytest.approx(error, rel=ITERATIVE)


def test_a_complete_crossover_is_the_t_test_of_the_period_differences():
    # Half the period difference, compared between sequences: n - 2 degrees of freedom.
    data = periods()
    wide = data.pivot_table(index=["subject", "sequence"], columns="period", values="y")
    half = ((wide[2] - wide[1]) / 2).reset_index("sequence", name="d")
    ab, ba = (half.loc[half.sequence == s, "d"] for s in ("AB", "BA"))
    t, p = stats.ttest_ind(ab, ba)
    fit = fit_crossover(data, **PERIODS)
    assert not fit.boundary
    assert fit.difference.df == 18
    # The restricted likelihood is maximised to rounding; its root costs some digits.
    assert fit.difference.estimate == pytest.approx(ab.mean() - ba.mean(), rel=1e-9)
    assert fit.difference.statistic == pytest.approx(t, rel=1e-9)
    assert fit.difference.p_value == pytest.approx(p, rel=1e-8)


def test_a_complete_crossover_has_the_sequence_test_of_the_subject_means():
    data = periods()
    means = data.groupby(["sequence", "subject"])["y"].mean()
    t, p = stats.ttest_ind(means["BA"], means["AB"])
    effect = fit_crossover(data, **PERIODS).sequence_effect
    assert effect.df == 18
    assert (effect.statistic, effect.p_value) == pytest.approx((t, p), rel=1e-8)


def test_a_subject_with_one_period_contributes_and_is_named():
    data = periods()
    fit = fit_crossover(data.drop(index=[1, 6]), **PERIODS)
    alone = fit_crossover(data[~data.subject.isin([0, 3])], **PERIODS)
    assert fit.n_subjects == 20
    assert fit.difference.df == 38 - 20 - 2
    assert fit.difference.estimate != alone.difference.estimate
    assert "2 of 20 subjects have one period" in fit.notes[0]


def test_balanced_visits_share_the_t_statistic_of_the_subject_means():
    # Without covariate and with complete data, the average over visits of the
    # differences is the difference of the subjects' means.
    data = visits()
    fit = fit_random_intercept(data, **VISITS)
    means = data.groupby(["arm", "subject"])["y"].mean()
    average = np.mean([d.estimate for d in fit.differences.values()])
    assert average == pytest.approx(means["T"].mean() - means["P"].mean(), rel=1e-9)
    at = data[data.visit == 2]
    own = at.y[at.arm == "T"].mean() - at.y[at.arm == "P"].mean()
    assert fit.differences[2.0, "T"].estimate == pytest.approx(own, rel=1e-9)
    # Moments of a balanced layout give the variances in closed form (ANOVA).
    residual = data.y - data.groupby(["arm", "visit"])["y"].transform("mean")
    total = residual.groupby(data.subject).mean()
    between = 3 * (total**2).sum() / 28
    within = ((residual - residual.groupby(data.subject).transform("mean")) ** 2).sum()
    within /= 28 * 2
    assert fit.variance_within_subjects == pytest.approx(within, rel=1e-9)
    expected = (between - within) / 3
    assert fit.variance_between_subjects == pytest.approx(expected, rel=1e-9)
    error = np.sqrt((expected + within) * (1 / 15 + 1 / 15))
    assert fit.differences[1.0, "T"].standard_error == pytest.approx(error, rel=1e-9)


def test_degrees_of_freedom_are_those_between_subjects():
    data = visits()
    fit = fit_random_intercept(data, covariates=["base"], **VISITS)
    one = fit_ancova(
        data[data.visit == 3],
        response="y",
        treatment="arm",
        control="P",
        treatments=["T"],
        covariates=["base"],
    )
    assert fit.df == one.df == 27
    assert fit.differences[3.0, "T"].df == 27


def test_missing_visits_keep_the_subject():
    data = visits().drop(index=[2, 10])
    fit = fit_random_intercept(data, covariates=["base"], **VISITS)
    assert fit.n_subjects == {"P": 15, "T": 15}
    assert fit.n_observed[3.0, "P"] == 14
    assert fit.covariate_means[3.0, "base"] == pytest.approx(
        data.base[data.visit == 3].mean()
    )


def test_zero_variance_is_least_squares_and_says_so():
    # Subjects' means that differ less than the residuals allow put the estimate on
    # the boundary; least squares is then the restricted likelihood's maximum.
    data = visits(spread=0.0)
    residual = data.y - data.groupby("subject")["y"].transform("mean")
    data["y"] = residual + 0.0
    fit = fit_random_intercept(data, **VISITS)
    assert fit.boundary
    assert fit.variance_between_subjects == 0
    assert "ordinary least squares" in fit.notes[0]
    cells = data.groupby(["visit", "arm"])["y"]
    pooled = ((data.y - cells.transform("mean")) ** 2).sum() / (90 - 6)
    assert fit.variance_within_subjects == pytest.approx(pooled, rel=1e-10)
    expected = np.sqrt(pooled * 2 / 15)
    found = fit.differences[1.0, "T"].standard_error
    assert found == pytest.approx(expected, rel=1e-10)


def test_a_crossover_at_zero_variance_says_so():
    data = periods(spread=0.0)
    # Opposite errors within each subject make the between-subject spread zero.
    data.loc[data.period == 2, "y"] = -data.loc[data.period == 1, "y"].to_numpy()
    fit = fit_crossover(data, **PERIODS)
    assert fit.boundary
    assert fit.difference.df == 18
    assert "ordinary least squares" in fit.notes[0]


@pytest.mark.parametrize("number", range(8))
def test_variances_near_zero_converge(number):
    # statsmodels' gradient methods lose their way here; one of them must arrive, and
    # the estimate must be the root of the restricted score.
    data = visits(n=60, spread=0.15, key=f"near zero {number}")
    fit = fit_random_intercept(data, covariates=["base"], **VISITS)
    assert fit.boundary == (fit.variance_between_subjects == 0)
    assert np.isfinite(fit.differences[3.0, "T"].standard_error)


def test_lbfgs_of_statsmodels_still_returns_what_we_guard_against():
    # The silence this door exists for: converged, and no variance, where the
    # restricted likelihood has its maximum inside. If this fails, statsmodels has
    # mended it.
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(99), 12)
    design = np.column_stack([np.ones(99 * 12), subject % 2])
    for _ in range(10):
        y = rng.normal(size=99 * 12) + 0.2 * np.repeat(rng.normal(size=99), 12)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = mixed_linear_model.MixedLM(y, design, groups=subject).fit(
                reml=True, method=["lbfgs"]
            )
        rows = pd.DataFrame({"s": subject, "y": y, "v": np.tile(np.arange(12), 99)})
        rows["arm"] = np.where(subject % 2, "T", "P")
        if fit.converged and fit.cov_re[0, 0] == 0:
            ours = fit_random_intercept(
                rows, **{**VISITS, "subject": "s", "visit": "v"}
            )
            assert ours.variance_between_subjects > 0
            return
    pytest.fail("lbfgs found every variance")


def planted(monkeypatch, **changes):
    """Let every optimiser of statsmodels return a wrong answer."""

    def fit(self, **kwargs):
        wrong = {
            "fe_params": np.zeros(self.exog.shape[1]),
            "cov_re": np.array([[1.0]]),
            "scale": 1.0,
            "converged": True,
        }
        return SimpleNamespace(**wrong | changes)

    monkeypatch.setattr(mixed_linear_model.MixedLM, "fit", fit)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"converged": False}, "reports no convergence"),
        ({}, "every coefficient is exactly 0"),
        ({"fe_params": np.full(6, np.nan)}, "not finite"),
        ({"fe_params": np.ones(6), "cov_re": np.array([[99.0]])}, "below the highest"),
    ],
)
def test_each_silence_of_statsmodels_becomes_an_error(monkeypatch, changes, reason):
    data = visits(spread=2.0)
    planted(monkeypatch, **changes)
    with pytest.raises(ConvergenceError, match=reason) as caught:
        fit_random_intercept(data, **VISITS)
    assert "powell" in str(caught.value)


def test_coefficients_away_from_the_maximum_are_an_error(monkeypatch):
    # The variances are right, the coefficients are not.
    data = visits(spread=2.0)
    right = fit_random_intercept(data, **VISITS)
    planted(
        monkeypatch,
        fe_params=np.full(6, 5.0),
        cov_re=np.array([[right.variance_between_subjects]]),
        scale=right.variance_within_subjects,
    )
    with pytest.raises(ConvergenceError, match="standard errors away"):
        fit_random_intercept(data, **VISITS)


def test_a_warning_of_statsmodels_is_a_fault(monkeypatch):
    def fit(self, **kwargs):
        warnings.warn("Random effects covariance is singular", stacklevel=1)
        return SimpleNamespace()

    monkeypatch.setattr(mixed_linear_model.MixedLM, "fit", fit)
    with pytest.raises(ConvergenceError, match="covariance is singular"):
        fit_random_intercept(visits(), **VISITS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d[(d.arm == "P") | (d.visit < 3)], "T has no data at visit 3"),
        (lambda d: d[d.visit == 1], "Every subject has one observation"),
        (lambda d: d.assign(base=2.0), "base is 2 in every analysed row of visit 1"),
        (lambda d: d.head(9), "cannot estimate"),
        (lambda d: d.assign(y=1.0), "residual variance is zero"),
    ],
)
def test_what_visits_cannot_estimate_says_why(change, reason):
    with pytest.raises(NotEstimableError, match=reason):
        fit_random_intercept(change(visits()), covariates=["base"], **VISITS)


def test_no_variance_within_subjects_is_not_estimable():
    data = visits()
    data["y"] = data.groupby("subject")["y"].transform("mean")
    with pytest.raises(NotEstimableError, match="within subjects is zero"):
        fit_random_intercept(data, **VISITS)


def test_records_that_contradict_each_other_are_named():
    data = visits()
    with pytest.raises(DataError, match="subject 0 has two records at visit 1"):
        fit_random_intercept(pd.concat([data, data.head(1)]), **VISITS)
    data.loc[0, "arm"] = "T"
    with pytest.raises(DataError, match="subject 0 has more than one value of arm"):
        fit_random_intercept(data, **VISITS)
    cross = periods()
    with pytest.raises(DataError, match="two records at period"):
        fit_crossover(pd.concat([cross, cross.head(1)]), **PERIODS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d[d.period == 1], "Only one level of period"),
        (lambda d: d[d.sequence == "AB"], "Only one level of sequence"),
        (lambda d: d[d.treatment == "A"], "B has no subject with y"),
        (lambda d: d[d.period == np.where(d.subject % 2, 1, 2)], "one observation"),
    ],
)
def test_what_a_crossover_cannot_estimate_says_why(change, reason):
    with pytest.raises(NotEstimableError, match=reason):
        fit_crossover(change(periods()), **PERIODS)


def test_three_periods_are_refused():
    data = periods()
    data.loc[3, "period"] = 3
    with pytest.raises(DataError, match="3 levels where a two-period crossover"):
        fit_crossover(data, **PERIODS)


@pytest.mark.reference
def test_the_restricted_likelihood_agrees_with_lmer_on_sleepstudy(shared):
    # A random-intercept fit whose fixed effects are none of our two models.
    folder = shared / "reference"
    cases = json.loads((folder / "json" / "lme4.sleepstudy.json").read_text())["cases"]
    theirs = {case["id"]: case["results"] for case in cases}["int_REML"]
    data = pd.read_csv(folder / "data" / "sleepstudy.csv")
    design = np.column_stack([np.ones(len(data)), data["Days"]])
    codes, _ = pd.factorize(data["Subject"])
    fit = maximise(Profile(data["Reaction"].to_numpy(dtype=float), design, codes))
    fixed = theirs["fixef_satterthwaite"]
    assert fit.beta == pytest.approx(fixed["estimate"], rel=ITERATIVE)
    errors = np.sqrt(np.diag(fit.covariance))
    assert errors == pytest.approx(fixed["se"], rel=ITERATIVE)
    found = [fit.between, fit.within]
    assert found == pytest.approx(theirs["VarCorr"]["vcov"], rel=ITERATIVE)
