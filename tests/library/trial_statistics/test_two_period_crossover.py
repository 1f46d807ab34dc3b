"""Two treatments in two periods, paired tests, and groups compared by means."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trialstats.errors import DataError, NotEstimableError
from trialstats.group_means import one_way_anova
from trialstats.lmm import fit_crossover, fit_within_subjects
from trialstats.randomness import stream
from trialstats.two_period_crossover import (
    paired_t_test,
    signed_rank_test,
    two_period_crossover,
)

COLUMNS = {
    "response": "y",
    "subject": "id",
    "treatment": "drug",
    "period": "visit",
    "sequence": "order",
    "control": "P",
}


def trial(n=14):
    rng = stream(7, "crossover")
    rows = []
    for i in range(n):
        order = "PA" if i < 6 else "AP"
        level = rng.normal(20, 4)
        for visit, drug in enumerate(order, start=1):
            effect = 2 * (drug == "A") + 1.5 * (visit == 2)
            rows.append((i, order, visit, drug, level + effect + rng.normal()))
    return pd.DataFrame(rows, columns=["id", "order", "visit", "drug", "y"])


def test_complete_data_give_the_models_of_subjects():
    # With every period there, fixed and random subjects give one comparison.
    data = trial()
    found = two_period_crossover(data, **COLUMNS)
    fixed = fit_within_subjects(data, **COLUMNS)
    mixed = fit_crossover(data, **COLUMNS)
    for other in (fixed.differences["A"], mixed.difference):
        assert found.treatment.estimate == pytest.approx(other.estimate, rel=1e-9)
        assert found.treatment.p_value == pytest.approx(other.p_value, rel=1e-6)
    period = fixed.period_effects[2]
    assert found.period.estimate == pytest.approx(period.estimate, rel=1e-9)
    assert found.period.standard_error == pytest.approx(period.standard_error)
    assert found.treatment.df == 12


def test_carry_over_is_the_t_test_of_totals():
    data = trial()
    found = two_period_crossover(data, **COLUMNS).carryover
    totals = data.groupby(["order", "id"])["y"].sum()
    t, p = stats.ttest_ind(totals["PA"], totals["AP"])
    assert (found.statistic, found.p_value) == pytest.approx((t, p), rel=1e-10)


def test_paired_test_is_scipys():
    data = trial()
    found = two_period_crossover(data, **COLUMNS)
    wide = {drug: rows["y"].to_numpy() for drug, rows in data.groupby("drug")}
    t, p = stats.ttest_rel(wide["A"], wide["P"])
    assert (found.paired.statistic, found.paired.p_value) == pytest.approx((t, p))
    rank = stats.wilcoxon(wide["A"] - wide["P"], method="exact")
    assert found.signed_rank.p_value == pytest.approx(rank.pvalue, rel=1e-12)


def test_control_and_order_of_rows_change_no_more_than_the_sign():
    data = trial()
    found = two_period_crossover(data, **COLUMNS)
    other = two_period_crossover(data.iloc[::-1], **{**COLUMNS, "control": "A"})
    assert other.treatment.estimate == pytest.approx(-found.treatment.estimate)
    assert other.treatment.p_value == pytest.approx(found.treatment.p_value, rel=1e-9)
    assert other.period.estimate == pytest.approx(found.period.estimate, rel=1e-9)
    assert other.signed_rank.p_value == found.signed_rank.p_value


def test_subjects_with_one_period_are_counted_and_left_out():
    data = trial()
    data.loc[0, "y"] = np.nan
    found = two_period_crossover(data, **COLUMNS)
    assert (found.n_incomplete, dict(found.n)) == (1, {"AP": 8, "PA": 5})
    whole = two_period_crossover(data[data["id"] != 0], **COLUMNS)
    assert found.treatment == whole.treatment


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.assign(drug=d["drug"].where(d["id"] > 3, "C")), "3 treatments"),
        (lambda d: d.assign(visit=d["visit"] + 2 * (d["id"] == 3)), "4 periods"),
        (lambda d: d.assign(order=d["order"].where(d["id"] > 3, "x")), "3 sequences"),
        (
            lambda d: d.assign(drug=np.where(d["visit"] == 1, "A", "P")),
            "not the two orders.*AP: A then P; PA: A then P",
        ),
        (
            lambda d: d.assign(
                drug=d["drug"].mask(d["id"] == 3, d["drug"].map({"A": "P", "P": "A"}))
            ),
            "not the two orders",
        ),
        (lambda d: d.assign(y=d["y"].astype(str)), "not numeric"),
        (lambda d: d.assign(y=np.inf), "infinite"),
    ],
)
def test_what_is_no_crossover_of_two(change, message):
    with pytest.raises(DataError, match=message):
        two_period_crossover(change(trial()), **COLUMNS)


def test_differences_without_variation():
    data = trial().assign(y=lambda d: 3.0 * (d["drug"] == "A"))
    with pytest.raises(NotEstimableError, match="residual variance is zero"):
        two_period_crossover(data, **COLUMNS)


def by_signs(values):
    """Return the two-sided p-value over all signs of the differences."""
    values = np.array([v for v in values if v])
    ranks = stats.rankdata(np.abs(values))
    sums = [
        sum(r for r, sign in zip(ranks, signs, strict=True) if sign)
        for signs in itertools.product((0, 1), repeat=len(values))
    ]
    own = ranks[values > 0].sum()
    tails = [np.mean(np.array(sums) <= own), np.mean(np.array(sums) >= own)]
    return min(2 * min(tails), 1.0)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9).filter(any))
def test_signed_rank_is_the_share_of_all_signs(values):
    # Small whole numbers: ties and zeros nearly always.
    found = signed_rank_test(values)
    assert found.p_value == pytest.approx(by_signs(values), rel=1e-12)
    assert found.n + found.n_zero == len(values)
    turned = signed_rank_test([-v for v in values])
    assert turned.p_value == pytest.approx(found.p_value, rel=1e-12)


@pytest.mark.parametrize("test", [paired_t_test, signed_rank_test])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.nan], "row 1, value nan: .*missing or infinite"),
        ([np.inf, 1.0], "row 0"),
        ([[1.0], [2.0]], "2 dimensions"),
        (["a"], "no number"),
    ],
)
def test_no_differences(test, values, message):
    with pytest.raises(DataError, match=message):
        test(values)


@pytest.mark.parametrize(
    ("test", "values", "message"),
    [
        (paired_t_test, [], "0 difference"),
        (paired_t_test, [2.0], "1 difference"),
        (paired_t_test, [2.0, 2.0], "residual variance is zero"),
        (signed_rank_test, [], "Every difference is zero"),
        (signed_rank_test, [0, 0], "Every difference is zero"),
        (signed_rank_test, range(1, 1100), "1099 differences"),
    ],
)
def test_differences_without_an_answer(test, values, message):
    with pytest.raises(NotEstimableError, match=message):
        test(values)


def groups():
    rng = stream(9, "groups")
    return pd.DataFrame({"y": rng.normal(1e6, 2, 30), "g": np.repeat(list("abc"), 10)})


def test_one_way_anova_is_the_pooled_t_test_of_two_groups():
    data = groups().query("g != 'c'")
    found = one_way_anova(data, response="y", group="g")
    t, p = stats.ttest_ind(*(data.loc[data["g"] == g, "y"] for g in "ab"))
    # A mean of 1e6 leaves scipy's t ten digits, less where means nearly agree.
    assert found.statistic == pytest.approx(t**2, rel=1e-7)
    assert found.p_value == pytest.approx(p, rel=1e-7)


def test_one_way_anova_ignores_order_labels_and_scale():
    data = groups()
    found = one_way_anova(data, response="y", group="g")
    other = data.assign(y=-3 * data["y"], g=data["g"].map({"a": 9, "b": 8, "c": 7}))
    other = one_way_anova(other.iloc[::-1], response="y", group="g")
    assert other.statistic == pytest.approx(found.statistic, rel=1e-7)
    assert (found.numerator_df, found.df) == (2, 27)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"g": "a"}, NotEstimableError, "Only one level of g has data: a"),
        ({"y": 1.0}, NotEstimableError, "residual variance is zero"),
        ({"y": np.nan}, NotEstimableError, "No row has a value of y"),
        ({"y": np.inf}, DataError, "infinite"),
        ({"g": None}, DataError, "a label is missing"),
    ],
)
def test_what_anova_refuses(change, error, message):
    with pytest.raises(error, match=message):
        one_way_anova(groups().assign(**change), response="y", group="g")


def test_groups_of_one_subject():
    data = groups().drop_duplicates("g")
    with pytest.raises(NotEstimableError, match="residual variance"):
        one_way_anova(data, response="y", group="g")
