"""Intervals of few trials, in a few cells of the full grid.

The full grid is `make validate-small-k`, which writes docs/validation_small_k.md; the
seed differs from that one, so that this is a second look.
"""

import os

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from trialstats.simulation.small_k import VARIANCE, NormalSetting, run

pytestmark = pytest.mark.validation

SEED, N_SETS = 20260702, 10_000
#: Monte-Carlo error of a rate of 5 %.
ERROR = np.sqrt(0.05 * 0.95 / N_SETS)

SETTINGS = [
    NormalSetting(k, share, sizes)
    for k in (2, 4, 10)
    for share in (0.0, 0.9)
    for sizes in ("equal", "one large")
]


@pytest.fixture(scope="module")
def table():
    return run(SEED, N_SETS, SETTINGS, processes=os.cpu_count() or 1)


def test_hartung_knapp_is_exact_with_equal_sizes(table):
    rows = table[(table["method"] == "knapp_hartung") & (table["sizes"] == "equal")]
    assert len(rows) == 6
    assert (np.abs(rows["coverage"] - 0.95) < 3 * ERROR).all()


def test_the_ad_hoc_variant_holds_everywhere(table):
    rows = table[table["method"] == "knapp_hartung_adhoc"]
    assert (rows["coverage"] > 0.93).all()


def test_the_committed_table_is_found_again(table, root):
    committed = pd.read_csv(root / "docs/validation_small_k.csv")
    keys = ["arm", "sizes", "i_squared", "k", "method"]
    both = table.merge(committed, on=keys, suffixes=("", "_committed"))
    assert len(both) == len(table)
    # Two samples of 10,000 and 20,000 sets; four errors of their difference over 108
    # rates, each at most 0.5.
    share = both["coverage_committed"].clip(0.01, 0.99)
    error = np.sqrt(share * (1 - share) * (1 / N_SETS + 1 / 20_000))
    assert (np.abs(both["coverage"] - both["coverage_committed"]) < 4 * error).all()


def test_two_equal_trials_have_the_closed_form_of_wald(table):
    # k = 2, equal variances v: REML is max(0, d^2/2 - v) with the difference d, and
    # d^2/2 = (v + tau2) z^2 with z normal, independent of the mean; the interval holds
    # the truth when |mean| <= 1.96 sqrt(max(v, d^2/2)/2).
    rows = table[(table["method"] == "wald") & (table["sizes"] == "equal")]
    rows = rows[rows["k"] == 2]
    assert len(rows) == 2
    for row in rows.itertuples():
        share = VARIANCE / (VARIANCE + row.tau_squared)
        kink = np.sqrt(share)

        def covered(z, share=share):
            scale = np.sqrt(max(share, z**2))
            held = 2 * stats.norm.cdf(stats.norm.ppf(0.975) * scale) - 1
            return 2 * stats.norm.pdf(z) * held

        exact = integrate.quad(covered, 0, 10, points=[kink])[0]
        assert row.coverage == pytest.approx(exact, abs=4 * row.monte_carlo_error)


def test_one_large_trial_makes_the_default_too_narrow(table):
    rows = table[(table["sizes"] == "one large") & (table["i_squared"] == 0.9)]
    two = rows[rows["k"] == 2].set_index("method")["coverage"]
    assert 0.90 < two["knapp_hartung"] < 0.93 < two["knapp_hartung_adhoc"]
    assert two["wald"] < 0.72
