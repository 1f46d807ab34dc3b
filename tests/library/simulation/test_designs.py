"""The generating models are what they say they are."""

import dataclasses
import math

import numpy as np
import pytest

from trialstats.randomness import stream
from trialstats.simulation import trials
from trialstats.simulation.crossover import last_week_means, simulate_crossover
from trialstats.simulation.designs import (
    observed_changes,
    simulate_parallel,
    true_risk,
)
from trialstats.simulation.events import risk_of_any, simulate_occurrences

MANY = 100_000
PARALLEL = [trials.FM_PARALLEL, trials.CD_PARALLEL]


def _large(design):
    """One trial so large that its averages are the truth but for chance."""
    big = dataclasses.replace(design, n_treatment=MANY, n_control=MANY)
    return simulate_parallel(big, stream(11, design.trial))


@pytest.fixture(scope="module", params=PARALLEL, ids=lambda d: d.trial)
def large(request):
    return _large(request.param)


def test_changes_follow_the_configured_means_given_the_baseline(large):
    # The truth is the design's own equation; the residuals of 200,000 subjects about
    # it have mean 0 within 4 standard errors.
    for name, model in large.design.outcomes.items():
        mean = model.expected_change(large.baseline[name], large.treated.astype(float))
        residual = large.change[name] - mean
        limit = 4 * model.sd_given_baseline / math.sqrt(MANY)
        for arm in (large.treated, ~large.treated):
            assert np.abs(residual[arm].mean(axis=0)).max() < limit


def test_residuals_have_the_covariance_of_a_random_intercept(large):
    # Variance sd_between^2 + sd_within^2, every covariance sd_between^2; 2 % is 5
    # standard errors of a variance estimated from 200,000 subjects.
    for name, model in large.design.outcomes.items():
        mean = model.expected_change(large.baseline[name], large.treated.astype(float))
        covariance = np.cov((large.change[name] - mean).T)
        expected = np.full_like(covariance, model.sd_between**2)
        expected[np.diag_indices_from(expected)] += model.sd_within**2
        np.testing.assert_allclose(covariance, expected, rtol=0.03)


def test_true_risks_agree_with_a_large_simulation(large):
    # Two ways to the same risk: quadrature, and 100,000 subjects an arm; 4 binomial
    # standard errors.
    for code in large.design.responders:
        responded = large.responded(code)
        for arm in (True, False):
            risk = true_risk(large.design, code, treated=arm)
            error = math.sqrt(risk * (1 - risk) / MANY)
            assert responded[large.treated == arm].mean() == pytest.approx(
                risk, abs=4 * error
            )


def test_recorded_values_are_rarely_clipped(large):
    # Clipping to the instrument's range would bias the truth: below 0.5 % of values.
    limits = {"PAINNRS": 10, "FIQR": 100, "CDAI": 1100, "STOOLS": 140}
    for name, highest in limits.items():
        if name in large.baseline:
            values = large.baseline[name][:, None] + large.change[name]
            assert ((values < 0) | (values > highest)).mean() < 0.005


def test_about_one_in_twelve_leaves_the_fibromyalgia_trial():
    # "About 8 %" is what the design claims; chance is 0.06 % here.
    assert 1 - _large(trials.FM_PARALLEL).completed.mean() == pytest.approx(
        0.08, abs=0.005
    )


def test_the_number_of_dropouts_can_be_fixed():
    trial = simulate_parallel(trials.CD_PARALLEL, stream(3), n_dropouts=4)
    assert (~trial.completed).sum() == 4
    assert trial.treated.sum() == trials.CD_PARALLEL.n_treatment


def test_no_change_is_observed_after_the_last_week():
    trial = simulate_parallel(trials.FM_PARALLEL, stream(4), n_dropouts=8)
    frame = observed_changes(trial, "PAINNRS")
    last = frame.groupby("USUBJID")["AVISITN"].max().to_numpy()
    assert (last == trial.last_week).all()


def test_a_risk_refuses_a_dropout_by_another_outcome():
    design = trials.FM_PARALLEL
    moved = dataclasses.replace(
        design,
        responders={
            "X": dataclasses.replace(design.responders["PAIN30"], outcome="FIQR")
        },
    )
    with pytest.raises(ValueError, match="does not depend on the baseline of FIQR"):
        true_risk(moved, "X", treated=True)


def test_crossover_means_differ_by_treatment_and_period():
    # The truth is the design's difference and period effect; 30,000 subjects a
    # sequence leave an error of 0.005 on each.
    design = dataclasses.replace(
        trials.FM_CROSSOVER, n_treatment_first=30_000, n_control_first=30_000
    )
    frame = last_week_means(simulate_crossover(design, stream(5)))
    cells = frame.groupby(["TRTP", "APERIOD"])["AVAL"].mean().unstack()
    difference = (cells.loc["treatment"] - cells.loc["control"]).mean()
    period = (cells[2] - cells[1]).mean()
    assert difference == pytest.approx(design.difference[-1], abs=0.03)
    assert period == pytest.approx(design.period_effect, abs=0.03)


def test_a_weekly_mean_needs_four_days():
    # By construction: a subject who leaves on day 38 has 3 of the days 36 to 42.
    trial = simulate_crossover(trials.FM_CROSSOVER, stream(6), n_dropouts=0)
    last = trial.last_day.copy()
    last[0] = 38
    frame = last_week_means(dataclasses.replace(trial, last_day=last))
    assert "S0000" not in set(frame["USUBJID"])
    assert (frame["USUBJID"] == "S0001").sum() == 2


@pytest.mark.parametrize("name", list(trials.EVENTS))
def test_the_risk_of_any_event_agrees_with_a_large_simulation(name):
    # Closed form against 200,000 subjects; 4 binomial standard errors.
    treated = np.arange(2 * MANY) < MANY
    any_event = simulate_occurrences(trials.EVENTS[name], treated, stream(7, name)).any(
        axis=1
    )
    for arm in (True, False):
        risk = risk_of_any(trials.EVENTS[name], treated=arm)
        error = math.sqrt(risk * (1 - risk) / MANY)
        assert any_event[treated == arm].mean() == pytest.approx(risk, abs=4 * error)
