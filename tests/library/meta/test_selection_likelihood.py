"""The likelihood of selection models beside brute force, and its derivatives.

Brute force: the selected density integrated by adaptive quadrature between the kinks of
the weight function, trial by trial, to 1e-12.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.pooling import pool
from trialstats.meta.selection import selection_model
from trialstats.meta.selection_likelihood import SelectionLikelihood
from trialstats.meta.selection_weights import (
    ALTERNATIVES,
    FAMILIES,
    PValues,
    step_cells,
    step_family,
    varying_cells,
)

STEPS = np.array([0.025, 0.1, 0.5, 1.0])
RANDOM = np.random.default_rng(11)
EFFECT = RANDOM.normal(0.3, 0.5, 4)
VARIANCE = RANDOM.uniform(0.01, 0.2, 4)
DESIGN = np.column_stack([np.ones(4), RANDOM.normal(size=4)])
#: Coefficients, tau-squared and up to four weights.
AT = np.array([0.2, 0.1, 0.05, 1.0, 0.6, 0.4, 0.9])

#: Weight functions written down again, of the p-value alone.
WEIGHTS = {
    "beta": lambda p, d: p ** (d[0] - 1) * (1 - p) ** (d[1] - 1),
    "half_normal": lambda p, d: math.exp(-d[0] * p**2),
    "negative_exponential": lambda p, d: math.exp(-d[0] * p),
    "logistic": lambda p, d: 2 * math.exp(-d[0] * p) / (1 + math.exp(-d[0] * p)),
    "power": lambda p, d: (1 - p) ** d[0],
    "step": lambda p, d: d[sum(p > STEPS)],
}


def upper_tail(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2


def density(y: float, mean: float, spread: float) -> float:
    z = (y - mean) / spread
    return math.exp(-z * z / 2) / (spread * math.sqrt(2 * math.pi))


P_VALUE = {
    "greater": upper_tail,
    "less": lambda z: upper_tail(-z),
    "two_sided": lambda z: 2 * upper_tail(abs(z)),
}


def likelihood(kind: str, alternative: str) -> tuple[SelectionLikelihood, np.ndarray]:
    if kind == "step":
        family, low, cells = step_family(STEPS), 0.0, step_cells(STEPS, alternative)
    else:
        family = FAMILIES[kind]
        low = family.smallest_p
        cells = varying_cells(alternative, low, 1 - low)
    p = PValues.of(EFFECT / np.sqrt(VARIANCE), alternative).clipped(low, 1 - low)
    found = SelectionLikelihood(EFFECT, VARIANCE, DESIGN, p, family, cells)
    return found, AT[: found.size]


def brute_force(kind: str, alternative: str, parameters: np.ndarray) -> float:
    """Return the log-likelihood by adaptive quadrature."""
    low = 0.0 if kind == "step" else FAMILIES[kind].smallest_p
    mean, total = DESIGN @ parameters[:2], VARIANCE + parameters[2]

    def weight(z: float) -> float:
        p = min(max(P_VALUE[alternative](z), low), 1 - low)
        return WEIGHTS[kind](p, parameters[3:])

    # Pieces end at kinks of the weight function, and shrink towards zero.
    one_sided = norm.isf([*STEPS[:-1], 1e-5])
    two_sided = norm.isf([*STEPS[:-1] / 2, 0.5e-5])
    kinks = [*one_sided, *two_sided, *10.0 ** np.arange(-6, 1), *range(2, 10), 40]
    ends = np.unique([0.0, *kinks, *(-np.array(kinks))])
    value = 0.0
    for i, (y, v) in enumerate(zip(EFFECT, VARIANCE, strict=True)):
        spread = math.sqrt(total[i])

        def selected(z: float, i: int = i, v: float = v, spread: float = spread):
            error = math.sqrt(v)
            return weight(z) * density(z * error, mean[i], spread) * error

        normaliser = math.fsum(
            quad(selected, left, right, epsabs=1e-14, epsrel=1e-11)[0]
            for left, right in pairwise(ends)
        )
        own = math.log(weight(y / math.sqrt(v))) - math.log(normaliser)
        value += own + math.log(density(y, mean[i], spread))
    return value


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("kind", WEIGHTS)
def test_likelihood_is_that_of_brute_force(kind: str, alternative: str) -> None:
    """1e-10: what the quadratures of each trial promise together."""
    found, at = likelihood(kind, alternative)
    assert found.at(at).value == pytest.approx(
        brute_force(kind, alternative, at), abs=1e-10
    )


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("kind", WEIGHTS)
def test_derivatives_are_those_of_differences(kind: str, alternative: str) -> None:
    """Central differences with steps of 1e-5: 1e-6."""
    found, at = likelihood(kind, alternative)
    evaluated = found.at(at)
    for i in range(len(at)):
        step = np.zeros(len(at))
        step[i] = 1e-5
        above, below = found.at(at + step), found.at(at - step)
        slope = (above.value - below.value) / 2e-5
        assert evaluated.gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-7)
        bend = (above.gradient - below.gradient) / 2e-5
        assert evaluated.hessian[i] == pytest.approx(bend, rel=1e-6, abs=1e-6)


TRIALS = (
    [0.42, 0.11, 0.55, 0.30, 0.78, 0.05, 0.61, -0.12, 0.95, 0.36, 0.20, 0.66],
    [0.021, 0.012, 0.055, 0.034, 0.11, 0.009, 0.075, 0.048, 0.16, 0.027, 0.015, 0.09],
)


@pytest.mark.parametrize("kind", ["step", "logistic", "beta"])
def test_units_and_order_are_no_matter(kind: str) -> None:
    """Effects times 1000 and rows reversed: 1e-8, the end of the search."""
    steps = [0.05] if kind == "step" else None
    y, v = (np.array(x) for x in TRIALS)
    one = selection_model(pool(y, v), kind=kind, steps=steps)
    other = selection_model(pool(1000 * y[::-1], 1e6 * v[::-1]), kind=kind, steps=steps)
    assert other.estimate == pytest.approx(1000 * one.estimate, rel=1e-8)
    assert other.standard_error == pytest.approx(1000 * one.standard_error, rel=1e-8)
    assert other.likelihood_ratio == pytest.approx(one.likelihood_ratio, rel=1e-8)
    assert other.weights["estimate"].tolist() == pytest.approx(
        one.weights["estimate"].tolist(), rel=1e-8
    )
    same = selection_model(pool(y[::-1], v[::-1]), kind=kind, steps=steps)
    assert same.estimate == one.estimate


def test_the_mirror_image_has_the_mirrored_effect() -> None:
    """Signs reversed and "less" for "greater"."""
    y, v = (np.array(x) for x in TRIALS)
    one = selection_model(pool(y, v), steps=[0.05])
    other = selection_model(pool(-y, v), steps=[0.05], alternative="less")
    assert other.estimate == pytest.approx(-one.estimate, rel=1e-9)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-10)


def test_without_selection_it_is_maximum_likelihood() -> None:
    """Weights of 1 give the estimate, tau-squared and likelihood of the ML model."""
    plain = pool(*TRIALS, tau_squared="ML", inference="wald")
    model = selection_model(plain, steps=[0.025, 0.5], delta=[1, 1, 1])
    assert model.estimate == pytest.approx(plain.estimate, rel=1e-9)
    assert model.tau_squared == pytest.approx(plain.tau_squared, rel=1e-7)
    assert model.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-10)
    assert model.likelihood_ratio == pytest.approx(0, abs=1e-12)
    assert model.likelihood_ratio_df == 0
    assert "likelihood_ratio_p_value" in model.not_estimable


def test_the_summit_is_flat_by_brute_force() -> None:
    """No step of a hundredth of a standard error from the maximum goes uphill."""
    y, v = (np.array(x) for x in TRIALS)
    model = selection_model(pool(y, v), kind="half_normal")
    at = np.array([model.estimate, model.tau_squared, model.weights["estimate"][0]])
    errors = np.array(
        [
            model.standard_error,
            model.tau_squared_standard_error,
            model.weights["standard_error"][0],
        ]
    )

    def value(parameters: np.ndarray) -> float:
        mean, between, delta = parameters
        total = 0.0
        for effect, variance in zip(y, v, strict=True):
            error, spread = math.sqrt(variance), math.sqrt(variance + between)

            def selected(z: float, error: float = error, spread: float = spread):
                weight = math.exp(-delta * upper_tail(z) ** 2)
                return weight * density(z * error, mean, spread) * error

            normaliser = quad(selected, -30, 0)[0] + quad(selected, 0, 30)[0]
            total += math.log(density(effect, mean, spread)) - math.log(normaliser)
            total -= delta * upper_tail(effect / error) ** 2
        return total

    top = value(at)
    assert top == pytest.approx(model.log_likelihood, abs=1e-8)
    for i in range(3):
        for sign in (-1, 1):
            step = np.zeros(3)
            step[i] = sign * 0.01 * errors[i]
            assert value(at + step) < top


#: What cannot be estimated, and what the message names.
NOT_IDENTIFIED = [
    ({"steps": [1e-6]}, "no trial has 0 < p <= 1e-06"),
    ({"steps": [0.05, 0.9999]}, "no trial has 0.9999 < p <= 1"),
    (
        {"steps": [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]},
        "parameters",
    ),
]


@pytest.mark.parametrize(("options", "message"), NOT_IDENTIFIED)
def test_what_is_not_identified_has_a_name(options: dict, message: str) -> None:
    """An empty interval, or more parameters than trials."""
    with pytest.raises(NotEstimableError, match=message):
        selection_model(pool(*TRIALS), **options)


def test_an_empty_interval_with_a_given_weight_is_fine() -> None:
    """Its weight is known."""
    model = selection_model(pool(*TRIALS), steps=[1e-6, 0.05], delta=[1, 0.9, 0.5])
    assert model.weights["trials"].tolist() == [0, 7, 5]
    assert model.weights["fixed"].all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "steps"),
        ({"steps": [0.0]}, "above 0"),
        ({"steps": [1.0]}, "below 1"),
        ({"steps": [0.05], "delta": [1.0]}, "2"),
        ({"steps": [0.05], "delta": [1.0, -1.0]}, "positive"),
        ({"kind": "power", "steps": [0.05]}, "no steps"),
        ({"kind": "cubic"}, "cubic"),
        ({"steps": [0.05], "alternative": "both"}, "both"),
    ],
)
def test_what_is_asked_wrongly_is_refused(options: dict, message: str) -> None:
    """Unknown names, steps and weights that are none."""
    with pytest.raises(DataError, match=message):
        selection_model(pool(*TRIALS), **options)
