"""Intervals of few trials, in a few cells of the full grid.

The full grid is `make validate-small-k`, which writes docs/validation_small_k.md; the
seed differs from that one, so that this is a second look.
"""

import os

import numpy as np
import pandas as pd
import pytest

from trialstats.simulation.small_k import NormalSetting, run

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
