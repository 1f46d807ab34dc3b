"""The second engine agrees, and notices a result that is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialstats.meta import INFERENCE, TAU_SQUARED, pool
from trialstats.second_engine.pooling import check_pooling

#: log odds ratios and variances invented here; tau-squared is about 0.1.
EFFECT = np.array([-0.9, -0.2, 0.3, -1.2, 0.1])
VARIANCE = np.array([0.05, 0.02, 0.4, 0.11, 0.03])
#: Estimators that take the inverse variances for weights.
ESTIMATORS = sorted(set(TAU_SQUARED) - {"GENQ", "GENQM"})


def disagreements(effect, variance, pooled) -> list[str]:
    """Quantities beyond their tolerance, relative or absolute at an estimate of 0."""
    return [
        check["quantity"]
        for check in check_pooling(effect, variance, pooled)
        if not abs(check["estimate"] - check["second_estimate"])
        <= check["tolerance"] * (abs(check["estimate"]) or 1)
    ]


@pytest.mark.parametrize("inference", INFERENCE)
@pytest.mark.parametrize("method", ESTIMATORS)
def test_both_engines_agree(method, inference):
    pooled = pool(EFFECT, VARIANCE, tau_squared=method, inference=inference)
    assert disagreements(EFFECT, VARIANCE, pooled) == []


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=2, max_size=9
    ).filter(lambda rows: np.ptp([y for y, _ in rows]) > 1e-3),
    st.sampled_from(ESTIMATORS),
)
def test_both_engines_agree_on_any_data(rows, method):
    effect, variance = np.array(rows).T
    pooled = pool(effect, variance, tau_squared=method)
    assert disagreements(effect, variance, pooled) == []


def test_the_checks_are_complete():
    checks = check_pooling(EFFECT, VARIANCE, pool(EFFECT, VARIANCE))
    assert len(checks) == 16
    keys = {"quantity", "engine", "estimate", "second_estimate", "tolerance"}
    assert all(set(check) == keys | {"tolerance_reason"} for check in checks)


@pytest.mark.parametrize("method", ["REML", "ML", "DL", "PM", "EB"])
def test_a_wrong_tau_squared_is_noticed(method):
    pooled = pool(EFFECT, VARIANCE, tau_squared=method)
    wrong = replace(pooled, tau_squared=1.01 * pooled.tau_squared)
    assert "tau_squared" in disagreements(EFFECT, VARIANCE, wrong)


@pytest.mark.parametrize(
    ("field", "factor"),
    [
        ("estimate", 1 + 1e-7),
        ("standard_error", 1 + 1e-7),
        ("ci_lower", 1 + 1e-7),
        ("statistic", 1 + 1e-7),
        ("p_value", 1 + 1e-7),
        ("i_squared", 1 + 1e-5),
        ("h_squared", 1 + 1e-7),
        ("q", 1 + 1e-7),
        ("q_p_value", 1 + 1e-7),
        ("prediction_upper", 1 + 1e-7),
    ],
)
def test_a_wrong_number_is_noticed(field, factor):
    pooled = pool(EFFECT, VARIANCE)
    wrong = replace(pooled, **{field: factor * getattr(pooled, field)})
    assert disagreements(EFFECT, VARIANCE, wrong) == [field]


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_a_wrong_limit_of_tau_squared_is_noticed(end):
    pooled = pool(EFFECT, VARIANCE, level=0.5)
    name = f"tau_squared_{end}"
    assert getattr(pooled, name) > 0
    wrong = replace(pooled, **{name: 1.001 * getattr(pooled, name)})
    assert any(name in found for found in disagreements(EFFECT, VARIANCE, wrong))


def test_a_tau_squared_wrongly_zero_is_noticed():
    pooled = pool(EFFECT, VARIANCE)
    wrong = replace(pooled, tau_squared=0.0)
    assert "tau_squared" in disagreements(EFFECT, VARIANCE, wrong)


def test_given_weights_and_single_trials():
    weighted = pool(EFFECT, VARIANCE, weights=[1, 2, 3, 4, 5], inference="t")
    assert disagreements(EFFECT, VARIANCE, weighted) == []
    assert disagreements([0.4], [0.04], pool([0.4], [0.04])) == []
