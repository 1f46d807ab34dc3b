"""What must hold for pooled effects whatever the data, and what is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta import INFERENCE, TAU_SQUARED, cochran_q, pool, q_profile
from trialstats.meta.tau_squared import WITH_WEIGHTS

ESTIMATORS = sorted(set(TAU_SQUARED) - set(WITH_WEIGHTS))
RANDOM_EFFECTS = sorted(set(ESTIMATORS) - {"EE"})
every = settings(deadline=None, derandomize=True, max_examples=60)


@st.composite
def trials(draw, smallest: int = 2, spread: int = 3):
    k = draw(st.integers(smallest, 12))
    effect = draw(
        st.lists(st.floats(-5, 5).map(lambda x: round(x, 6)), min_size=k, max_size=k)
    )
    exponent = st.floats(-spread, spread)
    variance = draw(st.lists(exponent.map(lambda x: 10**x), min_size=k, max_size=k))
    return np.array(effect), np.array(variance)


def differing(trial) -> bool:
    return len(set(trial[0])) > 1


@every
@given(trials(), st.sampled_from(ESTIMATORS), st.randoms())
def test_the_order_of_trials_changes_no_bit(trial, method, random):
    effect, variance = trial
    order = list(range(len(effect)))
    random.shuffle(order)
    first = pool(effect, variance, tau_squared=method, inference="wald")
    second = pool(effect[order], variance[order], tau_squared=method, inference="wald")
    assert (second.estimate, second.standard_error) == (
        first.estimate,
        first.standard_error,
    )
    assert (second.tau_squared, second.q) == (first.tau_squared, first.q)
    assert second.weights.tolist() == first.weights[order].tolist()


@every
@given(
    trials().filter(differing), st.sampled_from(ESTIMATORS), st.sampled_from([-3, 7])
)
def test_a_unit_that_is_a_power_of_two_changes_no_digit(trial, method, power):
    # Scaling by a power of two is exact, but for the grid of the likelihoods, whose
    # points go through a logarithm: 1e-12 for those.
    effect, variance = trial
    unit = 2.0**power
    first = pool(effect, variance, tau_squared=method)
    second = pool(unit * effect, unit**2 * variance, tau_squared=method)
    assert second.estimate == pytest.approx(unit * first.estimate, rel=1e-12)
    assert second.standard_error == pytest.approx(
        unit * first.standard_error, rel=1e-12
    )
    assert second.tau_squared == pytest.approx(
        unit**2 * first.tau_squared, rel=1e-10, abs=0
    )
    assert second.i_squared == pytest.approx(first.i_squared, rel=1e-10)


@every
@given(trials(), st.sampled_from(ESTIMATORS), st.sampled_from([-1000.0, 3.0]))
def test_a_shift_moves_the_estimate_alone(trial, method, shift):
    effect, variance = trial
    first = pool(effect, variance, tau_squared=method, inference="wald")
    second = pool(effect + shift, variance, tau_squared=method, inference="wald")
    # Adding 1000 to an effect costs it 1e-13; the sum of squares loses as much, which
    # the estimators divide by variances down to 1e-3.
    assert second.estimate == pytest.approx(first.estimate + shift, abs=1e-7)
    assert second.tau_squared == pytest.approx(first.tau_squared, rel=1e-6, abs=1e-8)


@every
@given(trials().filter(differing), st.sampled_from(ESTIMATORS))
def test_swapping_arms_flips_signs(trial, method):
    effect, variance = trial
    first = pool(effect, variance, tau_squared=method)
    second = pool(-effect, variance, tau_squared=method)
    assert second.estimate == pytest.approx(-first.estimate, rel=1e-9, abs=1e-12)
    assert second.ci_lower == pytest.approx(-first.ci_upper, rel=1e-9, abs=1e-12)
    assert second.tau_squared == pytest.approx(first.tau_squared, rel=1e-9, abs=1e-12)


@every
@given(trials(), st.sampled_from(RANDOM_EFFECTS), st.floats(-4, 4))
def test_identical_effects_have_no_heterogeneity(trial, method, value):
    _, variance = trial
    effect = np.full(len(variance), value)
    pooled = pool(effect, variance, tau_squared=method, inference="wald")
    assert (pooled.q, pooled.tau_squared, pooled.i_squared) == (0, 0, 0)
    assert pooled.estimate == value
    assert pooled.q_p_value == 1
    assert (pooled.tau_squared_lower, pooled.tau_squared_upper) == (0, 0)


@every
@given(trials(), st.sampled_from(ESTIMATORS))
def test_ranges(trial, method):
    effect, variance = trial
    pooled = pool(effect, variance, tau_squared=method, inference="wald")
    assert pooled.tau_squared >= 0
    assert 0 <= pooled.i_squared < 1
    assert pooled.weights.sum() == pytest.approx(1, rel=1e-12)
    slack = 1e-12 * max(1, np.abs(effect).max())
    assert effect.min() - slack <= pooled.estimate <= effect.max() + slack
    assert pooled.ci_lower < pooled.estimate < pooled.ci_upper


@every
@given(trials().filter(differing), st.sampled_from(RANDOM_EFFECTS))
def test_the_ad_hoc_variant_is_never_narrower(trial, method):
    adhoc, plain, t = (
        pool(*trial, tau_squared=method, inference=name)
        for name in ("knapp_hartung_adhoc", "knapp_hartung", "t")
    )
    assert adhoc.standard_error == max(plain.standard_error, t.standard_error)
    wald = pool(*trial, tau_squared=method, inference="wald")
    assert adhoc.ci_lower <= wald.ci_lower
    assert adhoc.ci_upper >= wald.ci_upper


@every
@given(trials(), st.floats(0.5, 0.99))
def test_limits_of_q_profile_solve_their_equations(trial, level):
    effect, variance = trial
    df = len(effect) - 1
    for limit, tail in zip(
        q_profile(effect, variance, level=level), (1, -1), strict=True
    ):
        target = stats.chi2.ppf((1 + tail * level) / 2, df)
        found = cochran_q(effect, variance + limit).statistic
        if limit == 0:
            assert found <= target
        else:
            assert found == pytest.approx(target, rel=1e-9)


@every
@given(trials())
def test_duplicated_trials_halve_the_variance_under_equal_effects(trial):
    effect, variance = trial
    once = pool(effect, variance, tau_squared="EE", inference="wald")
    twice = pool(
        np.tile(effect, 2), np.tile(variance, 2), tau_squared="EE", inference="wald"
    )
    assert twice.estimate == pytest.approx(once.estimate, rel=1e-9, abs=1e-12)
    assert twice.standard_error == pytest.approx(
        once.standard_error / math.sqrt(2), rel=1e-12
    )
    assert twice.q == pytest.approx(2 * once.q, rel=1e-9, abs=1e-9)


def restricted_log_likelihood(effect, variance, tau_squared):
    """The textbook formula, written once more."""
    w = 1 / (variance + tau_squared)
    mean = np.sum(w * effect) / np.sum(w)
    return -0.5 * (
        np.sum(np.log(variance + tau_squared))
        + np.log(np.sum(w))
        + np.sum(w * (effect - mean) ** 2)
    )


@every
@given(trials())
def test_reml_is_the_highest_point_of_its_likelihood(trial):
    effect, variance = trial
    found = pool(effect, variance, inference="wald").tau_squared
    at_found = restricted_log_likelihood(effect, variance, found)
    for tau_squared in [0, *np.geomspace(1e-6, 1e3, 400)]:
        other = restricted_log_likelihood(effect, variance, tau_squared)
        assert at_found >= other - 1e-9 * abs(other)


def test_reml_takes_the_higher_of_two_maxima():
    # Four precise trials that agree and two imprecise ones far out: the restricted
    # likelihood has a maximum at zero and another one far above.
    effect = np.array([0.0, 0.05, -0.04, 0.02, 12.0, -11.0])
    variance = np.array([0.01, 0.01, 0.01, 0.01, 4.0, 4.0])
    found = pool(effect, variance).tau_squared
    slope = np.diff([restricted_log_likelihood(effect, variance, t) for t in (0, 1e-6)])
    assert slope < 0 < found
    grid = [0, *np.geomspace(1e-6, 1e4, 20000)]
    values = [restricted_log_likelihood(effect, variance, t) for t in grid]
    assert restricted_log_likelihood(effect, variance, found) >= max(values) - 1e-9


@pytest.mark.parametrize("method", ESTIMATORS)
def test_variances_that_span_twelve_powers_of_ten(method):
    # Expected values: the same equations in exact rational arithmetic, at the
    # tau-squared found.
    effect = [0.25, 0.5, -1.0, 2.0]
    variance = [1e-12, 1e-6, 1.0, 0.5]
    pooled = pool(effect, variance, tau_squared=method, inference="wald")
    between = Fraction(pooled.tau_squared)
    w = [1 / (Fraction(v) + between) for v in variance]
    y = [Fraction(value) for value in effect]
    total = sum(w)
    mean = sum(a * b for a, b in zip(w, y, strict=True)) / total
    # The weights carry the rounding of v + tau2, the estimate no more than that.
    assert pooled.estimate == pytest.approx(float(mean), rel=1e-14)
    assert pooled.standard_error == pytest.approx(math.sqrt(1 / total), rel=1e-14)
    squares = [(b - mean) ** 2 for b in y]
    if method == "REML":
        first = sum(a**2 * s for a, s in zip(w, squares, strict=True))
        trace = total - sum(a**2 for a in w) / total
        # A zero of the score up to the last bits of tau-squared.
        assert float(first / trace) == pytest.approx(1, rel=1e-12)
    if method == "PM":
        q = sum(a * s for a, s in zip(w, squares, strict=True))
        assert float(q) == pytest.approx(3, rel=1e-12)


def test_empirical_bayes_is_paule_mandel():
    effect, variance = [0.1, 0.9, -0.3], [0.01, 0.04, 0.09]
    values = {
        pool(effect, variance, tau_squared=name).tau_squared
        for name in ("EB", "PM", "DLIT", "SJIT")
    }
    assert len(values) == 1


def test_one_trial_is_its_own_pooled_effect():
    pooled = pool([0.4], [0.04])
    # 0.2 x the 97.5 % point of the normal distribution, from tables: 1.959964.
    assert (pooled.estimate, pooled.standard_error, pooled.k) == (0.4, 0.2, 1)
    assert pooled.ci_upper == pytest.approx(0.4 + 0.2 * 1.959964, abs=1e-7)
    assert pooled.method == "the trial's own effect; 95% normal interval"
    for name in ("tau_squared", "i_squared", "q", "prediction_lower"):
        assert math.isnan(getattr(pooled, name))
        assert pooled.not_estimable[name] == "needs at least 2 trials"


def test_what_does_not_exist_has_a_reason():
    pooled = pool([0.1, 0.5], [0.1, 0.1], prediction="HTS")
    assert math.isnan(pooled.prediction_upper)
    assert "0 df with 2 trials" in pooled.not_estimable["prediction_upper"]
    equal = pool([0.1, 0.5], [0.1, 0.1], tau_squared="EE", inference="wald")
    assert math.isnan(equal.tau_squared_lower)
    assert set(equal.not_estimable) >= {"tau_squared_lower", "prediction_df"}


def test_identical_effects_need_the_ad_hoc_variant():
    with pytest.raises(NotEstimableError, match="knapp_hartung_adhoc"):
        pool([0.3, 0.3], [0.1, 0.2])
    assert pool([0.3, 0.3], [0.1, 0.2], inference="knapp_hartung_adhoc").estimate == 0.3


def test_results_are_read_only():
    pooled = pool([0.1, 0.5], [0.1, 0.1])
    with pytest.raises(ValueError, match="read-only"):
        pooled.weights[0] = 1
    with pytest.raises(AttributeError):
        pooled.estimate = 0


def test_given_weights_follow_their_trials():
    pooled = pool([1.0, 3.0], [0.5, 0.1], weights=[3, 1], inference="wald")
    assert pooled.estimate == pytest.approx(1.5, rel=1e-15)
    assert pooled.weights.tolist() == [0.75, 0.25]
    assert "given weights" in pooled.method


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.1, 0.2], [0.1, 0.0]), r"row 2 .*'variance', value 0.0.*not above zero"),
        (([0.1, 0.2], [0.1, -1]), r"row 2 .*'variance', value -1.0"),
        (([0.1, float("nan")], [0.1, 1]), r"row 2 .*'effect': missing"),
        (([0.1, 0.2], [math.inf, 1]), r"row 1 .*'variance', value inf: infinite"),
        (([0.1, "x"], [0.1, 1]), r"row 2 .*'effect', value 'x': not a number"),
        (([0.1], [0.1, 1]), "differ in length: effect has 1, variance has 2"),
        (([], []), "there are no rows"),
        (([0.1, 1e60], [0.1, 1]), "another unit"),
    ],
)
def test_bad_numbers_are_named(arguments, message):
    with pytest.raises(DataError, match=message):
        pool(*arguments)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"tau_squared": "RMEL"}, "use one of EE, DL, PM, REML"),
        ({"inference": "hksj"}, "use one of wald, t, knapp_hartung"),
        ({"prediction": "k-1"}, "use one of t, HTS"),
        ({"level": 95}, "between 0 and 1, got 95"),
        ({"weights": [1, 0], "inference": "wald"}, "'weights', value 0.0"),
        (
            {"weights": [1, 1], "inference": "kenward_roger"},
            "use inference='wald', 't' or 'knapp_hartung'",
        ),
        ({"tau_squared": "GENQ"}, "needs weights; pass weights=, such as 1/variance"),
        ({"tau_squared": -0.1}, "is not a variance"),
        ({"tau_squared_interval": "QP"}, "use one of q_profile, profile_likelihood"),
    ],
)
def test_unknown_settings_list_the_known(settings_, message):
    with pytest.raises(DataError, match=message):
        pool([0.1, 0.2], [0.1, 0.1], **settings_)


def test_a_search_that_stops_says_so(monkeypatch):
    monkeypatch.setattr("trialstats.meta.roots._STEPS", 1)
    effect, variance = [0.0, 1.0, 5.0], [0.1, 0.2, 0.3]
    for method in ("REML", "ML", "PM"):
        with pytest.raises(ConvergenceError, match="use a closed-form estimator"):
            pool(effect, variance, tau_squared=method)
    with pytest.raises(ConvergenceError, match="Q-profile"):
        q_profile(effect, variance)


def test_tables_of_methods():
    assert set(INFERENCE) == {
        *("wald", "t", "knapp_hartung", "knapp_hartung_adhoc"),
        *("knapp_hartung_adhoc_ci", "knapp_hartung_adhoc_iqwig", "kenward_roger"),
    }
    assert set(TAU_SQUARED) == {
        *("EE", "DL", "PM", "REML", "ML", "HE", "SJ", "EB", "HS"),
        *("HSk", "PMM", "DLIT", "SJIT", "GENQ", "GENQM"),
    }
