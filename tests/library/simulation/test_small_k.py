"""The meta-analyses of the validation are what they say, and are judged rightly."""

import numpy as np
import pandas as pd
import pytest

from trialstats.meta.bayesian import pool_bayesian
from trialstats.meta.pooling import pool
from trialstats.randomness import stream
from trialstats.simulation.small_k import (
    METHODS,
    CountsSetting,
    NormalSetting,
    cell_stream,
    counts_grid,
    judge,
    normal_grid,
    run,
)


def of(table, method):
    return table[table["method"] == method].iloc[0]


def test_the_grid_holds_what_the_page_says():
    cells = normal_grid()
    assert {cell.k for cell in cells} == set(range(2, 11))
    assert {cell.i_squared for cell in cells} == {0.0, 0.25, 0.5, 0.75, 0.9}
    assert {cell.sizes for cell in cells} == {"equal", "one large"}
    assert len(cells) == 9 * 5 * 2
    assert len(counts_grid()) == 6 * 3 * 2


def test_effects_have_the_variances_of_the_cell():
    setting = NormalSetting(3, 0.5, "one large")
    effect, variance, include = setting.draw(40_000, stream(1, "moments"))
    assert include.all()
    assert variance[0].tolist() == pytest.approx([0.01, 0.1, 0.1])
    # I-squared of Higgins and Thompson with the typical variance, by hand: weights 100,
    # 10 and 10 give (3 - 1) 120 / (120^2 - 10200) = 0.05714.
    assert setting.tau_squared == pytest.approx(2 * 120 / (120**2 - 10200))
    expected = variance[0] + setting.tau_squared
    # Five standard errors of a variance of 40,000 normals.
    error = expected * np.sqrt(2 / 40_000)
    assert (np.abs(effect.var(axis=0) - expected) < 5 * error).all()
    assert (np.abs(effect.mean(axis=0)) < 5 * np.sqrt(expected / 40_000)).all()


def test_counts_have_the_risks_of_the_cell():
    setting = CountsSetting(4, 0.2, 0.0)
    effect, _, include = setting.draw(20_000, stream(1, "counts"))
    # The log of a ratio of proportions is biased at second order only: the effects
    # average to log 0.7 within 0.05 at 10 events an arm.
    assert include.mean() > 0.999
    assert effect[include].mean() == pytest.approx(np.log(0.7), abs=0.05)
    rare, _, there = CountsSetting(4, 0.01, 0.0).draw(20_000, stream(1, "rare"))
    # Neither arm has an event with probability 0.99^50 0.993^50.
    assert 1 - there.mean() == pytest.approx(0.99**50 * 0.993**50, abs=0.01)
    assert np.isnan(rare[~there]).all()


def test_equal_variances_make_hartung_knapp_exact():
    # With equal variances the statistic is Student's t whatever tau-squared is: 95 %
    # but for chance (three Monte-Carlo errors of 2,000 sets).
    table = judge(5, 2_000, NormalSetting(5, 0.5, "equal"))
    exact = of(table, "knapp_hartung")
    assert exact["coverage"] == pytest.approx(0.95, abs=3 * np.sqrt(0.0475 / 2_000))
    assert of(table, "wald")["coverage"] < exact["coverage"]
    adhoc = of(table, "knapp_hartung_adhoc")
    assert adhoc["narrower_than_wald"] == 0
    assert adhoc["coverage"] >= exact["coverage"]
    assert set(table["method"]) == set(METHODS)


def test_results_depend_on_the_seed_and_not_on_who_shares_the_work():
    cells = [NormalSetting(2, 0.5, "equal"), CountsSetting(3, 0.05, 0.4)]
    together = run(7, 60, cells)
    apart = pd.concat([run(7, 60, [cell]) for cell in cells], ignore_index=True)
    pd.testing.assert_frame_equal(together, apart)
    other = run(8, 60, cells)
    assert not together["bias"].equals(other["bias"])


def test_methods_are_those_of_pool():
    setting = NormalSetting(4, 0.5, "one large")
    effect, variance, include = setting.draw(5, stream(3, "methods"))
    for name, method in METHODS.items():
        found = method(effect, variance, include)
        for i in range(len(effect)):
            if name.startswith("bayesian"):
                scale = float(name.rpartition(" ")[2])
                one = pool_bayesian(effect[i], variance[i], scale=scale)
            else:
                inference, _, estimator = name.partition(", ")
                one = pool(
                    effect[i],
                    variance[i],
                    inference=inference,
                    tau_squared=estimator or "REML",
                )
            expected = (one.estimate, one.ci_lower, one.ci_upper, one.prediction_upper)
            values = (found.estimate, found.lower, found.upper, found.prediction_upper)
            # Iterations end at full precision, quantiles at ten digits.
            np.testing.assert_allclose(
                [value[i] for value in values], expected, rtol=1e-8, atol=1e-9
            )


def test_coverage_is_the_share_of_intervals_with_the_truth():
    setting = NormalSetting(3, 0.5, "equal")
    row = of(judge(11, 300, setting), "knapp_hartung")
    effect, variance, _ = setting.draw(300, cell_stream(11, setting))
    inside, widths = 0, []
    for y, v in zip(effect, variance, strict=True):
        pooled = pool(y, v, inference="knapp_hartung")
        inside += pooled.ci_lower <= 0 <= pooled.ci_upper
        widths.append(pooled.ci_upper - pooled.ci_lower)
    assert row["coverage"] == inside / 300
    assert row["median_width"] == pytest.approx(np.median(widths), rel=1e-9)
    assert row["monte_carlo_error"] == pytest.approx(
        np.sqrt(row["coverage"] * (1 - row["coverage"]) / 300)
    )


def test_sets_without_an_event_are_counted():
    setting = CountsSetting(3, 0.01, 0.4)
    table = judge(11, 300, setting)
    _, _, include = setting.draw(300, cell_stream(11, setting))
    empty = int((~include.any(axis=1)).sum())
    assert empty > 0
    assert of(table, "wald")["not_estimable"] == empty
    assert of(table, "bayesian, half-normal 1")["not_estimable"] == empty
