"""The trials of the validation are what they say, and are analysed as users would."""

import dataclasses

import numpy as np
import pytest

from trialstats.mmrm import fit_mmrm
from trialstats.randomness import stream
from trialstats.simulation.repeated import (
    Setting,
    draw_repeated,
    true_covariance,
    true_effects,
)
from trialstats.simulation.type_one import (
    FORMULA,
    RULES,
    grid,
    replicate,
    replicate_stream,
    run,
    structures_of,
    trial_frame,
)

SMALL = Setting(15, 3, 0.4, "random correlations", False)


@pytest.mark.parametrize("truth", ["random correlations", "ar1_heterogeneous"])
@pytest.mark.parametrize("differ", [False, True])
def test_moments_and_dropout_of_the_trials(truth, differ):
    setting = Setting(40_000, 5, 0.4, truth, differ)
    baseline, response, observed = draw_repeated(setting, stream(1, truth))
    both = np.column_stack([baseline, response])[:40_000]
    covariance = true_covariance(truth, 5)
    # Five standard errors of a covariance and of a mean of 40,000 normals.
    error = np.sqrt((covariance**2 + np.outer(*[np.diag(covariance)] * 2)) / 40_000)
    assert np.abs((np.cov(both.T) - covariance) / error).max() < 5
    difference = response[40_000:].mean(axis=0) - response[:40_000].mean(axis=0)
    error = np.sqrt(2 * np.diag(covariance)[1:] / 40_000)
    assert np.abs((difference - true_effects(setting)) / error).max() < 5
    # Monotone, nobody before the first visit; 0.4 was calibrated on 100,000 subjects.
    assert observed[:, 0].all()
    assert (observed[:, 1:] <= observed[:, :-1]).all()
    assert 1 - observed[:40_000, -1].mean() == pytest.approx(0.4, abs=0.012)


def test_who_leaves_depends_on_what_was_seen():
    setting = Setting(20_000, 3, 0.4, "ar1_heterogeneous", False)
    _, response, observed = draw_repeated(setting, stream(2, "leaving"))
    leaves = observed[:, 0] & ~observed[:, 1]
    spread = response[:, 0].std()
    assert response[leaves, 0].mean() > response[~leaves, 0].mean() + spread / 2


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("number", [0, 1])
def test_the_short_way_is_the_way_of_fit_mmrm(rule, number):
    # Without rebuilding the frame, and one fit for all rules: the same bytes go into
    # the same functions, so only the contrast's own products may round otherwise.
    short = replicate(7, SMALL, number)
    frame, contrasts = trial_frame(SMALL, replicate_stream(7, SMALL, number))
    df, vcov = RULES[rule]
    for s, covariance in enumerate(structures_of(SMALL)):
        fit = fit_mmrm(
            FORMULA,
            frame,
            subject="USUBJID",
            visit="AVISIT",
            covariance=covariance,
            df=df,
            vcov=vcov,
        )
        table = fit.contrast(contrasts)
        found = short[s, :, list(RULES).index(rule)]
        for row, column in zip(
            found, ("estimate", "standard_error", "df"), strict=True
        ):
            np.testing.assert_allclose(row, table[column], rtol=1e-10)
        by_visit = fit.contrasts("ARMCD", by="AVISIT").iloc[-1]
        mean = fit.contrasts("ARMCD").iloc[0]
        np.testing.assert_allclose(
            found[0], [by_visit["estimate"], mean["estimate"]], rtol=1e-10
        )


def test_the_number_of_processes_moves_no_digit():
    one = run(3, 105, [SMALL])
    two = run(3, 105, [SMALL], processes=2)
    assert one.equals(two)


def test_fits_that_fail_are_counted():
    # Ten subjects at eight visits with dropout: many unstructured fits have no answer.
    setting = Setting(5, 8, 0.4, "ar1_heterogeneous", False)
    table = run(4, 20, [setting])
    assert (table["not_estimable"] == 20).all()
    assert table["coverage"].isna().all()


def test_the_grid():
    # Four sizes, three numbers of visits, three rates of dropout, two truths; with an
    # effect at the highest dropout only.
    settings = grid()
    assert len(settings) == len(set(settings)) == 72 + 24
    assert {s.arms_differ for s in settings if s.dropout < 0.4} == {False}
    fits = sum(len(structures_of(setting)) for setting in settings)
    assert fits == 96 + 2 * 24
    assert structures_of(dataclasses.replace(SMALL, dropout=0.2)) == ("unstructured",)
