"""What holds of every set of trials, and what is refused with a name."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.asymmetry import asymmetry_test
from trialstats.meta.excess_significance import excess_significance
from trialstats.meta.fail_safe import fail_safe_n
from trialstats.meta.henmi_copas import henmi_copas
from trialstats.meta.heteroscedasticity import heteroscedasticity_test
from trialstats.meta.pooling import Pooled, pool
from trialstats.meta.rank_test import kendall_test, rank_test
from trialstats.meta.selection import selection_model
from trialstats.meta.small_study import regression_test
from trialstats.meta.trim_and_fill import trim_and_fill

TRIALS = st.integers(4, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.integers(-200, 200), min_size=k, max_size=k, unique=True),
        st.lists(st.integers(1, 300), min_size=k, max_size=k, unique=True),
        st.permutations(range(k)),
    )
)
EXAMPLES = settings(max_examples=25, deadline=None)


def pooled(effect: object, variance: object, **options: object) -> Pooled:
    options = {"tau_squared": "DL", "inference": "wald", **options}
    return pool(np.asarray(effect), np.asarray(variance), **options)


def numbers_of(model: Pooled) -> list[float]:
    """Return numbers that no order of rows may change, of every method."""
    weighted = regression_test(model, model="weighted_regression")
    mixed = regression_test(model)
    rank = rank_test(model)
    filled = trim_and_fill(model, estimator="R0")
    copas = henmi_copas(model)
    excess = excess_significance(model)
    return [
        *(weighted.statistic, mixed.statistic, rank.tau, rank.p_value),
        *(filled.missing, filled.filled.estimate, copas.ci_lower, excess.p_value),
        *(fail_safe_n(model).number, fail_safe_n(model, kind="Rosenberg").number),
    ]


@given(TRIALS)
@EXAMPLES
def test_the_order_of_rows_is_no_matter(trials: tuple) -> None:
    """Bit for bit."""
    y, v = np.array(trials[0]) / 100, np.array(trials[1]) / 1000
    order = list(trials[2])
    try:
        one = numbers_of(pooled(y, v))
    except NotEstimableError:
        with pytest.raises(NotEstimableError):
            numbers_of(pooled(y[order], v[order]))
        return
    assert numbers_of(pooled(y[order], v[order])) == one


@given(TRIALS)
@EXAMPLES
def test_the_unit_of_effects_is_no_matter(trials: tuple) -> None:
    """Effects times 8, a power of two: the same statistics, times 8 the estimates."""
    y, v = np.array(trials[0]) / 100, np.array(trials[1]) / 1000
    one, other = pooled(y, v), pooled(8 * y, 64 * v)
    first, second = (regression_test(model) for model in (one, other))
    assert second.statistic == pytest.approx(first.statistic, rel=1e-9)
    assert second.limit_estimate == pytest.approx(8 * first.limit_estimate, rel=1e-9)
    assert rank_test(other).tau == rank_test(one).tau
    narrow, wide = henmi_copas(one), henmi_copas(other)
    assert wide.ci_upper == pytest.approx(8 * narrow.ci_upper, rel=1e-9, abs=1e-12)


@given(TRIALS)
@EXAMPLES
def test_the_mirror_image_is_mirrored(trials: tuple) -> None:
    """Signs reversed: statistics change theirs, trim and fill its side."""
    y, v = np.array(trials[0]) / 100, np.array(trials[1]) / 1000
    one, other = pooled(y, v), pooled(-y, v)
    assert rank_test(other).tau == pytest.approx(-rank_test(one).tau, abs=1e-12)
    left, right = (regression_test(model).estimate for model in (one, other))
    assert right == pytest.approx(-left, rel=1e-9)
    try:
        filled = trim_and_fill(one, side="left", estimator="R0")
    except NotEstimableError:
        return
    mirrored = trim_and_fill(other, side="right", estimator="R0")
    assert mirrored.missing == filled.missing
    assert mirrored.filled.estimate == pytest.approx(-filled.filled.estimate, rel=1e-9)


@given(TRIALS)
@EXAMPLES
def test_what_is_filled_is_a_mirror_image(trials: tuple) -> None:
    """Pairs lie around the centre, and every filled trial stands behind the rest."""
    y, v = np.array(trials[0]) / 100, np.array(trials[1]) / 1000
    try:
        result = trim_and_fill(pooled(y, v), estimator="L0")
    except NotEstimableError:
        return
    filled = result.effect[result.is_filled]
    origin = y[result.mirrored]
    assert (filled + origin) / 2 == pytest.approx(
        np.full(result.missing, result.centre), abs=1e-12
    )
    assert result.variance[result.is_filled].tolist() == v[result.mirrored].tolist()
    assert result.filled.k == result.k + result.missing == len(result.effect)
    if result.side == "left":
        assert sorted(origin) == sorted(y)[result.k - result.missing :]


def test_nothing_is_filled_into_a_symmetric_funnel() -> None:
    """Three pairs around zero and one trial in the middle."""
    y = [0.0, -0.1, 0.1, -0.4, 0.4, -0.9, 0.9]
    result = trim_and_fill(pooled(y, [0.01, 0.02, 0.02, 0.1, 0.1, 0.3, 0.3]))
    assert result.missing == 0
    assert result.filled.k == 7


@pytest.mark.parametrize("k", [3, 4, 6])
def test_exact_rank_distribution_is_that_of_all_orders(k: int) -> None:
    """Two-sided p-value of Kendall's score by listing the k! orders."""
    x = np.arange(k, dtype=float)
    orders = [np.array(order, dtype=float) for order in itertools.permutations(x)]
    scores = np.array([kendall_test(x, order).score for order in orders])
    for order in orders[:: max(1, len(orders) // 40)]:
        test = kendall_test(x, order)
        tail = min(np.mean(scores <= test.score), np.mean(scores >= test.score))
        assert test.p_value == pytest.approx(min(1.0, 2 * tail), rel=1e-12)
    spread = kendall_test(x, orders[0]).score_standard_error
    assert spread == pytest.approx(math.sqrt(np.mean(scores**2)), rel=1e-12)


def test_ties_change_the_exact_test_to_the_normal_one() -> None:
    """The result says so; the score's spread is that of all orders of the tied rows."""
    x, y = np.array([1.0, 1, 2, 3, 4]), np.array([2.0, 1, 4, 4, 5])
    test = kendall_test(x, y)
    assert not test.exact
    assert (
        "normal approximation"
        in rank_test(pooled([0.1, 0.4, 0.2], [0.02, 0.02, 0.05])).method
    )
    orders = itertools.permutations(y)
    scores = [kendall_test(x, np.array(order)).score for order in orders]
    assert test.score_standard_error == pytest.approx(
        math.sqrt(np.mean(np.square(scores))), rel=1e-12
    )


@pytest.mark.parametrize("k", [2, 5, 9])
def test_excess_is_that_of_all_subsets(k: int) -> None:
    """The number of significant trials by listing the 2**k outcomes."""
    random = np.random.default_rng(k)
    y, v = random.normal(0.3, 0.3, k), random.uniform(0.01, 0.2, k)
    test = excess_significance(pooled(y, v))
    reached = 0.0
    for outcome in itertools.product([False, True], repeat=k):
        chance = np.where(outcome, test.power, 1 - test.power).prod()
        reached += chance * (sum(outcome) >= test.observed)
    assert test.p_value == pytest.approx(reached, rel=1e-12)


def test_expected_number_without_an_effect_is_alpha() -> None:
    """Each trial is significant with probability alpha when nothing is there."""
    y = [0.5, -0.5, 0.4, -0.4]
    test = excess_significance(pooled(y, [0.04] * 4, tau_squared="EE"), alpha=0.1)
    assert test.expected == pytest.approx(0.4, rel=1e-12)


def test_henmi_copas_without_heterogeneity_by_simulation() -> None:
    """tau-squared zero: mean and Q are independent, Q is chi-squared with k - 1 df.

    The pivot, the mean over an error that contains the estimated tau-squared, exceeds
    the quantile in 5% of a million draws: within 4 standard errors, 0.0009.
    """
    y, v = [0.30, 0.31, 0.29, 0.30], np.array([0.01, 0.02, 0.03, 0.04])
    plain, copas = pooled(y, v, tau_squared="EE"), henmi_copas(pooled(y, v))
    assert copas.tau_squared == 0
    assert copas.estimate == pytest.approx(plain.estimate, rel=1e-12)
    assert copas.standard_error == pytest.approx(plain.standard_error, rel=1e-12)
    random, w = np.random.default_rng(5), 1 / v
    mean, q = random.normal(size=1_000_000), random.chisquare(3, size=1_000_000)
    between = np.maximum(0, q - 3) / (w.sum() - (w**2).sum() / w.sum())
    pivot = mean / np.sqrt(1 + between * (w**2).sum() / w.sum())
    assert np.mean(np.abs(pivot) > copas.quantile) == pytest.approx(0.05, abs=9e-4)


def test_fail_safe_number_of_rosenthal_by_adding_trials() -> None:
    """At the number Stouffer's p reaches alpha, one trial earlier it does not."""
    y, v = np.array([0.4, 0.5, 0.6, 0.1]), np.array([0.02, 0.03, 0.04, 0.01])
    number = int(fail_safe_n(pooled(y, v)).number)
    z = (y / np.sqrt(v)).sum()
    assert z / math.sqrt(len(y) + number) <= 1.6448536269514722
    assert z / math.sqrt(len(y) + number - 1) > 1.6448536269514722


def test_fail_safe_number_of_orwin_by_adding_trials() -> None:
    """Unseen trials with the mean weight bring the mean to the target."""
    y, v = np.array([0.4, 0.5, 0.6, 0.1]), np.array([0.02, 0.03, 0.04, 0.01])
    found = fail_safe_n(pooled(y, v), kind="Orwin", target=0.05)
    weight = 1 / v
    mean = (weight * y).sum() / (weight.sum() * (1 + found.number / 4))
    assert mean <= 0.05
    assert (weight * y).sum() / (weight.sum() * (1 + (found.number - 1) / 4)) > 0.05


def test_score_test_is_invariant_to_units_and_order() -> None:
    """And needs REML or ML."""
    y, v = np.array([0.1, 0.4, 0.2, 1.5]), np.array([0.01, 0.02, 0.03, 0.05])
    one = heteroscedasticity_test(pool(y, v))
    other = heteroscedasticity_test(pool(100 * y[::-1], 1e4 * v[::-1]))
    assert other.statistic == pytest.approx(one.statistic, rel=1e-8)
    assert other.tau_squared_by_trial[::-1] == pytest.approx(
        1e4 * one.tau_squared_by_trial, rel=1e-6, abs=1e-9
    )
    with pytest.raises(DataError, match="REML and ML"):
        heteroscedasticity_test(pool(y, v, tau_squared="DL"))


METHODS = {
    "regression": regression_test,
    "egger": lambda model: regression_test(model, model="weighted_regression"),
    "rank": rank_test,
    "trim": trim_and_fill,
    "common": lambda model: heteroscedasticity_test(model),
}


@pytest.mark.parametrize("name", METHODS)
def test_two_trials_are_too_few(name: str) -> None:
    """The message says how many there are."""
    model = pool([0.1, 0.5], [0.01, 0.02], inference="wald")
    with pytest.raises(NotEstimableError, match="2"):
        METHODS[name](model)


@pytest.mark.parametrize("name", ["regression", "egger", "rank"])
def test_trials_of_one_precision_have_no_asymmetry(name: str) -> None:
    """The predictor is constant."""
    model = pool([0.1, 0.5, 0.3, 0.2], [0.04] * 4, inference="wald")
    with pytest.raises(NotEstimableError, match=r"same in all|identical"):
        METHODS[name](model)


@pytest.mark.parametrize("name", ["egger", "rank", "trim"])
def test_identical_effects_have_no_asymmetry(name: str) -> None:
    """Rounding is not taken for a pattern."""
    model = pool([0.3] * 4, [0.01, 0.02, 0.03, 0.05], inference="wald")
    with pytest.raises(NotEstimableError):
        METHODS[name](model)


def test_effects_on_a_line_have_no_test() -> None:
    """The residuals are rounding."""
    error = np.array([0.1, 0.15, 0.2, 0.3])
    model = pool(0.1 + 2 * error, error**2, inference="wald")
    with pytest.raises(NotEstimableError, match="goes through"):
        regression_test(model, model="weighted_regression")


def test_moderators_and_weights_are_refused_where_there_is_no_method() -> None:
    """By name, with what to do."""
    y, v = np.array([0.1, 0.4, 0.2, 0.9]), np.array([0.01, 0.02, 0.03, 0.05])
    with_moderator = pool(
        y, v, moderators=np.array([[0.0], [1], [0], [1]]), inference="wald"
    )
    weighted = pool(y, v, weights=[1, 2, 3, 4], inference="wald")
    for method in (rank_test, trim_and_fill, henmi_copas, fail_safe_n):
        with pytest.raises(DataError, match="without moderators"):
            method(with_moderator)
        with pytest.raises(DataError, match="given ones"):
            method(weighted)
    with pytest.raises(DataError, match="given ones"):
        selection_model(weighted, steps=[0.05])


def test_sizes_are_asked_for_and_checked() -> None:
    """A predictor of sizes needs them, above zero, one a trial."""
    model = pooled([0.1, 0.4, 0.2, 0.9], [0.01, 0.02, 0.03, 0.05])
    with pytest.raises(DataError, match="sizes="):
        regression_test(model, predictor="ni")
    with pytest.raises(DataError, match="row 2"):
        regression_test(model, predictor="ni", sizes=[10, 0, 5, 7])
    with pytest.raises(DataError, match="differ in length"):
        regression_test(model, predictor="ni", sizes=[10, 5, 7])
    with pytest.raises(DataError, match="missing"):
        regression_test(model, predictor="ni", sizes=[10, np.nan, 5, 7])


def test_counts_are_asked_for_and_checked() -> None:
    """Tests for 2x2 tables need the tables of the effects."""
    model = pooled([0.1, 0.4, 0.2, 0.9], [0.01, 0.02, 0.03, 0.05])
    counts = pd.DataFrame(
        {"a": [3, 4, 5, 0], "b": [7, 6, 5, 10], "c": [1, 2, 3, 0], "d": [9, 8, 7, 10]}
    )
    columns = {"ai": "a", "bi": "b", "ci": "c", "di": "d"}
    with pytest.raises(DataError, match="counts"):
        asymmetry_test(model, "Peters")
    with pytest.raises(DataError, match="arms"):
        asymmetry_test(model, "Macaskill")
    with pytest.raises(DataError, match="row 4"):
        asymmetry_test(model, "Harbord", data=counts, **columns)
    with pytest.raises(DataError, match="size of the arm"):
        asymmetry_test(
            model, "Peters", ai=[9] * 4, n1i=[8] * 4, ci=[1] * 4, n2i=[8] * 4
        )
    with pytest.raises(DataError, match="Galbraith"):
        asymmetry_test(model, "Galbraith")


def test_nothing_significant_gives_a_fail_safe_number_of_zero() -> None:
    """Nothing is there to undo."""
    model = pooled([0.01, -0.02, 0.03], [0.1, 0.2, 0.3])
    for kind in ("Rosenthal", "Rosenberg", "General", "Binomial"):
        assert fail_safe_n(model, kind=kind).number == 0, kind
    assert fail_safe_n(model, kind="Orwin", target=0).number == math.inf
    with pytest.raises(DataError, match="target"):
        fail_safe_n(model, target=0.1)
