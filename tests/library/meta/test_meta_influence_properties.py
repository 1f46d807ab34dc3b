"""What diagnostics and resampling hold whatever the trials: order, scale, edges.

Where a number is expected it comes from `pool` on the trials that remain, from a dense
matrix, or from enumeration by hand; none from the function under test.
"""

import itertools
import math
import time

import numpy as np
import pandas as pd
import pytest

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.all_subsets import gosh
from trialstats.meta.bootstrapping import ACCELERATIONS, bootstrap, interpolated
from trialstats.meta.diagnostic_points import (
    funnel_points,
    normal_quantile_points,
    radial_points,
)
from trialstats.meta.groups import subgroups
from trialstats.meta.influential import baujat, hat_matrix, influence, residuals
from trialstats.meta.leaving_out import cumulative, leave_one_out
from trialstats.meta.permutation import permutation_intervals, permutation_test
from trialstats.meta.pooling import pool
from trialstats.meta.profile import profile_likelihood
from trialstats.meta.rearrangements import (
    all_arrangements,
    half_of_all_signs,
    number_of_arrangements,
)

EFFECT = np.array([-0.62, -0.11, 0.35, -0.48, 0.08, -0.93, 0.21, -0.27])
VARIANCE = np.array([0.042, 0.018, 0.095, 0.061, 0.027, 0.11, 0.054, 0.033])
DOSE = pd.DataFrame({"dose": [10, 2.5, 1, 7.5, 3, 12, 2, 5]})
ORDER = np.array([3, 7, 0, 5, 1, 6, 2, 4])
MODELS = [None, "~ dose"]


def fit(order=None, moderators=None, scale=1.0, **options):
    at = np.arange(len(EFFECT)) if order is None else order
    return pool(
        scale * EFFECT[at],
        scale**2 * VARIANCE[at],
        moderators=moderators,
        data=DOSE.iloc[at].reset_index(drop=True),
        **options,
    )


def numeric(table):
    return table.select_dtypes("number").to_numpy(dtype=float)


@pytest.mark.parametrize("moderators", MODELS)
@pytest.mark.parametrize("weights", [None, np.arange(1.0, 9.0)])
def test_leaving_one_out_pools_the_others(moderators, weights):
    options = {"inference": "t", "tau_squared": "DL"}
    pooled = fit(moderators=moderators, weights=weights, **options)
    table = leave_one_out(pooled)
    p = len(pooled.terms)
    for i in range(8):
        others = np.delete(np.arange(8), i)
        expected = fit(
            others,
            moderators,
            weights=None if weights is None else weights[others],
            **options,
        )
        ours = table.iloc[i * p : (i + 1) * p]
        assert (ours["omitted"] == i).all()
        coefficients = expected.coefficients
        for name in ("estimate", "standard_error", "p_value", "ci_lower", "df"):
            np.testing.assert_allclose(ours[name], coefficients[name], rtol=1e-12)
        for name in ("tau_squared", "i_squared", "h_squared", "q", "q_p_value", "k"):
            np.testing.assert_allclose(
                ours[name], getattr(expected, name), rtol=1e-12, atol=1e-14
            )


def test_clusters_are_left_out_together():
    sponsor = ["x", "x", "y", "z", "y", "z", "z", "x"]
    table = leave_one_out(fit(), cluster=sponsor)
    assert table["omitted"].tolist() == ["x", "y", "z"]
    for i, name in enumerate("xyz"):
        others = np.flatnonzero(np.array(sponsor) != name)
        assert table["estimate"][i] == pytest.approx(fit(others).estimate, rel=1e-12)
    with pytest.raises(DataError, match=r"column 'cluster'.*one value a trial"):
        leave_one_out(fit(), cluster=["x"])
    with pytest.raises(DataError, match=r"row 2 .*'cluster'.*missing"):
        leave_one_out(fit(), cluster=["x", None, *sponsor[2:]])


def test_cumulative_follows_the_order():
    year = [2003, 1999, 2001, 1999, 2005, 2001, 2001, 1998]
    pooled = fit()
    table = cumulative(pooled, order=year)
    assert table["added"].tolist() == [7, 1, 3, 2, 5, 6, 0, 4]
    assert table["order"].tolist() == sorted(year)
    for i in range(1, 8):
        expected = fit(table["added"].to_numpy()[: i + 1])
        assert table["estimate"][i] == pytest.approx(expected.estimate, rel=1e-12)
    together = cumulative(pooled, order=year, collapse=True, decreasing=True)
    assert together["added"].tolist() == [2005, 2003, 2001, 1999, 1998]
    assert together["k"].tolist() == [1, 2, 5, 7, 8]
    assert together["estimate"].iloc[-1] == pytest.approx(pooled.estimate, rel=1e-12)
    with pytest.raises(DataError, match="collapse needs an order"):
        cumulative(pooled, collapse=True)


def test_cumulative_with_moderators_says_when_it_begins():
    table = cumulative(fit(moderators="~ dose"))
    assert table["estimate"].isna().tolist() == [True] * 4 + [False] * 12
    assert table["reason"].ne("").tolist() == [True] * 4 + [False] * 12


@pytest.mark.parametrize("moderators", MODELS)
def test_diagnostics_go_with_the_trials_and_not_with_their_order(moderators):
    one, other = fit(moderators=moderators), fit(ORDER, moderators)
    pairs = [
        (influence(one).trials, influence(other).trials),
        (influence(one).dfbetas, influence(other).dfbetas),
        (baujat(one), baujat(other)),
        (normal_quantile_points(one), normal_quantile_points(other)),
        (radial_points(one), radial_points(other)),
        (funnel_points(one), funnel_points(other)),
    ]
    for left, right in pairs:
        np.testing.assert_allclose(
            numeric(left)[ORDER], numeric(right), rtol=1e-11, atol=1e-13
        )
    for function in (gosh, permutation_test, bootstrap):
        results = [function(x, seed=3) for x in (one, other)]
        tables = [
            getattr(x, name)
            for x in results
            for name in ("fits", "coefficients", "intervals")
            if hasattr(x, name)
        ]
        half = len(tables) // 2
        for left, right in zip(tables[:half], tables[half:], strict=True):
            both = [np.sort(numeric(x), axis=0) for x in (left, right)]
            np.testing.assert_allclose(*both, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("moderators", MODELS)
def test_influence_has_no_unit(moderators):
    one, other = fit(moderators=moderators), fit(moderators=moderators, scale=1000.0)
    left, right = influence(one), influence(other)
    scaled = {"tau_squared_deleted": 1e6}
    for name in left.trials.columns.drop(["reason", "influential"]):
        np.testing.assert_allclose(
            left.trials[name] * scaled.get(name, 1.0), right.trials[name], rtol=1e-9
        )
    np.testing.assert_allclose(left.dfbetas, right.dfbetas, rtol=1e-9)


@pytest.mark.parametrize("moderators", MODELS)
def test_the_hat_matrix_projects(moderators):
    pooled = fit(moderators=moderators)
    hat = hat_matrix(pooled)
    w = np.diag(1 / (VARIANCE + pooled.tau_squared))
    x = pooled.design
    np.testing.assert_allclose(
        hat, x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w, rtol=1e-10, atol=1e-13
    )
    np.testing.assert_allclose(hat @ hat, hat, atol=1e-13)
    assert np.trace(hat) == pytest.approx(x.shape[1], rel=1e-12)


def test_an_outlier_is_found():
    effect = np.append(np.full(9, 0.1) + np.linspace(-0.05, 0.05, 9), 3.0)
    pooled = pool(effect, np.full(10, 0.02), tau_squared="DL", inference="wald")
    trials = influence(pooled).trials
    assert trials["influential"].tolist() == [False] * 9 + [True]
    assert trials["studentized_residual"].iloc[-1] > 10


def test_two_trials_have_no_deleted_heterogeneity():
    pooled = pool([0.1, 0.4], [0.02, 0.03])
    trials = influence(pooled).trials
    assert trials[["studentized_residual", "dffits"]].isna().all(axis=None)
    assert trials["tau_squared_deleted"].isna().all()
    assert (trials["reason"] == "needs at least 2 trials").all()
    table = leave_one_out(pooled)
    # Each row is the other trial's own effect with a normal interval.
    assert table["estimate"].tolist() == pytest.approx([0.4, 0.1], rel=1e-14)
    assert table["standard_error"].tolist() == pytest.approx(
        [math.sqrt(0.03), math.sqrt(0.02)], rel=1e-14
    )
    assert table["tau_squared"].isna().all()


def test_a_single_trial_has_no_diagnostics():
    pooled = pool([0.1], [0.02])
    assert leave_one_out(pooled)["reason"].tolist() == ["no trial is included"]
    assert influence(pooled).trials["reason"].tolist() == ["no trial is included"]
    assert residuals(pooled)["z"].isna().all()
    for function in (gosh, permutation_test, bootstrap, profile_likelihood):
        with pytest.raises(NotEstimableError):
            function(pooled)


def test_identical_effects():
    pooled = pool(np.full(5, 0.3), VARIANCE[:5], inference="knapp_hartung_adhoc")
    assert leave_one_out(pooled)["estimate"].tolist() == pytest.approx([0.3] * 5)
    assert influence(pooled).trials["cooks_distance"].tolist() == [0.0] * 5
    assert not influence(pooled).trials["influential"].any()
    almost = pool([0.3, 0.3, 0.3, 0.5], VARIANCE[:4])
    table = leave_one_out(almost)
    assert table["estimate"].isna().tolist() == [False] * 3 + [True]
    assert "standard error of zero" in table["reason"].iloc[-1]


def test_unknown_kinds_are_refused():
    with pytest.raises(DataError, match="unknown kind of residual"):
        residuals(fit(), "raw")
    with pytest.raises(DataError, match="unknown bootstrap"):
        bootstrap(fit(), "wild")
    with pytest.raises(DataError, match="unknown alternative"):
        permutation_test(fit(), alternative="both")
    with pytest.raises(DataError, match="inverse-variance weights"):
        residuals(fit(weights=VARIANCE, inference="wald"), "conditional")


def test_subsets_are_all_there_or_a_sample():
    pooled = fit(inference="wald")
    every = gosh(pooled)
    assert every.exhaustive
    assert len(every.fits) == 2**8 - 1 - 8
    assert len(np.unique(every.included, axis=0)) == len(every.fits)
    assert every.fits["k"].is_monotonic_increasing
    assert every.coefficients.iloc[-1, 0] == pytest.approx(pooled.estimate, rel=1e-12)
    chosen = every.included[100]
    expected = fit(np.flatnonzero(chosen), inference="wald")
    assert every.coefficients.iloc[100, 0] == pytest.approx(
        expected.estimate, rel=1e-12
    )
    with_single = gosh(pooled, smallest=1)
    assert len(with_single.fits) == 2**8 - 1
    assert (with_single.fits["reason"].ne("") == (with_single.fits["k"] == 1)).all()
    sample = gosh(pooled, subsets=100, seed=2)
    assert not sample.exhaustive
    assert len(sample.fits) == 100
    again = gosh(pooled, subsets=100, seed=2)
    pd.testing.assert_frame_equal(sample.coefficients, again.coefficients)
    assert (gosh(pooled, subsets=100, seed=3).included != sample.included).any()


def test_subsets_of_a_sample_are_equally_likely():
    # 4083 subsets of 12 trials have at least 2; five standard deviations of a count.
    effect, variance = np.linspace(-1, 1, 12), np.full(12, 0.1)
    pooled = pool(effect, variance, tau_squared="DL", inference="wald")
    sample = gosh(pooled, subsets=4000)
    assert not sample.exhaustive
    for size in range(2, 13):
        part = math.comb(12, size) / (2**12 - 13)
        count = (sample.fits["k"] == size).sum()
        assert abs(count - 4000 * part) <= 5 * math.sqrt(4000 * part)
    part = (2**11 - 1) / (2**12 - 13)
    bound = 5 * math.sqrt(4000 * part * (1 - part))
    assert (np.abs(sample.included.sum(axis=0) - 4000 * part) < bound).all()
    together = (2**10) / (2**12 - 13)
    pairs = sample.included.T.astype(int) @ sample.included
    off = pairs[~np.eye(12, dtype=bool)]
    assert (np.abs(off - 4000 * together) < 5 * math.sqrt(4000 * together)).all()


def test_subsets_that_do_not_determine_the_model_say_so():
    group = pd.DataFrame({"late": [0, 0, 0, 0, 1, 1]})
    pooled = pool(
        EFFECT[:6], VARIANCE[:6], moderators="~ late", data=group, inference="wald"
    )
    found = gosh(pooled)
    apart = found.included[:, :4].any(axis=1) & found.included[:, 4:].any(axis=1)
    assert (found.fits["reason"].eq("") == apart).all()
    assert (found.coefficients.notna().all(axis=1) == apart).all()


def test_arrangements_are_those_of_a_count_by_hand():
    sizes = np.array([2, 1, 2])
    expected = sorted(set(itertools.permutations([0, 0, 1, 2, 2])))
    assert sorted(map(tuple, all_arrangements(sizes).tolist())) == expected
    assert number_of_arrangements(sizes) == len(expected) == 30
    signs = half_of_all_signs(4)
    both = {tuple(row) for row in np.concatenate([signs, -signs]).tolist()}
    assert both == set(itertools.product([1.0, -1.0], repeat=4))


@pytest.mark.parametrize("moderators", MODELS)
def test_random_permutations_approach_the_exact_ones(moderators):
    at = np.arange(7)
    pooled = fit(at, moderators, tau_squared="DL", inference="wald")
    exact = permutation_test(pooled, exact=True)
    drawn = permutation_test(pooled, exact=False, iterations=4000)
    assert exact.exact
    assert not drawn.exact
    assert drawn.iterations == 4000
    p = exact.coefficients["p_value"].to_numpy()
    # Five standard errors of a part of 4000.
    bound = 5 * np.sqrt(p * (1 - p) / 4000) + 1 / 4000
    assert (np.abs(drawn.coefficients["p_value"] - p) < bound).all()


def test_a_perfect_arrangement_is_the_most_extreme():
    # With all signs alike the effects are identical and the error zero; the observed
    # statistic is below. Two of 2^4 arrangements are at least as extreme, and those
    # with the observed signs or their opposites: one sign differs in 8.
    pooled = pool([0.5, 0.5, 0.5, -0.5], [0.04, 0.04, 0.04, 0.04], tau_squared="EE")
    found = permutation_test(pooled)
    assert found.failed == 0
    assert found.coefficients["p_value"].tolist() == [10 / 16]
    one_sided = permutation_test(pooled, alternative="greater")
    assert one_sided.coefficients["p_value"].tolist() == [5 / 16]


def test_permutations_that_are_too_many_are_refused():
    pooled = pool(np.arange(21) / 10, np.full(21, 0.1), tau_squared="DL")
    with pytest.raises(DataError, match="2097152 arrangements of 21 trials"):
        permutation_test(pooled, exact=True)
    with pytest.raises(DataError, match="at least 2"):
        permutation_test(pooled, iterations=1)
    with pytest.raises(DataError, match="leave the weights out"):
        permutation_test(fit(moderators="~ dose", weights=VARIANCE, inference="wald"))


@pytest.mark.parametrize("moderators", MODELS)
def test_limits_of_permutation_tests_are_where_the_tests_turn(moderators):
    pooled = fit(moderators=moderators, tau_squared="DL", inference="wald", level=0.9)
    table = permutation_intervals(pooled, iterations=256)
    column = len(pooled.terms) - 1
    for name, side, out in (("ci_lower", "greater", -1), ("ci_upper", "less", 1)):
        limit = table[name][column]
        step = 1e-6 * pooled.coefficients["standard_error"][column]
        p = [
            permutation_test(
                pool(
                    EFFECT - value * pooled.design[:, column],
                    VARIANCE,
                    moderators=moderators,
                    data=DOSE,
                    tau_squared="DL",
                    inference="wald",
                ),
                iterations=256,
                alternative=side,
            ).coefficients["p_value"][column]
            for value in (limit - out * step, limit + out * step)
        ]
        assert p[0] >= 0.05 > p[1]


def test_limits_of_permutation_tests_that_do_not_exist():
    few = permutation_intervals(fit(np.arange(4)))
    assert few["ci_lower"].isna().all()
    assert few["reason"].tolist() == ["16 arrangements are too few for this level"]


def test_permutations_under_given_weights():
    weights = np.arange(1.0, 6.0)
    pooled = pool(EFFECT[:5], VARIANCE[:5], weights=weights, inference="wald")
    found = permutation_test(pooled)
    statistics = [
        pool(
            EFFECT[:5] * signs, VARIANCE[:5], weights=weights, inference="wald"
        ).statistic
        for signs in itertools.product([1, -1], repeat=5)
    ]
    extreme = np.abs(statistics) >= abs(pooled.statistic) - 1e-8
    assert found.coefficients["p_value"][0] == extreme.mean()


@pytest.mark.parametrize("kind", ["nonparametric", "parametric"])
@pytest.mark.parametrize("moderators", MODELS)
def test_bootstrap_intervals_hold_the_estimate(kind, moderators):
    pooled = fit(moderators=moderators, tau_squared="DL", inference="wald")
    found = bootstrap(pooled, kind, replicates=400)
    table = found.intervals
    assert table["term"].tolist() == [*pooled.terms, "tau_squared"]
    given = table["reason"] == ""
    assert given[:-1].all()
    assert (table["ci_lower"] <= table["estimate"])[given].all()
    assert (table["ci_upper"] >= table["estimate"])[given].all()
    assert len(found.replicates) + found.failed == 400
    percentile = bootstrap(pooled, kind, interval="percentile", replicates=399)
    # With 399 replicates the limits of a 95% interval are the 10th and the 390th.
    if percentile.failed == 0:
        ordered = np.sort(percentile.replicates.to_numpy(), axis=0)
        assert percentile.intervals["ci_lower"].tolist() == ordered[9].tolist()
        assert percentile.intervals["ci_upper"].tolist() == ordered[389].tolist()


def test_the_nonparametric_bootstrap_pools_what_was_drawn():
    # Every draw of 3 trials is one of 10 multisets, and each replicate its fit.
    effect, variance = EFFECT[:3], VARIANCE[:3]
    options = {"tau_squared": "DL", "inference": "wald"}
    fits = [
        pool(effect[list(drawn)], variance[list(drawn)], **options)
        for drawn in itertools.combinations_with_replacement(range(3), 3)
    ]
    expected = np.array([fit.estimate for fit in fits])
    found = bootstrap(pool(effect, variance, **options), replicates=500)
    distance = np.abs(found.replicates.iloc[:, [0]].to_numpy() - expected)
    assert distance.min(axis=1).max() < 1e-12
    assert (distance.min(axis=0) < 1e-12).all()


def test_the_bootstrap_repeats_rows_of_the_design_with_their_trials():
    at = np.arange(4)
    options = {"tau_squared": "DL", "inference": "wald"}
    slopes = []
    for drawn in itertools.combinations_with_replacement(range(4), 4):
        if len(set(drawn)) > 1:
            slopes.append(fit(at[list(drawn)], "~ dose", **options).coefficient[1])
    found = bootstrap(fit(at, "~ dose", **options), replicates=600)
    distance = np.abs(found.replicates["dose"].to_numpy()[:, np.newaxis] - slopes)
    assert distance.min(axis=1).max() < 1e-10
    # All four the same trial: 4 of 256 draws do not determine the slope.
    assert 0 < found.failed < 30


def test_the_parametric_bootstrap_draws_from_the_fitted_model():
    pooled = fit(tau_squared="EE", inference="wald")
    found = bootstrap(pooled, "parametric", replicates=4000, interval="percentile")
    row = found.intervals.iloc[0]
    # Under equal effects the estimate is normal with a known error.
    assert row["standard_error"] == pytest.approx(pooled.standard_error, rel=0.06)
    assert abs(row["bias"]) < 5 * pooled.standard_error / math.sqrt(4000)
    assert row["ci_lower"] == pytest.approx(
        pooled.ci_lower, abs=0.15 * row["standard_error"]
    )


def test_the_acceleration_of_tau_squared_is_that_of_a_chi_squared():
    # With equal variances y'PPy is a multiple of chi-squared with k - 1 df, whose
    # skewness is sqrt(8/(k - 1)).
    pooled = pool(EFFECT, np.full(8, 0.05))
    assert ACCELERATIONS["parametric"](pooled) == pytest.approx(
        [0.0, math.sqrt(8 / 7) / 6], rel=1e-12
    )


def test_limits_beyond_the_replicates_do_not_exist():
    values = np.arange(1.0, 11.0)
    assert math.isnan(interpolated(values, 0.05))
    assert interpolated(values, 1 / 11) == 1.0
    assert interpolated(values, 0.5) == pytest.approx(5.5)
    found = bootstrap(fit(), replicates=100, level=0.999)
    assert found.intervals["ci_lower"].isna().all()
    assert found.intervals["reason"].str.contains("100 replicates").all()


@pytest.mark.parametrize("moderators", MODELS)
@pytest.mark.parametrize("likelihood", ["REML", "ML"])
def test_the_profile_is_the_likelihood_of_a_dense_normal(moderators, likelihood):
    pooled = fit(moderators=moderators)
    found = profile_likelihood(
        pooled, tau_squared=[0, 0.03, 0.4], likelihood=likelihood
    )
    x = pooled.design
    k, p = x.shape

    def height(tau_squared):
        v = np.diag(VARIANCE + tau_squared)
        inner = x.T @ np.linalg.inv(v) @ x
        b = np.linalg.solve(inner, x.T @ np.linalg.solve(v, EFFECT))
        r = EFFECT - x @ b
        value = -0.5 * (np.linalg.slogdet(v)[1] + r @ np.linalg.solve(v, r))
        if likelihood == "ML":
            return value - k / 2 * math.log(2 * math.pi)
        value += 0.5 * (np.linalg.slogdet(x.T @ x)[1] - np.linalg.slogdet(inner)[1])
        return value - (k - p) / 2 * math.log(2 * math.pi)

    expected = [height(t) for t in (0, 0.03, 0.4)]
    np.testing.assert_allclose(found.curve["log_likelihood"], expected, rtol=1e-10)
    assert found.maximum == pytest.approx(height(found.tau_squared), rel=1e-10)
    grid = [height(t) for t in np.linspace(0, 1, 400)]
    assert max(grid) <= found.maximum + 1e-12
    # Half of the 95% quantile of chi-squared with 1 df below the maximum.
    ends = [found.tau_squared_lower, found.tau_squared_upper]
    drops = [found.maximum - height(t) for t in ends if t > 0]
    assert drops == pytest.approx([1.920729410347062] * len(drops), rel=1e-8)
    assert found.connected


def test_a_profile_needs_something_to_profile():
    with pytest.raises(NotEstimableError, match="zero by assumption"):
        profile_likelihood(fit(tau_squared="EE"))
    with pytest.raises(DataError, match=r"row 2 .*below zero"):
        profile_likelihood(fit(), tau_squared=[0.1, -0.1])
    with pytest.raises(DataError, match="unknown likelihood"):
        profile_likelihood(fit(), likelihood="PL")


GROUPS = ["b", "a", "a", "b", "c", "b", "a", "b"]


def test_subgroups_are_pooled_as_if_alone():
    found = subgroups(EFFECT, VARIANCE, GROUPS)
    assert found.groups["group"].tolist() == ["a", "b", "c"]
    for name in "ab":
        alone = fit(np.flatnonzero(np.array(GROUPS) == name))
        assert found.pooled[name].estimate == alone.estimate
        row = found.groups.set_index("group").loc[name]
        assert row["ci_upper"] == alone.ci_upper
    single = found.groups.iloc[2]
    assert (single["estimate"], single["k"]) == (EFFECT[4], 1)
    assert single["reason"] == "needs at least 2 trials"
    assert found.overall.estimate == fit().estimate
    total = found.overall.q
    assert found.between_common.statistic + found.q_within == pytest.approx(total)
    shuffled = subgroups(EFFECT[ORDER], VARIANCE[ORDER], np.array(GROUPS)[ORDER])
    assert found.between == shuffled.between
    np.testing.assert_array_equal(numeric(found.groups), numeric(shuffled.groups))


def test_subgroups_that_leave_nothing_to_compare():
    one = subgroups(EFFECT, VARIANCE, ["all"] * 8)
    assert one.between.reason == one.between_f.reason == "there is one subgroup"
    assert math.isnan(one.between.statistic)
    assert one.groups["estimate"][0] == one.overall.estimate
    assert one.q_within == pytest.approx(one.overall.q)
    kinds = pd.Categorical(GROUPS, ["c", "none", "b", "a"])
    empty = subgroups(EFFECT, VARIANCE, kinds)
    assert empty.groups["group"].tolist() == ["c", "none", "b", "a"]
    assert empty.groups["k"].tolist() == [1, 0, 4, 3]
    assert empty.groups["reason"][1] == "no trial is in the subgroup"
    plain = subgroups(EFFECT, VARIANCE, GROUPS)
    assert empty.between.df == 2
    assert empty.between.statistic == pytest.approx(plain.between.statistic)
    assert empty.between_f.statistic == pytest.approx(plain.between_f.statistic)
    apart = subgroups(EFFECT[:3], VARIANCE[:3], ["a", "b", "c"], inference="wald")
    assert apart.groups["estimate"].tolist() == pytest.approx(EFFECT[:3].tolist())
    assert apart.between.df == 2
    assert apart.q_within_df == 0
    assert set(apart.not_estimable) == {
        "q_within_p_value",
        "r_squared",
        "residual_tau_squared",
    }
    assert "coefficients" in apart.between_f.reason


def test_a_subgroup_of_identical_effects_has_no_test():
    found = subgroups([0.1, 0.1, 0.5, 0.7], [0.02, 0.03, 0.02, 0.04], [1, 1, 2, 2])
    assert math.isnan(found.groups["estimate"][0])
    assert "standard error of zero" in found.groups["reason"][0]
    assert found.between.reason.startswith("subgroup 1: Hartung-Knapp")
    assert found.between_common.reason == ""


def test_subgroups_refuse_what_they_cannot_take():
    with pytest.raises(DataError, match=r"row 2 .*'group'.*missing"):
        subgroups([0.1, 0.2], [0.1, 0.1], ["a", None])
    with pytest.raises(DataError, match="1 values and there are 2 trials"):
        subgroups([0.1, 0.2], [0.1, 0.1], ["a"])
    with pytest.raises(DataError, match="without weights"):
        subgroups([0.1, 0.2], [0.1, 0.1], ["a", "b"], weights=[1, 2])
    with pytest.raises(DataError, match="no rows"):
        subgroups([], [], [])


@pytest.mark.validation
def test_a_hundred_thousand_subsets_take_seconds():
    # metafor's gosh takes 5 ms a REML fit of 20 trials: 500 s; a hundredth of that.
    effect = np.random.default_rng(1).normal(0, 0.4, 20)
    variance = np.linspace(0.01, 0.3, 20)
    pooled = pool(effect, variance, inference="wald")
    start = time.process_time()
    found = gosh(pooled, subsets=100_000)
    assert len(found.fits) == 100_000
    assert time.process_time() - start < 5
