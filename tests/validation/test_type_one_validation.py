"""Type-I error and coverage of the mixed model, in a few cells of the full grid.

The full grid is `make validate-type-one`, which writes docs/validation_mmrm.md; the
seed differs from that one, so that this is a second look.
"""

import os

import numpy as np
import pandas as pd
import pytest

from trialstats.simulation.repeated import Setting
from trialstats.simulation.type_one import run

pytestmark = pytest.mark.validation

SEED, N_TRIALS = 20260502, 2000
#: Monte-Carlo error of a rate of 5 %.
ERROR = np.sqrt(0.05 * 0.95 / N_TRIALS)

SETTINGS = [
    Setting(10, 3, 0.0, "random correlations", False),
    Setting(20, 5, 0.4, "random correlations", False),
    Setting(50, 5, 0.4, "ar1_heterogeneous", True),
    Setting(20, 3, 0.2, "ar1_heterogeneous", False),
]


@pytest.fixture(scope="module")
def table():
    return run(SEED, N_TRIALS, SETTINGS, processes=os.cpu_count() or 1)


@pytest.fixture(scope="module")
def right(table):
    return table[table["covariance"] == "unstructured"]


def test_complete_data_are_exact(right):
    # One regression per visit: t on n - p degrees of freedom is the exact law, so the
    # error is 5 % but for chance; three Monte-Carlo errors.
    cells = right[(right["dropout"] == 0) & (right["rule"] == "kenward_roger")]
    assert len(cells) == 2
    assert (np.abs(cells["rejection"] - 0.05) < 3 * ERROR).all()
    assert (np.abs(cells["df"] - 17) < 1e-6).all()


def test_kenward_roger_keeps_its_level_and_covers(right):
    cells = right[right["rule"] == "kenward_roger"]
    assert len(cells) == 8
    assert (np.abs(cells["coverage"] - 0.95) < 3 * ERROR).all()
    # Nothing was left out by failures.
    assert (cells["not_estimable"] <= 0.01 * N_TRIALS).all()


def test_standard_errors_are_those_of_the_estimates(right):
    # The standard deviation of 2,000 normals has a relative error of 1.6 %. The
    # adjusted error is nearly unbiased; the model's own and CR0 are too small.
    cells = right[right["rule"] == "kenward_roger"]
    ratio = cells["mean_standard_error"] / cells["standard_deviation"]
    assert ratio.between(0.93, 1.07).all()


def test_rules_that_ignore_the_size_reject_too_often(right):
    small = right[(right["visits"] == 5) & (right["n_per_arm"] == 20)]
    rates = small.groupby("rule")["rejection"].mean()
    assert rates["kenward_roger"] < rates["satterthwaite"] < rates["residual"]
    # The direction is known beforehand: two errors, one-sided.
    assert rates["CR0"] > 0.05 + 2 * ERROR
    assert rates["CR3"] < rates["CR2"] < rates["CR0"]


def test_a_wrong_structure_breaks_the_level(table):
    # One correlation for all visits, where it has no pattern: the error of the last
    # visit is far from 5 % with model-based errors.
    wrong = table[
        (table["covariance"] == "compound_symmetry")
        & (table["rule"] == "kenward_roger")
        & (table["visits"] == 5)
        & (table["estimand"] == "last visit")
    ]
    assert (np.abs(wrong["rejection"] - 0.05) > 3 * ERROR).all()


def test_the_page_holds_the_full_grid(root):
    # Written by make validate-type-one: every cell, 2,000 trials each, none missing.
    full = pd.read_csv(root / "docs" / "validation_mmrm.csv")
    assert (full["n_trials"] == 2000).all()
    assert len(full) == (96 + 2 * 24) * 8 * 2
