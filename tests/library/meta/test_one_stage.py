"""One-stage models: brute force, R, symmetries and degenerate counts."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import read_data, read_reference
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from scipy.stats import binom

from trialstats.errors import (
    DataError,
    NotEstimableError,
    RankDeficientError,
    TrialstatsError,
)
from trialstats.meta.one_stage import one_stage
from trialstats.meta.one_stage_results import OneStage

#: Synthetic: rare events, a zero cell on either side, arms of unequal size.
RARE = {
    "ai": [0, 2, 1, 5, 1, 3, 9, 4],
    "n1i": [40, 120, 65, 210, 33, 80, 150, 58],
    "ci": [3, 1, 9, 11, 2, 0, 34, 6],
    "n2i": [42, 60, 64, 199, 30, 81, 75, 61],
}
YEAR = [1.0, 2.0, 0.5, 3.0, 0.0, 1.5, 2.5, 4.0]
MODELS = ("UM.FS", "UM.RS", "CM.EL", "CM.AL")
#: A grid on which the trapezoidal rule for the random effect is exact to rounding.
GRID = np.linspace(-9, 9, 721)
NORMAL = np.exp(-0.5 * GRID**2) / math.sqrt(2 * math.pi) * (GRID[1] - GRID[0])


def exact_conditional(design: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return minus the log-likelihood of CM.EL from binomial coefficients in full."""
    tables = list(
        zip(*(RARE[name] for name in ("ai", "n1i", "ci", "n2i")), strict=True)
    )
    supports = []
    for a, n1, c, n2 in tables:
        x = range(max(0, a + c - n2), min(n1, a + c) + 1)
        weight = [math.log(math.comb(n1, i) * math.comb(n2, a + c - i)) for i in x]
        supports.append((a - x[0], np.array(x, float)[:, None], np.array(weight)))

    def height(parameters: np.ndarray) -> float:
        centre, tau = design @ parameters[:-1], parameters[-1]
        total = 0.0
        for effect, (seen, x, weight) in zip(centre, supports, strict=True):
            parts = weight[:, None] + x * (effect + tau * GRID)
            share = np.exp(parts[seen] - logsumexp(parts, axis=0))
            total -= math.log(float((share * NORMAL).sum()))
        return total

    return height


def levels_profiled(rows: int) -> Callable[[np.ndarray], float]:
    """Return minus the log-likelihood of UM.FS, the levels as parameters after tau."""
    a, n1, c, n2 = (np.array(RARE[name][:rows]) for name in ("ai", "n1i", "ci", "n2i"))

    def height(parameters: np.ndarray) -> float:
        effect, tau, levels = parameters[0], parameters[1], parameters[2:]
        p = expit(levels[:, None] + effect + tau * GRID / 2)
        q = expit(levels[:, None] - tau * GRID / 2)
        counts = binom.pmf(a[:, None], n1[:, None], p)
        counts *= binom.pmf(c[:, None], n2[:, None], q)
        return -float(np.log((counts * NORMAL).sum(axis=1)).sum())

    return height


def bend(height: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Return second derivatives by central differences."""
    h, n = 1e-3, len(at)
    found = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            u, v = np.eye(n)[i] * h, np.eye(n)[j] * h
            found[i, j] = height(at + u + v) - height(at + u - v)
            found[i, j] -= height(at - u + v) - height(at - u - v)
    return found / (4 * h * h)


def tight(height: Callable[[np.ndarray], float], start: np.ndarray) -> Any:
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
    found = minimize(height, start, method="Nelder-Mead", options=options)
    return minimize(height, found.x, method="Nelder-Mead", options=options)


@pytest.mark.parametrize(
    "with_year", [False, pytest.param(True, marks=pytest.mark.validation)]
)
def test_the_exact_conditional_model_beside_brute_force(with_year: bool) -> None:
    """Nelder-Mead on sums in full: parameters to 1e-5, errors to 1e-4."""
    ones = np.ones(8)
    design = np.column_stack([ones, YEAR] if with_year else [ones])
    height = exact_conditional(design)
    fit = one_stage(
        "OR",
        **RARE,
        model="CM.EL",
        inference="wald",
        moderators=pd.DataFrame({"year": YEAR}) if with_year else None,
    )
    ours = np.append(fit.coefficients["estimate"], math.sqrt(fit.tau_squared))
    assert -height(ours) == pytest.approx(fit.log_likelihood, abs=1e-7)
    found = tight(height, ours + 0.1)
    assert found.fun >= -fit.log_likelihood - 1e-8
    found.x[-1] = abs(found.x[-1])
    np.testing.assert_allclose(found.x, ours, atol=1e-5)
    assert fit.tau_squared > 0.01
    error = np.sqrt(np.diag(np.linalg.inv(bend(height, ours))))[:-1]
    np.testing.assert_allclose(fit.coefficients["standard_error"], error, rtol=1e-4)


@pytest.mark.validation
def test_the_levels_of_the_trials_as_parameters_beside_brute_force() -> None:
    """Gradient zero and curvature by differences of an integral of our own."""
    rows = 8
    height = levels_profiled(rows)
    fit = one_stage("OR", **RARE, model="UM.FS", inference="wald")
    start = np.concatenate([[fit.estimate, math.sqrt(fit.tau_squared)], np.full(8, -3)])
    found = minimize(height, start, method="BFGS", options={"gtol": 1e-6})
    assert found.fun == pytest.approx(-fit.log_likelihood, abs=1e-7)
    assert found.x[0] == pytest.approx(fit.estimate, abs=1e-4)
    assert found.x[1] ** 2 == pytest.approx(fit.tau_squared, abs=2e-4)
    error = math.sqrt(np.linalg.inv(bend(height, found.x))[0, 0])
    assert fit.standard_error == pytest.approx(error, rel=2e-4)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["Rabbits", "UCBAdmissions", "BCG"])
def test_equal_effects_are_the_conditional_estimate_of_r(
    name: str, shared: Path
) -> None:
    """mantelhaen.test(exact = TRUE) of R 4.2.2, whose root is good to some 1e-5."""
    path = shared / "reference" / "json" / "base.cmh.json"
    cases = {c["id"]: c for c in pd.read_json(path, typ="series")["cases"]}
    expected = cases[f"cmh.{name}.exact"]["results"]["estimate"]
    # The first rabbits waited for "None".
    table = read_data(shared, f"tab_{name}.csv").fillna("None")
    first, second, third = table.columns[:3]
    order = [list(dict.fromkeys(table[column])) for column in (first, second)]
    wide = table.pivot_table("count", third, [first, second])
    (a1, a2), (b1, b2) = (levels[:2] for levels in order)
    fit = one_stage(
        "OR",
        ai=wide[(a1, b1)],
        bi=wide[(a1, b2)],
        ci=wide[(a2, b1)],
        di=wide[(a2, b2)],
        model="CM.EL",
        tau_squared="EE",
    )
    assert math.exp(fit.estimate) == pytest.approx(expected, rel=2e-5)


#: Cases of meta that call rma.glmm -> measure and arguments of the columns.
META = {
    "meta.metabin_bcg OR.GLMM": ("dat.bcg.csv", "OR", ["tpos", "tneg", "cpos", "cneg"]),
    "meta.metainc_nielweise2008 IRR.GLMM": (
        "dat.nielweise2008.csv",
        "IRR",
        ["x1i", "t1i", "x2i", "t2i"],
    ),
    "meta.metaprop_pritz1997 GLMM": ("dat.pritz1997.csv", "PLO", ["xi", "ni"]),
}
NAMES = {
    "OR": ("ai", "bi", "ci", "di"),
    "IRR": ("x1i", "t1i", "x2i", "t2i"),
    "PLO": ("xi", "ni"),
}


@pytest.mark.reference
@pytest.mark.parametrize("case", META)
def test_agrees_with_meta(case: str, shared: Path) -> None:
    """R meta, GLMM: 1e-4, the accuracy of glmer's maximum (tau2 of IRR 3e-4)."""
    file, case_id = case.split()
    found = next(c for c in read_reference(shared, file)["cases"] if c["id"] == case_id)
    csv, measure, columns = META[case]
    data = read_data(shared, csv)
    counts = dict(zip(NAMES[measure], (data[c] for c in columns), strict=True))
    theirs = {
        key: value[0]
        for key, value in found["results"].items()
        if isinstance(value, list)
    }
    fits = {
        "random": one_stage(measure, **counts, inference="wald", n_quadrature=7),
        "common": one_stage(measure, **counts, inference="wald", tau_squared="EE"),
    }
    for kind, fit in fits.items():
        assert fit.estimate == pytest.approx(theirs[f"TE.{kind}"], rel=1e-4)
        assert fit.standard_error == pytest.approx(theirs[f"seTE.{kind}"], rel=1e-4)
        assert fit.ci_lower == pytest.approx(theirs[f"lower.{kind}"], rel=1e-4)
        assert fit.ci_upper == pytest.approx(theirs[f"upper.{kind}"], abs=1e-4)
    fit = fits["random"]
    assert fit.tau_squared == pytest.approx(theirs["tau2"], rel=3e-4)
    assert fit.prediction_df == theirs["df.predict"]
    assert fit.prediction_lower == pytest.approx(theirs["lower.predict"], rel=1e-3)
    wald, ratio = found["results"]["Q"]
    # Of a trial without events in an arm glm's estimate is large, not infinite.
    assert fit.q == pytest.approx(wald, rel=1e-5)
    assert fit.likelihood_ratio == pytest.approx(ratio, rel=1e-6)


def numbers_of(fit: OneStage) -> list[float]:
    return [
        fit.estimate,
        fit.standard_error,
        fit.tau_squared,
        fit.q,
        fit.likelihood_ratio,
        fit.log_likelihood,
        fit.i_squared,
        fit.prediction_lower,
    ]


@pytest.mark.parametrize("model", MODELS)
def test_the_order_of_the_trials_changes_no_bit(model: str) -> None:
    fit = one_stage("OR", **RARE, model=model)
    order = [5, 2, 7, 0, 3, 6, 1, 4]
    mixed = {name: np.array(column)[order] for name, column in RARE.items()}
    other = one_stage("OR", **mixed, model=model)
    assert numbers_of(other) == numbers_of(fit)
    assert other.weights.tolist() == fit.weights[order].tolist()
    assert fit.weights.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL"])
def test_exchanged_arms_and_outcomes_change_the_sign(model: str) -> None:
    """CM.AL is no mirror: its binomial takes events to be the rare outcome."""
    fit = one_stage("OR", **RARE, model=model)
    a, n1, c, n2 = (np.array(RARE[name]) for name in ("ai", "n1i", "ci", "n2i"))
    arms = one_stage("OR", ai=c, n1i=n2, ci=a, n2i=n1, model=model)
    outcomes = one_stage("OR", ai=n1 - a, bi=a, ci=n2 - c, di=c, model=model)
    # 1e-7: two searches that stop within 1e-8 standard errors.
    for other in (outcomes,) if model == "UM.RS" else (arms, outcomes):
        assert other.estimate == pytest.approx(-fit.estimate, rel=1e-7)
        assert other.standard_error == pytest.approx(fit.standard_error, rel=1e-6)
        assert other.tau_squared == pytest.approx(fit.tau_squared, rel=1e-6)
        assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-9)


def test_rates_depend_on_the_unit_of_time_as_they_should() -> None:
    x1, t1, x2, t2 = (
        [3, 0, 9, 4],
        [90.0, 40, 300, 51],
        [6, 2, 8, 9],
        [85.0, 44, 310, 60],
    )
    for model in ("UM.FS", "UM.RS", "CM.EL"):
        years = one_stage("IRR", x1i=x1, t1i=t1, x2i=x2, t2i=t2, model=model)
        days = one_stage(
            "IRR",
            x1i=x1,
            t1i=np.multiply(t1, 365.25),
            x2i=x2,
            t2i=np.multiply(t2, 365.25),
            model=model,
        )
        assert days.estimate == pytest.approx(years.estimate, rel=1e-7)
        assert days.standard_error == pytest.approx(years.standard_error, rel=1e-6)
    single = one_stage("IRLN", xi=x1, ti=t1)
    scaled = one_stage("IRLN", xi=x1, ti=np.multiply(t1, 10))
    shift = single.estimate - math.log(10)
    assert scaled.estimate == pytest.approx(shift, rel=1e-7)


def test_poisson_levels_profiled_out_are_the_conditional_binomial() -> None:
    """An identity of the two likelihoods under equal effects (Stijnen 2010)."""
    rates = {"x1i": [3, 0, 9, 4], "t1i": [90, 40, 300, 51]}
    rates |= {"x2i": [6, 2, 8, 9], "t2i": [85, 44, 310, 60]}
    free = one_stage("IRR", **rates, model="UM.FS", tau_squared="EE")
    conditional = one_stage("IRR", **rates, model="CM.EL", tau_squared="EE")
    assert free.estimate == pytest.approx(conditional.estimate, rel=1e-9)
    assert free.standard_error == pytest.approx(conditional.standard_error, rel=1e-9)
    assert free.likelihood_ratio == pytest.approx(conditional.likelihood_ratio)


@pytest.mark.parametrize("model", MODELS)
def test_a_trial_without_events_changes_nothing(model: str) -> None:
    fit = one_stage("OR", **RARE, model=model)
    added = {"ai": 0, "n1i": 50, "ci": 0, "n2i": 55}
    longer = {name: [*column, added[name]] for name, column in RARE.items()}
    other = one_stage("OR", **longer, model=model)
    assert numbers_of(other) == numbers_of(fit)
    assert other.k == 8
    assert other.weights[-1] == 0
    kept = one_stage("OR", **longer, model=model, drop00=False)
    assert (kept.k == 9) == (model == "UM.RS")


def test_the_variance_of_alike_trials_is_zero_with_its_reason() -> None:
    alike = {
        "ai": [5, 10, 3],
        "n1i": [50, 100, 30],
        "ci": [8, 16, 5],
        "n2i": [50, 100, 30],
    }
    for model in MODELS:
        fit = one_stage("OR", **alike, model=model)
        equal = one_stage("OR", **alike, model=model, tau_squared="EE")
        assert fit.tau_squared == 0
        assert fit.estimate == equal.estimate
        assert "end of its range" in fit.not_estimable["tau_squared_standard_error"]
        assert np.isfinite(fit.prediction_lower)
        assert "same true effect" in equal.not_estimable["prediction_lower"]


@pytest.mark.parametrize("model", MODELS)
def test_one_informative_trial_has_an_effect_and_no_heterogeneity(model: str) -> None:
    fit = one_stage(
        "OR", ai=[4, 0], n1i=[50, 20], ci=[9, 0], n2i=[50, 20], model=model,
        inference="wald",
    )  # fmt: skip
    assert fit.k == 1
    if model in ("UM.FS", "UM.RS"):
        # Without other trials the levels hold no further information.
        assert fit.estimate == pytest.approx(math.log(4 * 41 / (46 * 9)), rel=1e-6)
    assert math.isnan(fit.tau_squared)
    assert "more trials" in fit.not_estimable["tau_squared"]
    assert fit.weights.tolist() == [1, 0]
    with_t = one_stage("OR", ai=[4], n1i=[50], ci=[9], n2i=[50], model=model)
    assert math.isnan(with_t.ci_lower)
    assert "degrees of freedom" in with_t.not_estimable["ci_lower"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ai": [0] * 8}, "no events under treatment"),
        ({"ci": [0] * 8}, "no events under control"),
        ({"ai": [0] * 8, "ci": [0] * 8}, "no trial holds information"),
        ({"ai": RARE["n1i"], "ci": RARE["n2i"]}, "no trial holds information"),
        ({"ai": RARE["n1i"]}, "nothing but events under treatment"),
    ],
)
def test_infinite_estimates_are_refused(
    model: str, change: dict[str, list[int]], reason: str
) -> None:
    with pytest.raises(NotEstimableError, match=reason):
        one_stage("OR", **(RARE | change), model=model)


def test_separated_moderators_are_refused() -> None:
    """The treated of trials of the second kind never have an event."""
    change = {"ai": [2, 2, 3, 5, 0, 0, 0, 0]}
    kind = pd.DataFrame({"kind": [0, 0, 0, 0, 1, 1, 1, 1]})
    for model in MODELS:
        with pytest.raises(NotEstimableError, match="separated"):
            one_stage("OR", **(RARE | change), model=model, moderators=kind)


def test_a_moderator_known_in_no_informative_trial_is_refused() -> None:
    counts = {"ai": [2, 2, 3, 0], "n1i": [30] * 4, "ci": [3, 1, 4, 0], "n2i": [30] * 4}
    kind = pd.DataFrame({"kind": [0, 0, 0, 1]})
    with pytest.raises(RankDeficientError, match="1 of 2") as caught:
        one_stage("OR", **counts, model="CM.EL", moderators=kind)
    assert caught.value.aliased == ("kind",)


def test_a_variance_without_bound_is_refused() -> None:
    """In each trial all events lie in one arm."""
    opposed = {"ai": [5, 0, 7], "n1i": [90] * 3, "ci": [0, 6, 0], "n2i": [90] * 3}
    with pytest.raises(NotEstimableError, match="has no bound"):
        one_stage("OR", **opposed, model="CM.EL")
    assert one_stage("OR", **opposed, model="CM.EL", tau_squared="EE").k == 3


def test_a_hundred_thousand_participants_neither_overflow_nor_take_long() -> None:
    """Beside UM.FS: with so many events the two likelihoods tell the same."""
    rng = np.random.default_rng(20260101)
    n = np.full(6, 100_000)
    effect = rng.normal(-0.2, 0.15, 6)
    a = rng.binomial(n, expit(-0.4 + effect))
    c = rng.binomial(n, expit(np.full(6, -0.4)))
    exact = one_stage("OR", ai=a, n1i=n, ci=c, n2i=n, model="CM.EL")
    free = one_stage("OR", ai=a, n1i=n, ci=c, n2i=n, model="UM.FS")
    assert exact.estimate == pytest.approx(free.estimate, rel=1e-4)
    assert exact.standard_error == pytest.approx(free.standard_error, rel=1e-4)
    assert exact.tau_squared == pytest.approx(free.tau_squared, rel=1e-3)


def test_more_points_change_nothing() -> None:
    for model in ("UM.FS", "CM.EL", "CM.AL"):
        settled = one_stage("OR", **RARE, model=model)
        many = one_stage("OR", **RARE, model=model, n_quadrature=101)
        assert many.estimate == pytest.approx(settled.estimate, rel=1e-7)
        assert many.tau_squared == pytest.approx(settled.tau_squared, rel=1e-6)


def test_moderators_by_formula_and_by_column_are_the_same() -> None:
    data = pd.DataFrame({**RARE, "year": YEAR})
    names = {name: name for name in RARE}
    one = one_stage("OR", **names, data=data, moderators="~ year", model="CM.EL")
    two = one_stage("OR", **RARE, moderators=data[["year"]], model="CM.EL")
    pd.testing.assert_frame_equal(one.coefficients, two.coefficients)
    assert math.isnan(one.estimate)
    assert "see coefficients" in one.not_estimable["estimate"]
    assert one.omnibus_df == 1
    t = one.coefficients["statistic"].iloc[1]
    assert one.omnibus == pytest.approx(t**2)
    ahead = one.predict(pd.DataFrame({"year": [0.0, 2.0]}))
    assert ahead["estimate"].iloc[0] == one.coefficients["estimate"].iloc[0]
    assert ahead["prediction_upper"].iloc[1] > ahead["ci_upper"].iloc[1]
    equal = one_stage("OR", **RARE, moderators=data[["year"]], tau_squared="EE")
    assert equal.predict(np.array([2.0]))["prediction_upper"].isna().all()
    alone = one_stage("OR", **RARE, model="CM.EL", prediction="inference")
    assert alone.predict()["prediction_upper"].iloc[0] == alone.prediction_upper


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"model": "UM.XX"}, "model"),
        ({"tau_squared": "REML"}, "tau_squared"),
        ({"correlated": True}, "random levels"),
        ({"coding": 2}, "coding"),
        ({"n_quadrature": 0}, "n_quadrature"),
        ({"inference": "knapp_hartung"}, "inference"),
        ({"ai": [0.5, *RARE["ai"][1:]]}, "whole number"),
        ({"ai": [41, *RARE["ai"][1:]]}, "more events"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(DataError, match=what):
        one_stage("OR", **(RARE | arguments))


def test_rates_have_no_approximate_conditional_model() -> None:
    with pytest.raises(DataError, match=r"CM\.EL"):
        one_stage("IRR", x1i=[1], t1i=[2], x2i=[3], t2i=[4], model="CM.AL")


@given(
    st.lists(
        st.tuples(
            st.integers(1, 30), st.integers(1, 30), st.floats(0, 1), st.floats(0, 1)
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["UM.FS", "CM.EL", "CM.AL"]),
)
@settings(max_examples=20, deadline=None)
def test_any_counts_give_numbers_or_a_named_reason(
    trials: list[tuple[int, int, float, float]], model: str
) -> None:
    n1, n2 = ([t[j] for t in trials] for j in (0, 1))
    a = [round(n * t[2]) for n, t in zip(n1, trials, strict=True)]
    c = [round(n * t[3]) for n, t in zip(n2, trials, strict=True)]
    try:
        fit = one_stage("OR", ai=a, n1i=n1, ci=c, n2i=n2, model=model)
    except TrialstatsError:
        return
    assert np.isfinite(fit.estimate)
    assert fit.standard_error > 0
    assert math.isnan(fit.tau_squared) or fit.tau_squared >= 0
    assert fit.weights.sum() == pytest.approx(1)
    for name in ("ci_lower", "prediction_lower", "i_squared", "q", "sigma_squared"):
        assert np.isfinite(getattr(fit, name)) or name in fit.not_estimable
