"""Two proportions against R, against brute force, and in sparse tables."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    score_test_proportions_2indep,
)

from trialstats.binary import compare_proportions, score_difference, score_ratio
from trialstats.errors import DataError
from trialstats.second_engine import two_proportions

#: Root finding to rounding in both programs.
ROOT = 1e-9

#: R's fisher.test finds its limits with uniroot at its default tolerance, 1.2e-4, on
#: the odds ratio or its inverse.
UNIROOT = 1e-2

TABLES = [(56, 70, 48, 80), (9, 10, 3, 10), (15, 150, 22, 145), (98, 100, 90, 100)]
SPARSE = [(10, 10, 0, 20), (5, 56, 0, 29), (0, 12, 0, 15), (0, 9, 3, 11), (4, 4, 6, 6)]


def near(value, expected, rel):
    """Compare with R, where an infinite or undefined value is a text."""
    if value is None:
        return expected in ("Inf", "-Inf", "NaN", 0, None)
    return math.isclose(value, expected, rel_tol=rel, abs_tol=1e-12)


def natural(value):
    return None if value is None else math.exp(value)


def results(shared, pattern):
    file = shared / "reference" / "json" / "base.two_by_two.json"
    cases = json.loads(file.read_text())["cases"]
    found = [c for c in cases if c["id"].partition(".")[2] == pattern]
    assert len(found) == 8
    for case in found:
        counts = tuple(case[name] for name in ("x1", "n1", "x2", "n2"))
        yield counts, case["results"]


@pytest.mark.reference
@pytest.mark.parametrize("level", [0.90, 0.95])
def test_score_limits_agree_with_the_published_formulae_in_r(shared, level):
    name = f"l{100 * level:.0f}"
    for counts, found in results(shared, f"mn_rd_{name}"):
        ours = compare_proportions(*counts, level=level).risk_difference
        assert near(ours.estimate, found["estimate"], ROOT)
        assert near(ours.ci_lower, found["ci_lb"], ROOT)
        assert near(ours.ci_upper, found["ci_ub"], ROOT)
    for counts, found in results(shared, f"mn_rr_{name}"):
        ours = compare_proportions(*counts, level=level).log_risk_ratio
        assert near(natural(ours.estimate), found["estimate"], ROOT)
        assert near(natural(ours.ci_lower), found["ci_lb"], ROOT)
        assert near(natural(ours.ci_upper), found["ci_ub"], ROOT)


@pytest.mark.reference
def test_exact_limits_agree_with_r(shared):
    for counts, found in results(shared, "binom.clopper_pearson"):
        risk = compare_proportions(*counts).risk
        assert near(risk.ci_lower, found["ci"][0], ROOT)
        assert near(risk.ci_upper, found["ci"][1], ROOT)
    for counts, found in results(shared, "fisher.two.sided"):
        ours = compare_proportions(*counts).log_odds_ratio
        assert near(natural(ours.ci_lower), found["ci"][0], UNIROOT)
        assert near(natural(ours.ci_upper), found["ci"][1], UNIROOT)
        if ours.p_value is not None:
            assert near(ours.p_value, found["p"], ROOT)


@pytest.mark.reference
def test_standard_errors_are_those_of_katz_woolf_and_wald(shared):
    # Their 95% limits are estimate -/+ 1.96 errors on the scale of each measure.
    quantile = 2 * stats.norm.isf(0.025)
    for name, measure, scale in (
        ("katz_rr_l95", "log_risk_ratio", math.log),
        ("woolf_or_l95", "log_odds_ratio", math.log),
        ("wald_rd_l95", "risk_difference", float),
    ):
        for counts, found in results(shared, name):
            ours = getattr(compare_proportions(*counts), measure).standard_error
            if ours is not None:
                width = scale(found["ci_ub"]) - scale(found["ci_lb"])
                assert ours == pytest.approx(width / quantile, rel=ROOT)


@pytest.mark.parametrize("counts", TABLES)
def test_statsmodels_has_the_same_limits_of_the_risk_ratio(counts):
    # Its root finding stops at 2e-12.
    ratio = confint_proportions_2indep(*counts, method="score", compare="ratio")
    ours = compare_proportions(*counts).log_risk_ratio
    assert (ours.ci_lower, ours.ci_upper) == pytest.approx(np.log(ratio), abs=1e-9)


def test_statsmodels_has_no_score_limits_of_the_risk_difference_to_lean_on():
    # Its constrained estimate is not where the likelihood is highest. If this fails,
    # statsmodels has mended it, and `trialstats.binary` may use it.
    counts = x1, n1, x0, n0 = TABLES[0]
    theirs = score_test_proportions_2indep(*counts, value=0.1, compare="diff")
    best = highest(counts, lambda p: p + 0.1, 0, 0.9)

    def height(p0):
        return stats.binom.logpmf(x0, n0, p0) + stats.binom.logpmf(x1, n1, p0 + 0.1)

    assert height(best) > height(theirs.prop2_null) + 1e-3
    with pytest.raises(ValueError, match="different signs"):
        confint_proportions_2indep(*TABLES[1], method="score", compare="diff")


def highest(counts, p1_of, low, high):
    """Maximise the likelihood of the control risk by brute force."""
    x1, n1, x0, n0 = counts

    def loss(p0):
        return -stats.binom.logpmf(x0, n0, p0) - stats.binom.logpmf(x1, n1, p1_of(p0))

    gap = 1e-12 * (high - low)
    found = optimize.minimize_scalar(
        loss, bounds=(low + gap, high - gap), method="bounded", options={"xatol": 1e-12}
    )
    return found.x


@pytest.mark.parametrize("counts", TABLES)
def test_at_each_limit_the_score_statistic_is_the_quantile(counts):
    # Independent of the closed forms: the constrained estimate by minimisation, which
    # is flat to about the root of machine precision, hence 1e-5.
    x1, n1, x0, n0 = counts
    n, result = n1 + n0, compare_proportions(*counts)
    for d, sign in (
        (result.risk_difference.ci_lower, 1),
        (result.risk_difference.ci_upper, -1),
    ):
        p0 = highest(counts, lambda p, d=d: p + d, max(0, -d), min(1, 1 - d))
        p1 = p0 + d
        variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * n / (n - 1)
        z = (x1 / n1 - x0 / n0 - d) / math.sqrt(variance)
        assert z == pytest.approx(sign * stats.norm.isf(0.025), rel=1e-5)
        assert score_difference(d, counts) == pytest.approx(z, rel=1e-5)
    for log_ratio, sign in (
        (result.log_risk_ratio.ci_lower, 1),
        (result.log_risk_ratio.ci_upper, -1),
    ):
        r = math.exp(log_ratio)
        p0 = highest(counts, lambda p, r=r: p * r, 0, min(1, 1 / r))
        p1 = r * p0
        variance = (p1 * (1 - p1) / n1 + r**2 * p0 * (1 - p0) / n0) * n / (n - 1)
        z = (x1 / n1 - r * x0 / n0) / math.sqrt(variance)
        assert z == pytest.approx(sign * stats.norm.isf(0.025), rel=1e-5)
        assert score_ratio(log_ratio, counts) == pytest.approx(z, rel=1e-5)


@pytest.mark.parametrize("counts", [*TABLES, *SPARSE])
def test_the_second_engine_agrees(counts):
    # Sums and bisection against closed forms; both to rounding.
    result = compare_proportions(*counts)
    second = two_proportions.effects(counts, 0.95)
    for name, ours in (
        ("risk_difference", result.risk_difference),
        ("risk_ratio", result.log_risk_ratio),
        ("odds_ratio", result.log_odds_ratio),
    ):
        for quantity, theirs in second[name].items():
            mine = getattr(ours, quantity)
            if theirs is None or mine is None:
                assert theirs is mine is None
            else:
                assert mine == pytest.approx(theirs, rel=1e-7, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_swapping_arms_turns_every_effect_around(n1, n0, data):
    x1 = data.draw(st.integers(0, n1))
    x0 = data.draw(st.integers(0, n0))
    if n1 + n0 < 3:
        return
    one = compare_proportions(x1, n1, x0, n0)
    other = compare_proportions(x0, n0, x1, n1)
    for name in ("risk_difference", "log_risk_ratio", "log_odds_ratio"):
        a, b = getattr(one, name), getattr(other, name)
        for mine, theirs in (
            (a.estimate, b.estimate),
            (a.ci_lower, b.ci_upper),
            (a.ci_upper, b.ci_lower),
        ):
            if mine is None or theirs is None:
                assert mine is theirs is None
            else:
                # Limits at the edge of the square are flat in the statistic.
                assert mine == pytest.approx(-theirs, rel=1e-6, abs=1e-6)
        if a.estimate is not None and a.ci_lower is not None:
            assert a.ci_lower <= a.estimate + 1e-9
        if a.estimate is not None and a.ci_upper is not None:
            assert a.estimate <= a.ci_upper + 1e-9


def test_no_event_in_either_arm():
    result = compare_proportions(0, 12, 0, 15)
    difference = result.risk_difference
    assert difference.estimate == 0
    assert difference.standard_error is None
    assert difference.ci_lower < 0 < difference.ci_upper
    assert difference.p_value == 1
    for ratio in (result.log_risk_ratio, result.log_odds_ratio):
        assert ratio.estimate is ratio.ci_lower is ratio.ci_upper is None
        assert "No event in either arm" in ratio.not_estimable


def test_no_event_under_control_leaves_a_lower_limit():
    ratio = compare_proportions(5, 56, 0, 29).log_risk_ratio
    assert ratio.estimate is ratio.ci_upper is ratio.standard_error is None
    assert np.isfinite(ratio.ci_lower)
    assert ratio.not_estimable == (
        "The risk ratio is infinite: only a lower limit exists."
    )


def test_only_events_have_a_risk_ratio_and_no_odds_ratio():
    result = compare_proportions(4, 4, 6, 6)
    assert result.log_risk_ratio.estimate == 0
    assert result.log_risk_ratio.standard_error is None
    assert result.log_risk_ratio.ci_lower < 0 < result.log_risk_ratio.ci_upper
    assert "Every subject has the event" in result.log_odds_ratio.not_estimable


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((5, 4, 1, 9), "value 5: more events than subjects"),
        ((1, 0, 1, 9), "no subjects"),
        ((-1, 4, 1, 9), "not a count"),
        ((1, 4, 1.5, 9), "not a count"),
        ((1, 4, 1, math.nan), "not a count"),
    ],
)
def test_wrong_counts_are_named(counts, reason):
    with pytest.raises(DataError, match=reason):
        compare_proportions(*counts)
