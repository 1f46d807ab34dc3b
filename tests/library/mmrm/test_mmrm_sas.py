"""SAS PROC MIXED: Kenward-Roger, the iteration history, and a printed analysis.

The DDFM values come from the public design folder of openpharma/mmrm, the
antidepressant tables from openpharma/rbmi (trials/EXPECTED.md gives file and page).
SAS stops short of the maximum; ``stop="sas"`` reproduces its stopping point for the
unstructured covariance.
"""

import json

import numpy as np
import pandas as pd
import pytest

from trialstats.formatting import format_number
from trialstats.mmrm import fit_mmrm

pytestmark = pytest.mark.reference

STRUCTURE = {
    "ar1": "ar1",
    "cs": "compound_symmetry",
    "csh": "compound_symmetry_heterogeneous",
    "toep": "toeplitz",
    "us": "unstructured",
}
DF = {"KR": "kenward_roger", "KR(LINEAR)": "kenward_roger_linear"}

#: Cells of PROC MIXED's antidepressant pages, less those of its own imputation macros.
N_CELLS = 80


def printed(value: float, cell: str) -> str:
    """Return a number with the decimals of a printed cell, rounded as SAS rounds."""
    return format_number(value, len(cell.partition(".")[2]))


@pytest.fixture(scope="module")
def fev(shared):
    frame = pd.read_csv(shared / "reference/data/fev_data.csv")
    return frame.assign(ARMCD=pd.Categorical(frame["ARMCD"], ["PBO", "TRT"]))


@pytest.fixture(scope="module")
def sas(shared):
    frame = pd.read_csv(shared / "reference/sas/ddfm.csv")
    assert len(frame) == 10
    return frame.set_index(["ddfm", "type"])


def fit(fev, kind, ddfm, stop=None):
    return fit_mmrm(
        "FEV1 ~ ARMCD",
        fev,
        subject="USUBJID",
        visit="AVISIT",
        covariance=STRUCTURE[kind],
        df=DF[ddfm],
        stop=stop,
    )


@pytest.mark.parametrize("ddfm", DF)
@pytest.mark.parametrize("kind", STRUCTURE)
def test_kenward_roger_at_full_convergence(fev, sas, kind, ddfm):
    """Asked for: 2e-4 in errors, 4e-4 in df; what is left is SAS's early stop."""
    row = sas.loc[(ddfm, kind)]
    found = fit(fev, kind, ddfm).contrasts("ARMCD").iloc[0]
    assert found["estimate"] == pytest.approx(row["estimate"], rel=2e-4)
    assert found["standard_error"] == pytest.approx(row["standard_error"], rel=2e-4)
    assert found["df"] == pytest.approx(row["df"], rel=4e-4)


def test_the_parameterisation_matters_for_plain_kenward_roger(fev, sas):
    """AR(1) separates them: 0.95865 plain and 0.96058 linear in SAS."""
    for ddfm, error in (("KR", 0.95865439662), ("KR(LINEAR)", 0.96058142305)):
        assert sas.loc[(ddfm, "ar1"), "standard_error"] == pytest.approx(
            error, rel=1e-10
        )
        found = fit(fev, "ar1", ddfm).contrasts("ARMCD").iloc[0]
        assert found["standard_error"] == pytest.approx(error, rel=2e-6)


@pytest.mark.parametrize("ddfm", DF)
def test_stopping_as_sas_gives_every_printed_digit(fev, sas, ddfm):
    """SAS prints 15 digits; 3e-14 is seen."""
    row = sas.loc[(ddfm, "us")]
    stopped = fit(fev, "us", ddfm, stop="sas")
    found = stopped.contrasts("ARMCD").iloc[0]
    for column in ("estimate", "standard_error", "df", "ci_lower", "ci_upper"):
        assert found[column] == pytest.approx(row[column], rel=1e-12)
    assert found["statistic"] == pytest.approx(row["t"], rel=1e-12)
    # SAS prints its p value to 15 digits of the t distribution's own accuracy.
    assert found["p_value"] == pytest.approx(row["p"], rel=1e-10)
    assert not stopped.converged


def test_iteration_history_of_sas(fev):
    """Read from the listing: -2 Res Log Like and criterion after each Newton step."""
    history = fit(fev, "us", "KR", stop="sas").history[1:]
    assert [f"{step.minus_two_log_likelihood:.6f}" for step in history] == [
        "3668.648626",
        "3667.976079",
        "3667.962764",
    ]
    # Four significant digits are printed.
    criteria = [4.617e-4, 9.766e-6, 5.675e-9]
    assert [float(f"{step.decrement:.3e}") for step in history] == criteria


def test_full_convergence_beside_the_stopping_point(fev):
    """The maximum of the same likelihood, from the folder's notes: 12 digits."""
    full = fit(fev, "us", "KR")
    assert -2 * full.log_likelihood == pytest.approx(3667.962756, abs=1e-6)
    found = full.contrasts("ARMCD").iloc[0]
    assert found["standard_error"] == pytest.approx(0.661300458917, rel=1e-11)
    assert found["df"] == pytest.approx(160.690620459, rel=1e-10)


@pytest.fixture(scope="module")
def antidepressant(shared):
    """Return the fit at SAS's stopping point and the printed cells by table."""
    folder = shared / "trials"
    frame = pd.read_csv(folder / "antidepressant_hamd17/antidepressant_hamd17.csv")
    frame.columns = frame.columns.str.upper()
    frame = frame.astype({"PATIENT": str, "VISIT": str, "THERAPY": str})
    stopped = fit_mmrm(
        "CHANGE ~ BASVAL:VISIT + THERAPY:VISIT",
        frame,
        subject="PATIENT",
        visit="VISIT",
        stop="sas",
    )
    cells = [
        cell
        for cell in json.loads((folder / "expected.json").read_text())
        if cell["dataset"] == "antidepressant_hamd17"
        and cell["table"].startswith("PROC MIXED")
    ]
    assert len(cells) == N_CELLS
    return stopped, cells


def of_table(cells, table):
    return [cell for cell in cells if cell["table"] == table]


def p_text(value: float, cell: str) -> str:
    return "<.0001" if value < 0.0001 else printed(value, cell)


def test_antidepressant_covariance(antidepressant):
    fit, cells = antidepressant
    for cell in of_table(cells, "PROC MIXED"):
        text, row = cell["printed"], cell["row"]
        if row == "Observations Used":
            assert str(fit.n_observations) == text
        elif row == "-2RLL":
            assert printed(-2 * fit.log_likelihood, text) == text
        else:
            i, j = (int(k) - 1 for k in row.removeprefix("UN(").rstrip(")").split(","))
            assert printed(fit.covariance.iloc[i, j], text) == text, row


COLUMN = {"Estimate": "estimate", "SE": "standard_error", "DF": "df", "t": "statistic"}


def check_rows(rows, cells, name_of):
    """Compare every printed cell of a table with our row of that name."""
    by_name = {name_of(row): row for _, row in rows.iterrows()}
    for cell in cells:
        row, text = by_name[cell["row"]], cell["printed"]
        if cell["column"] == "p":
            assert p_text(row["p_value"], text) == text, cell["id"]
        else:
            assert printed(row[COLUMN[cell["column"]]], text) == text, cell["id"]


def test_antidepressant_ls_means(antidepressant):
    fit, cells = antidepressant
    means = fit.ls_means(["THERAPY", "VISIT"])
    check_rows(
        means,
        of_table(cells, "PROC MIXED LSMEANS"),
        lambda row: f"{row['THERAPY']} visit {row['VISIT']}",
    )


def test_antidepressant_differences(antidepressant):
    fit, cells = antidepressant
    check_rows(
        fit.contrasts("THERAPY", by="VISIT", reference="PLACEBO"),
        of_table(cells, "PROC MIXED diffs"),
        lambda row: f"{row['contrast']} visit {row['VISIT']}",
    )


def test_antidepressant_type_three(antidepressant):
    """SAS's terms are ours spanned otherwise: all columns with the named variables.

    With ``BASVAL*VISIT THERAPY*VISIT`` and the intercept, SAS's THERAPY*VISIT has the
    seven differences among the eight cells.
    """
    fit, cells = antidepressant
    names = list(fit.design.names)
    unit = np.eye(len(names))
    means = fit.ls_means(["THERAPY", "VISIT"])
    grid = means[["THERAPY", "VISIT"]].assign(BASVAL=0.0)
    cell_rows = fit.design.rows_for(grid)
    slopes = unit[[i for i, name in enumerate(names) if name.startswith("BASVAL")]]
    tests = {
        "basval*VISIT": fit.joint_test(slopes).iloc[0],
        "VISIT*THERAPY": fit.joint_test(cell_rows[1:] - cell_rows[0]).iloc[0],
    }
    column = {"NumDF": "numerator_df", "DenDF": "df", "F": "statistic"}
    for cell in of_table(cells, "PROC MIXED Type 3"):
        row, text = tests[cell["row"]], cell["printed"]
        if cell["column"] == "p":
            assert p_text(row["p_value"], text) == text
        else:
            assert printed(row[column[cell["column"]]], text) == text, cell["id"]
