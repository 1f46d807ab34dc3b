"""What R meta has beside metafor: intervals of heterogeneity and of proportions,
constants added to events, standardized differences, weights from sizes.

Compared with published numbers, scipy, dense matrices and identities; meta itself is
compared in test_meta_package.py.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.events_added import effects_with_events_added
from trialstats.meta.heterogeneity import cochran_q
from trialstats.meta.heterogeneity_around import heterogeneity_around
from trialstats.meta.heterogeneity_intervals import (
    between_share,
    h_from_q,
    heterogeneity_measures,
    i_squared_from_q,
)
from trialstats.meta.pooling import pool
from trialstats.meta.proportion_intervals import (
    PROPORTION_INTERVALS,
    proportion_interval,
)
from trialstats.meta.sample_size_weights import sample_size_weights
from trialstats.meta.standardized_differences import standardized_differences

EFFECT = np.array([0.12, -0.30, 0.45, 0.80, 0.05, 0.33])
VARIANCE = np.array([0.010, 0.040, 0.022, 0.090, 0.015, 0.060])
FOUR_CELLS = dict(ai=[3, 11, 7], n1i=[40, 60, 25], ci=[8, 14, 4], n2i=[42, 58, 26])
MOMENTS = dict(
    m1i=[10.2, 31.0], sd1i=[2.1, 8.0], n1i=[14, 40],
    m2i=[8.9, 35.5], sd2i=[2.6, 7.1], n2i=[12, 37],
)  # fmt: skip

#: Newcombe (1998), table I: 95 % limits of 81/263, 15/148, 0/20 and 1/29, four digits.
NEWCOMBE = {
    "simple": [(0.2522, 0.3638), (0.0527, 0.1500), (0, 0), (0, 0.1009)],
    "simple_corrected": [(0.2503, 0.3657), (0.0494, 0.1534), (0, 0.0250), (0, 0.1181)],
    "wilson": [(0.2553, 0.3662), (0.0624, 0.1605), (0, 0.1611), (0.0061, 0.1718)],
    "wilson_corrected": [
        *((0.2535, 0.3682), (0.0598, 0.1644), (0, 0.2005), (0.0018, 0.1963)),
    ],
    "clopper_pearson": [
        *((0.2527, 0.3676), (0.0578, 0.1617), (0, 0.1684), (0.0009, 0.1776)),
    ],
}


@pytest.mark.parametrize("kind", NEWCOMBE)
def test_published_limits_of_proportions(kind: str) -> None:
    limits = proportion_interval(
        xi=[81, 15, 0, 1], ni=[263, 148, 20, 29], interval=kind
    )
    # Half of the last printed digit.
    np.testing.assert_allclose(np.transpose(limits), NEWCOMBE[kind], 0, 5.01e-5)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("clopper_pearson", "exact"),
        ("wilson", "wilson"),
        ("wilson_corrected", "wilsoncc"),
    ],
)
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_limits_of_proportions_beside_scipy(
    kind: str, method: str, level: float
) -> None:
    counts = [(x, n) for n in (1, 2, 7, 60) for x in {0, 1, n // 2, n}]
    x, n = zip(*counts, strict=True)
    lower, upper = proportion_interval(xi=x, ni=n, interval=kind, level=level)
    for i, (events, size) in enumerate(counts):
        theirs = stats.binomtest(events, size).proportion_ci(level, method)
        if kind == "wilson_corrected" and math.isnan(theirs.low + theirs.high):
            # scipy has the root of a negative number for few participants.
            continue
        assert lower[i] == pytest.approx(theirs.low, abs=1e-12), counts[i]
        assert upper[i] == pytest.approx(theirs.high, abs=1e-12), counts[i]


@given(st.integers(1, 400), st.data(), st.sampled_from(sorted(PROPORTION_INTERVALS)))
def test_limits_hold_the_proportion_and_mirror(
    n: int, data: st.DataObject, kind: str
) -> None:
    x = data.draw(st.integers(0, n))
    lower, upper = proportion_interval(xi=[x, n - x], ni=[n, n], interval=kind)
    assert 0 <= lower[0] <= x / n + 1e-12
    assert x / n - 1e-12 <= upper[0] <= 1
    assert lower[0] == pytest.approx(1 - upper[1], abs=1e-12)


def test_limits_of_impossible_proportions_are_refused() -> None:
    with pytest.raises(DataError, match="between 0 and the participants"):
        proportion_interval(xi=[5], ni=[4])
    with pytest.raises(DataError, match="clopper_pearson"):
        proportion_interval(xi=[1], ni=[4], interval="exact")


@given(st.floats(0.01, 500), st.integers(1, 60))
def test_h_and_i_squared_belong_together(q: float, df: int) -> None:
    h, share = h_from_q(q, df), i_squared_from_q(q, df)
    assert h.estimate >= 1
    assert share.estimate == pytest.approx(max(0, (q - df) / q), abs=1e-12)
    if not math.isnan(h.ci_lower):
        assert 1 <= h.ci_lower <= h.estimate <= h.ci_upper
        assert 0 <= share.ci_lower <= share.estimate <= share.ci_upper < 1


def test_heterogeneity_of_few_trials_has_no_limits() -> None:
    assert all(math.isnan(x) for x in h_from_q(0.0, 0))
    # The error of log H exists for two trials where Q is above 2 alone.
    assert h_from_q(1.5, 1).estimate == pytest.approx(math.sqrt(1.5))
    assert math.isnan(h_from_q(1.5, 1).ci_upper)
    assert h_from_q(3.0, 1).ci_upper > h_from_q(3.0, 1).estimate
    single = heterogeneity_measures(pool([0.3], [0.04]))
    assert single.iloc[:, :3].isna().all(axis=None)
    assert set(single["reason"]) == {"needs at least 2 trials"}
    alike = heterogeneity_measures(pool([0.3, 0.31], [0.04, 0.04]))
    assert "above 2" in alike.loc["h", "reason"]
    assert alike.loc["between_share", "reason"] == ""
    with pytest.raises(DataError, match="not a chi-squared statistic"):
        h_from_q(-1.0, 3)


def test_the_error_of_r_b_by_matrices_and_differences() -> None:
    """R_b is a function of Q, whose variance is that of a quadratic form: 1e-6."""
    fit = pool(EFFECT, VARIANCE, tau_squared="DL")
    weight = 1 / VARIANCE
    a = np.diag(weight) - np.outer(weight, weight) / weight.sum()
    total = np.diag(VARIANCE + fit.tau_squared)
    variance_of_q = 2 * np.trace(a @ total @ a @ total)

    def share(q: float) -> float:
        tau_squared = (q - 5) / (weight.sum() - (weight**2).sum() / weight.sum())
        return float((tau_squared / (tau_squared + VARIANCE)).mean())

    step = 1e-4
    slope = (share(fit.q + step) - share(fit.q - step)) / (2 * step)
    found = between_share(fit, level=0.5)
    half = stats.norm.ppf(0.75) * abs(slope) * math.sqrt(variance_of_q)
    assert found.estimate == pytest.approx(share(fit.q), rel=1e-12)
    assert found.ci_upper - found.estimate == pytest.approx(half, rel=1e-6)
    assert found.estimate - found.ci_lower == pytest.approx(half, rel=1e-6)


@pytest.mark.parametrize("source", ["q", "tau_squared"])
def test_measures_have_no_unit_and_no_order(source: str) -> None:
    found = heterogeneity_measures(pool(EFFECT, VARIANCE), source=source)
    other = pool(-1000 * EFFECT[::-1], 1e6 * VARIANCE[::-1])
    scaled = heterogeneity_measures(other, source=source)
    # The between-trial variance is the root of an equation in other units.
    for column in ("estimate", "ci_lower", "ci_upper"):
        assert scaled[column].to_numpy() == pytest.approx(found[column], rel=1e-7)


def test_measures_from_tau_squared_are_those_of_the_fit() -> None:
    fit = pool(EFFECT, VARIANCE)
    table = heterogeneity_measures(fit, source="tau_squared")
    assert table.loc["i_squared", "estimate"] == pytest.approx(fit.i_squared)
    assert table.loc["h", "estimate"] ** 2 == pytest.approx(fit.h_squared)
    with pytest.raises(NotEstimableError, match="moderators"):
        between_share(pool(EFFECT, VARIANCE, moderators=[[x] for x in range(6)]))


def test_heterogeneity_around_the_mean_is_cochrans() -> None:
    mean = pool(EFFECT, VARIANCE, tau_squared="EE").estimate
    found = heterogeneity_around(EFFECT, VARIANCE, mean)
    test = cochran_q(EFFECT, VARIANCE)
    assert (found.q, found.p_value) == pytest.approx((test.statistic, test.p_value))
    assert found.tau_squared == pytest.approx(
        pool(EFFECT, VARIANCE, tau_squared="DL").tau_squared
    )
    away = heterogeneity_around(EFFECT, VARIANCE, mean + 0.2)
    # The sum of squares around another point: q + (distance)^2 * sum of weights.
    assert away.q == pytest.approx(found.q + 0.04 * (1 / VARIANCE).sum())
    with pytest.raises(NotEstimableError, match="2 trials"):
        heterogeneity_around([0.1], [0.02], 0.0)
    with pytest.raises(DataError, match="centre"):
        heterogeneity_around(EFFECT, VARIANCE, math.nan)


def test_sample_size_weights_do_not_see_the_effects() -> None:
    weights = sample_size_weights(n1i=[50, 200, 10], n2i=[50, 100, 90])
    assert weights.tolist() == pytest.approx([25, 200 / 3, 9])
    one = pool([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], weights=weights, inference="wald")
    other = pool([0.9, 0.2, -3], [0.4, 0.1, 0.1], weights=weights, inference="wald")
    assert one.weights == pytest.approx(other.weights)
    with pytest.raises(DataError, match="the arm is empty"):
        sample_size_weights(n1i=[0], n2i=[5])


@pytest.mark.parametrize("measure", ["RR", "RD"])
def test_without_zero_cells_the_effects_are_the_usual_ones(measure: str) -> None:
    ours = effects_with_events_added(measure, **FOUR_CELLS)
    usual = effect_sizes(measure, **FOUR_CELLS)
    for column in ("effect", "variance"):
        assert ours[column].to_numpy() == pytest.approx(usual[column].to_numpy())
    assert (ours["added"] == 0).all()
    assert ours["note"].isna().all()


@pytest.mark.parametrize(("measure", "usual"), [("PLN", "PLN"), ("PR", "PR")])
def test_single_proportions_without_zero_are_the_usual_ones(
    measure: str, usual: str
) -> None:
    counts = dict(xi=[3, 40], ni=[20, 50])
    ours, theirs = (
        effects_with_events_added(measure, **counts),
        effect_sizes(usual, **counts),
    )
    assert ours["effect"].to_numpy() == pytest.approx(theirs["effect"].to_numpy())
    assert ours["variance"].to_numpy() == pytest.approx(theirs["variance"].to_numpy())


def test_a_constant_for_the_events() -> None:
    counts = dict(
        ai=[0, 0, 9, 20], n1i=[20, 15, 9, 20], ci=[3, 0, 9, 11], n2i=[22, 15, 9, 20]
    )
    ratio = effects_with_events_added("RR", **counts)
    # (0.5/20.5)/(3.5/22.5), and 1/0.5 - 1/20.5 + 1/3.5 - 1/22.5.
    assert ratio["effect"][0] == pytest.approx(math.log(0.5 / 20.5 / (3.5 / 22.5)))
    assert ratio["variance"][0] == pytest.approx(2 - 1 / 20.5 + 1 / 3.5 - 1 / 22.5)
    assert math.isnan(ratio["effect"][1])
    assert "no events" in ratio["note"][1]
    # Everyone in both arms has the event: the ratio is 1, its variance above zero.
    assert ratio["effect"][2] == 0
    assert ratio["variance"][2] == pytest.approx(2 * (1 / 9 - 1 / 9.5))
    kept = effects_with_events_added("RR", **counts, drop00=False)
    assert kept["effect"][1] == pytest.approx(0)
    assert kept["variance"][1] > 0
    difference = effects_with_events_added("RD", **counts)
    plain = effect_sizes("RD", **counts, to="none")
    assert difference["effect"].to_numpy() == pytest.approx(plain["effect"].to_numpy())
    assert (difference["variance"] > 0).all()
    none = effects_with_events_added("RR", **counts, to="none")
    assert none["effect"].isna().tolist() == [True, True, False, False]
    assert none["variance"][2] == 0
    assert "variance is zero" in none["note"][2]
    swapped = effects_with_events_added(
        "RR", ai=counts["ci"], n1i=counts["n2i"], ci=counts["ai"], n2i=counts["n1i"]
    )
    assert swapped["effect"].to_numpy() == pytest.approx(
        -ratio["effect"].to_numpy(), nan_ok=True
    )
    everyone = effects_with_events_added("PLN", xi=[12], ni=[12])
    assert everyone["effect"][0] == 0
    assert everyone["variance"][0] == pytest.approx(1 / 12 - 1 / 12.5)


def test_standardized_differences_beside_escalc() -> None:
    exact = standardized_differences("hedges", **MOMENTS)
    unbiased = effect_sizes("SMD", **MOMENTS, vtype="UB")
    d = effect_sizes("SMD", **MOMENTS, correct=False)
    for column in ("effect", "variance"):
        assert exact[column].to_numpy() == pytest.approx(unbiased[column].to_numpy())
    for form in ("cohen", "cohen_approximate"):
        found = standardized_differences(form, **MOMENTS)["effect"].to_numpy()
        assert found == pytest.approx(d["effect"].to_numpy())
    close = standardized_differences("hedges_approximate", **MOMENTS)
    # 1 - 3/(4 m - 1) is J to 0.01 % from 24 degrees of freedom on.
    assert close["effect"].to_numpy() == pytest.approx(exact["effect"], rel=2e-4)
    assert close["variance"].to_numpy() == pytest.approx(exact["variance"], rel=2e-3)
    glass = standardized_differences("glass", **MOMENTS)
    assert glass["effect"][0] == pytest.approx((10.2 - 8.9) / 2.6)
    assert glass["variance"][0] == pytest.approx(
        1 / 14 + 1 / 12 + (1.3 / 2.6) ** 2 / 22
    )


@pytest.mark.parametrize("form", ["hedges", "hedges_approximate", "cohen", "glass"])
def test_standardized_differences_have_no_unit(form: str) -> None:
    found = standardized_differences(form, **MOMENTS)
    scaled = {
        name: [100 * x for x in values] if name[0] in "ms" else values
        for name, values in MOMENTS.items()
    }
    other = standardized_differences(form, **scaled)
    assert other["effect"].to_numpy() == pytest.approx(found["effect"].to_numpy())
    assert other["variance"].to_numpy() == pytest.approx(found["variance"].to_numpy())


def test_two_participants_an_arm_have_no_unbiased_variance() -> None:
    few = {name: values[:1] for name, values in MOMENTS.items()} | {
        "n1i": [2],
        "n2i": [2],
    }
    found = standardized_differences("hedges", **few)
    # 1 - (m - 2)/(m J^2) with m = 2 is 1.
    assert found["variance"][0] == pytest.approx(1 + found["effect"][0] ** 2)
    with pytest.raises(DataError, match="at least two participants"):
        standardized_differences("hedges", **(few | {"n1i": [1]}))
