"""What users pass by mistake is refused in words, or means what it says."""

import numpy as np
import pandas as pd
import pytest

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.all_subsets import gosh
from trialstats.meta.batch import fit_many
from trialstats.meta.bayesian import pool_bayesian
from trialstats.meta.bootstrapping import bootstrap
from trialstats.meta.diagnostic_points import (
    funnel_points,
    normal_quantile_points,
    radial_points,
)
from trialstats.meta.effect_sizes import back_transform, effect_sizes
from trialstats.meta.excess_significance import excess_significance
from trialstats.meta.fail_safe import fail_safe_n
from trialstats.meta.groups import subgroups
from trialstats.meta.henmi_copas import henmi_copas
from trialstats.meta.heteroscedasticity import heteroscedasticity_test
from trialstats.meta.influential import baujat, influence, residuals
from trialstats.meta.leaving_out import cumulative, leave_one_out
from trialstats.meta.mantel_haenszel import mantel_haenszel
from trialstats.meta.multilevel import pool_multilevel
from trialstats.meta.permutation import permutation_intervals, permutation_test
from trialstats.meta.pooling import pool
from trialstats.meta.profile import profile_likelihood
from trialstats.meta.rank_test import rank_test
from trialstats.meta.selection import selection_model
from trialstats.meta.small_study import regression_test
from trialstats.meta.trim_and_fill import trim_and_fill

EFFECT = [0.31, -0.12, 0.77, 0.05, 0.44, -0.3]
VARIANCE = [0.04, 0.09, 0.12, 0.03, 0.2, 0.07]
COUNTS = {"ai": [3, 5], "n1i": [10, 20], "ci": [1, 2], "n2i": [11, 19]}
MODERATOR = [1.0, 2.0, 4.0, 3.0, 6.0, 5.0]


def masked(values, hidden):
    return np.ma.masked_array(values, np.arange(len(values)) == hidden)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pool(masked(EFFECT, 2), VARIANCE),
        lambda: pool(EFFECT, VARIANCE, moderators=masked(MODERATOR, 2)),
        lambda: pool(EFFECT, VARIANCE, weights=masked(MODERATOR, 2)),
    ],
)
def test_what_a_mask_hides_is_missing(call):
    with pytest.raises(DataError, match=r"row 3 .*missing"):
        call()


def test_what_a_mask_hides_in_many_sets_is_missing():
    hidden = np.ma.masked_array([EFFECT, EFFECT], np.eye(2, 6, dtype=bool))
    with pytest.raises(DataError, match="trial 1"):
        pool(hidden, VARIANCE)


def test_masked_counts_are_missing():
    with pytest.raises(DataError, match=r"row 2 .*'ai': missing"):
        effect_sizes("OR", **COUNTS | {"ai": masked([3, 5], 1)})


@pytest.mark.parametrize(
    "values", [np.ones((2, 3)), [[1, 2, 3], [4, 5, 6]], pd.DataFrame(np.ones((2, 3)))]
)
def test_several_columns_are_not_strung_together(values):
    with pytest.raises(DataError, match=r"shape \(2, 3\)"):
        effect_sizes("OR", ai=values, n1i=20, ci=1, n2i=10)


def test_a_column_may_stand_upright():
    upright = {name: np.reshape(values, (-1, 1)) for name, values in COUNTS.items()}
    pd.testing.assert_frame_equal(
        effect_sizes("OR", **upright), effect_sizes("OR", **COUNTS)
    )


@pytest.mark.parametrize("level", ["0.95", None, [0.9, 0.95], float("nan"), 1j])
def test_a_level_that_is_no_number(level):
    with pytest.raises(DataError, match="level must lie between 0 and 1"):
        pool(EFFECT, VARIANCE, level=level)


@pytest.mark.parametrize("value", [None, ["DL"], b"DL", 1j, -1.0, float("nan")])
def test_a_variance_between_trials_that_is_none(value):
    with pytest.raises(DataError, match="is not a variance"):
        pool(EFFECT, VARIANCE, tau_squared=value)
    with pytest.raises(DataError, match="is not a variance"):
        fit_many([EFFECT], VARIANCE, tau_squared=value)


def test_a_number_beyond_floats_is_infinite():
    with pytest.raises(DataError, match=r"row 1 .*infinite"):
        pool([10**400, 1], [1, 1])


@pytest.mark.parametrize(
    ("effect", "variance", "words"),
    [
        ([EFFECT] * 2, [VARIANCE] * 3, "do not go together"),
        ([EFFECT, EFFECT[:3]], VARIANCE, "not a number"),
        ([EFFECT] * 2, [VARIANCE, VARIANCE[:3]], "equal length"),
        ([["a", "b"]], [[1, 1]], "not an array of numbers"),
    ],
)
def test_sets_of_trials_that_do_not_fit(effect, variance, words):
    with pytest.raises(DataError, match=words):
        pool(effect, variance)


@pytest.mark.parametrize("add", ["0.5", [0.1, 0.2], -1, float("nan"), 1j])
def test_a_constant_that_is_no_number(add):
    with pytest.raises(DataError, match="add must be zero or more"):
        effect_sizes("OR", **COUNTS, add=add)


def test_data_that_are_no_frame():
    with pytest.raises(DataError, match="data is not a DataFrame but dict"):
        effect_sizes("OR", ai="ai", n1i="n1i", ci="ci", n2i="n2i", data=COUNTS)
    with pytest.raises(DataError, match="data is not a DataFrame but dict"):
        pool(EFFECT, VARIANCE, moderators="~ x", data={"x": MODERATOR})


@pytest.mark.parametrize("moderators", [{"x": MODERATOR}, 3.0, np.ones((6, 2, 2))])
def test_moderators_that_are_no_columns(moderators):
    with pytest.raises(DataError, match="neither a formula nor columns"):
        pool(EFFECT, VARIANCE, moderators=moderators)


def test_moderators_of_one_name_are_refused():
    """Of two terms with one name a test could not say which it means."""
    frame = pd.DataFrame([MODERATOR, EFFECT], index=["x", "x"]).T
    with pytest.raises(DataError, match="several moderators are named x"):
        pool(EFFECT, VARIANCE, moderators=frame)


@pytest.mark.parametrize("wanted", [1.5, True, [True], 1.0])
def test_positions_of_coefficients_are_whole_numbers(wanted):
    fit = pool(EFFECT, VARIANCE, moderators=MODERATOR)
    with pytest.raises(DataError, match="no term or coefficient"):
        fit.test(wanted)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ([[np.nan, 1]], "row 1 .*'x1': missing"),
        ([[1, 1], [np.inf, 1]], "row 2 .*'x1'.*infinite"),
        ([["a", 1]], "row 1 .*'x1'.*not a number"),
        ([[1, 2], [1]], "differ in number|values a row|not a number"),
    ],
)
def test_new_values_of_moderators_are_checked(new, words):
    columns = np.column_stack([MODERATOR, np.square(MODERATOR)])
    fit = pool(EFFECT, VARIANCE, moderators=columns)
    with pytest.raises(DataError, match=words):
        fit.predict(new)


def test_the_side_of_missing_trials_needs_errors_that_differ():
    pooled = pool([0.2, 0.5, 0.1, 0.4], [0.1] * 4)
    with pytest.raises(NotEstimableError, match="side='left' or 'right'"):
        trim_and_fill(pooled)
    assert trim_and_fill(pooled, side="left").side == "left"


#: What takes the result of `pool`.
AFTER_POOL = [
    *(leave_one_out, cumulative, influence, residuals, baujat, gosh),
    *(permutation_test, permutation_intervals, bootstrap, profile_likelihood),
    *(regression_test, rank_test, trim_and_fill, fail_safe_n, henmi_copas),
    *(excess_significance, selection_model, heteroscedasticity_test),
    *(funnel_points, radial_points, normal_quantile_points),
]


@pytest.mark.parametrize("function", AFTER_POOL, ids=lambda f: f.__name__)
def test_other_results_than_those_of_pool_are_refused(function):
    others = [
        None,
        pool([EFFECT, EFFECT], VARIANCE),
        pool_multilevel(EFFECT, VARIANCE, levels={"site": list("aabbcc")}),
        mantel_haenszel("OR", **COUNTS),
    ]
    for other in others:
        words = f"{function.__name__} takes what pool.* not {type(other).__name__}"
        with pytest.raises(DataError, match=words):
            function(other)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: gosh(p, subsets=2.5), "subsets must be a whole number"),
        (lambda p: gosh(p, smallest=0), "smallest must be a whole number"),
        (lambda p: permutation_test(p, exact="x"), "unknown exact='x'"),
        (lambda p: permutation_test(p, iterations=2.5), "iterations must be"),
        (lambda p: fail_safe_n(p, alpha="a"), "alpha must lie between"),
        (lambda p: fail_safe_n(p, kind="Orwin", target=np.nan), "finite number"),
        (lambda p: fail_safe_n(p, kind="General", target="a"), "finite number"),
        (lambda p: excess_significance(p, alpha="a"), "alpha must lie between"),
        (lambda p: selection_model(p, steps=[]), "needs steps"),
        (lambda p: leave_one_out(p, cluster=masked([1, 1, 2, 2, 3, 3], 4)), "missing"),
        (lambda p: subgroups(p.effect, p.variance, np.ones((6, 2))), "not one column"),
        (lambda p: pool_bayesian(p.effect, p.variance, scale="a"), "scale of a prior"),
        (lambda p: mantel_haenszel("OR", **COUNTS, add="a"), "add must be a number"),
        (lambda p: back_transform("OR", "a"), "not an array of numbers"),
    ],
)
def test_settings_that_are_no_numbers_are_refused(call, words):
    with pytest.raises(DataError, match=words):
        call(pool(EFFECT, VARIANCE))


def test_what_a_mask_hides_has_no_way_back():
    assert np.isnan(back_transform("OR", masked([1.0, 0.0], 0))).tolist() == [
        True,
        False,
    ]


def test_a_selection_without_a_maximum_ends_in_words_alone():
    """Identical effects; a warning would be an error here."""
    alike = pool([0.2] * 5, [0.1, 0.2, 0.3, 0.1, 0.2], inference="knapp_hartung_adhoc")
    with pytest.raises(ConvergenceError, match="no maximum"):
        selection_model(alike, kind="beta")
