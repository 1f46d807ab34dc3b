"""The antidepressant trial from its configuration, beside PROC MIXED's listing.

Ours is the maximum of the likelihood; SAS stopped a little short of it, so that the
last digits of some covariances belong to its stopping point (trials/EXPECTED.md, and
tests/library/mmrm/test_mmrm_sas.py, which reproduces every cell by stopping there).
The likelihood and six covariances are listed one by one, and must differ; text equals
text in all other cells, the errors and degrees of freedom of the means included.
"""

import pytest
from scipy import stats

pytestmark = pytest.mark.reference

ANALYSIS = "hamd17_visit7"
ARMS = {"DRUG": "Drug", "PLACEBO": "Placebo"}
VISITS = (4, 5, 6, 7)

#: Cells of SAS's stopping point: its likelihood is 2e-8 below the maximum.
STOPPED = [("fit", "-2RLL", "")] + [
    ("covariance", f"UN({i},{j})", "")
    for i, j in ((2, 1), (2, 2), (3, 2), (3, 3), (4, 1), (4, 2))
]


@pytest.fixture(scope="module")
def trial(example):
    return example("antidepressant_hamd17")


@pytest.fixture(scope="module")
def cells(printed):
    return printed("antidepressant_hamd17")


def of_row(row):
    """Return what SAS prints of a row; the rows of means have no test of zero."""
    t = row["estimate"] / row["standard_error"]
    return {
        "Estimate": row["estimate"],
        "SE": row["standard_error"],
        "DF": row["df"],
        "t": t,
        "p": 2 * stats.t.sf(abs(t), row["df"]),
    }


def test_fit_and_covariance(trial, cells):
    log_likelihood = trial.value(ANALYSIS, statistic="log_likelihood")
    ours = {
        ("fit", "Observations Used", ""): trial.value(
            ANALYSIS, statistic="n_observations"
        ),
        ("fit", "-2RLL", ""): -2 * log_likelihood,
    }
    for i, one in enumerate(VISITS):
        for j, other in enumerate(VISITS[: i + 1]):
            ours["covariance", f"UN({i + 1},{j + 1})", ""] = trial.value(
                ANALYSIS,
                statistic="covariance_parameter",
                subgroup=f"covariance Visit {one}, Visit {other}",
            )
    cells.compare_digits("PROC MIXED", ours, n_cells=12, excepted=STOPPED)


def test_least_squares_means(trial, cells):
    ours = {}
    for name, arm in ARMS.items():
        for visit in VISITS:
            row = trial.row(
                ANALYSIS, statistic="ls_mean", group=arm, visit=f"Visit {visit}"
            )
            for column, value in of_row(row).items():
                ours["", f"{name} visit {visit}", column] = value
    cells.compare_digits("PROC MIXED LSMEANS", ours, n_cells=40)


def test_differences(trial, cells):
    ours = {}
    for visit in VISITS:
        row = trial.row(ANALYSIS, statistic="difference", visit=f"Visit {visit}")
        for column, value in {**of_row(row), "p": row["p_value"]}.items():
            ours["", f"DRUG - PLACEBO visit {visit}", column] = value
    cells.compare_digits("PROC MIXED diffs", ours, n_cells=20)


def test_terms(trial, cells):
    ours = {}
    for name, words in (
        ("basval*VISIT", "baseline by visit"),
        ("VISIT*THERAPY", "treatment by visit"),
    ):
        row = trial.row(ANALYSIS, statistic="type_3_test", subgroup=words)
        ours["", name, "NumDF"] = row["numerator_df"]
        ours["", name, "DenDF"] = row["df"]
        ours["", name, "F"] = row["estimate"]
        ours["", name, "p"] = row["p_value"]
    cells.compare_digits("PROC MIXED Type 3", ours, n_cells=8)
