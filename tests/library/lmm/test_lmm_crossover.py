"""Crossovers: t tests as special cases, missing periods, boundaries, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialstats.errors import DataError, NotEstimableError, SingularCovarianceError
from trialstats.lmm import (
    fit_crossover,
    fit_lmm,
    fit_within_subjects,
    reference_variability,
)
from trialstats.randomness import stream

COLUMNS = {
    "response": "y",
    "subject": "subject",
    "treatment": "treatment",
    "period": "period",
    "sequence": "sequence",
    "control": "A",
}


def crossover(sequences=("AB", "BA"), n=20, spread=2.0, key="two periods"):
    rng = stream(5, "lmm crossover", key)
    rows = []
    for i in range(n):
        sequence = sequences[i % len(sequences)]
        own = rng.normal(0, spread)
        for period, treatment in enumerate(sequence, start=1):
            base = own + rng.normal(0, 1)
            effect = {"A": 0.0, "B": 1.0, "C": 0.4}[treatment]
            y = 10 + own + effect + 0.3 * period + rng.normal()
            rows.append((i, sequence, period, treatment, base, y))
    columns = ["subject", "sequence", "period", "treatment", "base", "y"]
    return pd.DataFrame(rows, columns=columns)


def test_a_complete_crossover_has_the_t_test_of_half_differences():
    # Balanced and complete: REML recovers the analysis of variance.
    data = crossover()
    half = data.pivot_table(index="subject", columns="period", values="y")
    half["d"] = (half[2] - half[1]) / 2
    half["sequence"] = data.groupby("subject")["sequence"].first()
    ab, ba = (half.loc[half.sequence == s, "d"] for s in ("AB", "BA"))
    t, p = stats.ttest_ind(ab, ba)
    fit = fit_crossover(data, **COLUMNS)
    assert fit.difference.df == pytest.approx(18, rel=1e-9)
    assert fit.difference.estimate == pytest.approx(ab.mean() - ba.mean(), rel=1e-11)
    assert fit.difference.statistic == pytest.approx(t, rel=1e-9)
    assert fit.difference.p_value == pytest.approx(p, rel=1e-8)
    within = fit_within_subjects(data, **COLUMNS)
    assert repr(within).startswith("WithinSubjects(B ")
    assert len(repr(within)) < 120
    assert within.differences["B"].statistic == pytest.approx(t, rel=1e-11)
    assert within.df == 18
    means = data.groupby(["sequence", "subject"])["y"].mean()
    t, p = stats.ttest_ind(means["BA"], means["AB"])
    assert fit.sequence_effect.df == pytest.approx(18, rel=1e-9)
    assert fit.sequence_effect.statistic == pytest.approx(t, rel=1e-9)
    assert fit.sequence_effect.p_value == pytest.approx(p, rel=1e-8)
    assert fit.notes == ()


def test_the_first_period_is_a_two_sample_test():
    data = crossover()
    first = data[data.period == 1]
    b, a = (first.loc[first.treatment == k, "y"] for k in "BA")
    t, p = stats.ttest_ind(b, a)
    found = fit_crossover(data, **COLUMNS).first_period["B"]
    assert (found.statistic, found.p_value) == pytest.approx((t, p), rel=1e-10)
    assert found.df == 18


def test_a_baseline_has_one_slope_and_adjusts_the_first_period():
    data = crossover()
    fit = fit_crossover(data, baseline="base", **COLUMNS)
    formula = "y ~ treatment + C(period) + sequence + base"
    same = fit_lmm(formula, data, random={"subject": "1"})
    row = same.coefficients.set_index("coefficient").loc["treatment[T.B]"]
    assert fit.difference.estimate == pytest.approx(row["estimate"], rel=1e-9)
    assert fit.difference.standard_error == pytest.approx(row["standard_error"])
    assert "baseline" in list(fit.tests["term"])
    first = data[data.period == 1]
    design = np.column_stack([np.ones(20), first.treatment == "B", first.base])
    beta = np.linalg.lstsq(design.astype(float), first["y"], rcond=None)[0]
    assert fit.first_period["B"].estimate == pytest.approx(beta[1], rel=1e-10)
    assert fit.first_period["B"].df == 17


def test_three_treatments_in_three_periods():
    data = crossover(("ABC", "BCA", "CAB", "ACB", "BAC", "CBA"), n=24, key="williams")
    fit = fit_crossover(data, **COLUMNS)
    assert list(fit.differences) == ["B", "C"]
    assert list(fit.period_effects) == [2, 3]
    assert len(fit.sequence_effects) == 5
    # Complete data: comparisons within subjects alone give the same difference.
    within = fit_within_subjects(data, **COLUMNS)
    for arm, own in within.differences.items():
        found = fit.differences[arm]
        assert found.estimate == pytest.approx(own.estimate, rel=1e-9)
        assert found.standard_error == pytest.approx(own.standard_error, rel=1e-9)
        assert found.df == pytest.approx(own.df, rel=1e-9)
    with pytest.raises(DataError, match="2 treatments beside the control"):
        fit.difference  # noqa: B018


def test_a_subject_with_one_period_is_kept_and_named():
    data = crossover()
    fit = fit_crossover(data.drop(index=[1, 6]), **COLUMNS)
    assert (fit.n_subjects, fit.n_complete) == (20, 18)
    assert "2 of 20 subjects lack a period and contribute" in fit.notes[0]
    alone = fit_crossover(data[~data.subject.isin([0, 3])], **COLUMNS)
    assert fit.difference.estimate != alone.difference.estimate
    # Within subjects such a subject says nothing.
    within = fit_within_subjects(data.drop(index=[1, 6]), **COLUMNS)
    other = fit_within_subjects(data[~data.subject.isin([0, 3])], **COLUMNS)
    expected = other.differences["B"].estimate
    assert within.differences["B"].estimate == pytest.approx(expected, rel=1e-11)
    assert within.df == other.df == 16


def without_spread():
    """Return a crossover in which subjects' means differ less than errors allow."""
    data = crossover(spread=0.0)
    data.loc[data.period == 2, "y"] = -data.loc[data.period == 1, "y"].to_numpy()
    return data


def test_no_variance_between_subjects_is_an_error_unless_it_may_be_dropped():
    data = without_spread()
    with pytest.raises(SingularCovarianceError, match="subject is estimated as zero"):
        fit_crossover(data, **COLUMNS)
    with pytest.raises(SingularCovarianceError, match="boundary='drop'"):
        fit_crossover(data, **COLUMNS)
    fit = fit_crossover(data, boundary="drop", **COLUMNS)
    assert fit.boundary
    assert fit.variance_between_subjects == 0
    assert "ordinary least squares" in fit.notes[0]
    design = np.column_stack(
        [
            np.ones(40),
            data.treatment == "B",
            data.period == 2,
            data.sequence == "BA",
        ]
    ).astype(float)
    beta, squares = np.linalg.lstsq(design, data["y"], rcond=None)[:2]
    assert fit.difference.estimate == pytest.approx(beta[1], rel=1e-10)
    assert fit.variance_within_subjects == pytest.approx(squares[0] / 36, rel=1e-10)
    assert fit.difference.df == 36
    with pytest.raises(DataError, match="'error' or 'drop'"):
        fit_crossover(data, boundary="ignore", **COLUMNS)


def test_labels_and_order_change_nothing():
    data = crossover(("ABAB", "BABA"), n=14, key="replicate").drop(index=[3, 17])
    fit = fit_crossover(data, **COLUMNS)
    within = fit_within_subjects(data, **COLUMNS)
    rng = stream(5, "shuffle")
    names = dict(enumerate(rng.permutation(14)))
    other = data.assign(subject=data["subject"].map(names))
    other = other.iloc[rng.permutation(len(other))]
    again = fit_crossover(other, **COLUMNS)
    assert again.differences == fit.differences
    assert again.sequence_effects == fit.sequence_effects
    assert again.ls_means == fit.ls_means
    assert again.first_period == fit.first_period
    assert fit_within_subjects(other, **COLUMNS).differences == within.differences
    pd.testing.assert_frame_equal(
        fit_within_subjects(other, **COLUMNS).anova, within.anova, rtol=0, atol=0
    )


def test_limits_widen_with_the_reference():
    # Two references a subject: half the variance of their difference, periods and
    # sequences taken out.
    rng = stream(5, "reference")
    for spread, limits in ((0.1, (0.8, 1.25)), (2.0, (0.6984, 1.4319))):
        data = crossover(("ABAB", "BABA"), n=30, key="limits")
        data["y"] = rng.normal(0, spread, len(data))
        found = reference_variability(data, **COLUMNS)
        reference = data[data.treatment == "A"].sort_values(["subject", "period"])
        steps = reference.groupby("subject")["y"].agg(lambda v: v.iloc[1] - v.iloc[0])
        sequence = reference.groupby("subject")["sequence"].first()
        pooled = steps.groupby(sequence).var().mean() / 2
        assert found.standard_deviation**2 == pytest.approx(pooled, rel=1e-10)
        assert found.df == 28
        # The EMA's guideline prints 69.84 and 143.19 per cent as the widest limits.
        assert found.limits == pytest.approx(limits, abs=5e-5)
    with pytest.raises(NotEstimableError, match="no replicate design"):
        reference_variability(crossover(), **COLUMNS)


@pytest.mark.parametrize("fit", [fit_crossover, fit_within_subjects])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d[d.period == 1], "Only one level of period"),
        (lambda d: d[d.sequence == "AB"], "Only one level of sequence"),
        (lambda d: d[d.treatment == "A"].assign(treatment="B"), "A has no subject"),
        (lambda d: d[d.period == 1 + d.subject // 2 % 2], "one row|cannot tell"),
        (lambda d: d.assign(y=1.0), "residual variance is zero"),
    ],
)
def test_what_a_crossover_cannot_estimate_says_why(change, reason, fit):
    with pytest.raises(NotEstimableError, match=reason):
        fit(change(crossover()), **COLUMNS)


def test_records_that_contradict_each_other_are_named():
    data = crossover()
    with pytest.raises(DataError, match="two records at period"):
        fit_crossover(pd.concat([data, data.head(1)]), **COLUMNS)
    data.loc[0, "sequence"] = "BA"
    with pytest.raises(DataError, match="more than one value of sequence"):
        fit_crossover(data, **COLUMNS)


def test_a_first_period_without_the_control_is_said():
    data = crossover(("BAC", "BCA", "CBA", "CAB"), n=16, key="no control first")
    fit = fit_crossover(data, **COLUMNS)
    assert fit.first_period == {}
    assert "does not hold the control" in fit.notes[-1]


def test_a_categorical_keeps_its_order():
    # Sorted as text, "Period 10" would come before "Period 9".
    names = {1: "Period 9", 2: "Period 10"}
    data = crossover()
    data["period"] = pd.Categorical(data["period"].map(names), list(names.values()))
    data["sequence"] = pd.Categorical(data["sequence"], ["BA", "AB"])
    fit = fit_crossover(data, **COLUMNS)
    assert fit.periods == ("Period 9", "Period 10")
    assert fit.sequences == ("BA", "AB")
    plain = fit_crossover(crossover(), **COLUMNS)
    assert fit.period_effect.estimate == pytest.approx(
        plain.period_effect.estimate, rel=1e-12
    )
    assert fit.first_period["B"].estimate == pytest.approx(
        plain.first_period["B"].estimate, rel=1e-12
    )
    assert fit.sequence_effect.estimate == pytest.approx(
        -plain.sequence_effect.estimate, rel=1e-12
    )
    data = crossover(("ABC", "BCA", "CAB"), n=18, key="order of treatments")
    data["treatment"] = pd.Categorical(data["treatment"], ["C", "B", "A"])
    assert list(fit_crossover(data, **COLUMNS).differences) == ["C", "B"]


def test_a_treatment_that_its_sequence_does_not_have_is_noted():
    data = crossover()
    data.loc[[0, 1], "treatment"] = ["B", "A"]
    (note,) = fit_crossover(data, **COLUMNS).notes
    assert "AB in period 1 (A, B); AB in period 2 (A, B)" in note


@pytest.mark.parametrize("fit", [fit_crossover, fit_within_subjects])
@pytest.mark.parametrize("convert", [str, object])
def test_a_response_that_is_not_numeric_is_refused(fit, convert):
    data = crossover()
    data["y"] = data["y"].astype(convert)
    with pytest.raises(DataError, match=r"column 'y'.*pd\.to_numeric"):
        fit(data, **COLUMNS)


def test_labels_are_needed_in_the_rows_used_only():
    data = crossover()
    blank = data.head(1).assign(subject=99, y=np.nan, treatment=None, period=None)
    fit = fit_crossover(pd.concat([data, blank]), **COLUMNS)
    assert fit.differences == fit_crossover(data, **COLUMNS).differences
    data["treatment"] = data["treatment"].where(data.index != 3)
    with pytest.raises(DataError, match=r"row 3, column 'treatment'.*label is missing"):
        fit_crossover(data, **COLUMNS)


def test_one_treatment_may_be_named_by_itself():
    data = crossover()
    data["treatment"] = data["treatment"].map({"A": "Placebo", "B": "Active"})
    named = COLUMNS | {"control": "Placebo"}
    fit = fit_crossover(data, treatments="Active", **named)
    assert fit.differences == fit_crossover(data, **named).differences
    with pytest.raises(DataError, match="the arms are Placebo, 5"):
        fit_crossover(data, treatments=5, **named)


def test_a_number_written_as_text_is_no_label():
    data = crossover()
    data["treatment"] = data["treatment"].map({"A": 0, "B": 1})
    with pytest.raises(DataError, match="not a label of treatment; the labels are 0"):
        fit_crossover(data, **COLUMNS | {"control": "0"})
    fit = fit_crossover(data, **COLUMNS | {"control": 0})
    assert list(fit.differences) == [1]
    with pytest.raises(DataError, match="not an arm"):
        fit_crossover(data, treatments=[2], **COLUMNS | {"control": 0})


def test_rows_that_are_no_crossover_are_refused():
    data = crossover()
    for none in (data.head(0), data.assign(y=np.nan)):
        with pytest.raises(NotEstimableError, match="No row has a value of y"):
            fit_crossover(none, **COLUMNS)
    with pytest.raises(DataError, match="the control is one treatment; name one of"):
        fit_crossover(data, **COLUMNS | {"control": ["Placebo"]})
    with pytest.raises(DataError, match="more than one column"):
        fit_crossover(pd.concat([data, data[["y"]]], axis="columns"), **COLUMNS)
    mixed = data.astype({"subject": object})
    mixed["subject"] = mixed["subject"].where(mixed["subject"] != 3, "three")
    renamed = mixed.rename(columns={"subject": "patient"})
    with pytest.raises(DataError, match=r"column 'patient'.*of types int, str"):
        fit_crossover(renamed, **COLUMNS | {"subject": "patient"})


@pytest.mark.parametrize("level", ["0.95", None, 95, np.nan])
def test_a_level_is_a_number_between_0_and_1(level):
    with pytest.raises(DataError, match="confidence level"):
        fit_crossover(crossover(), level=level, **COLUMNS)
