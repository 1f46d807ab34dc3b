"""Tables 14-3.01 to 14-3.04 of the CDISC pilot study report, cell by cell.

One visit, so the model is ordinary least squares with n - p degrees of freedom: the
engine of the repeated-measures models has to give it as a special case. Printed cells
and their page: trials/EXPECTED.md.
"""

import json

import pandas as pd
import pytest

from trialstats.formatting import format_number
from trialstats.mmrm import fit_mmrm

pytestmark = pytest.mark.reference

ARMS = {
    "Placebo": "Placebo",
    "Xan Low": "Xanomeline Low Dose",
    "Xan High": "Xanomeline High Dose",
}
#: Table -> dataset, visit, number of printed cells.
TABLES = {
    "14-3.01": ("adas", "Week 24", 40),
    "14-3.02": ("cibic", "Week 24", 22),
    "14-3.03": ("adas", "Week 8", 40),
    "14-3.04": ("cibic", "Week 8", 22),
}


@pytest.fixture(scope="module")
def cells(shared):
    found = json.loads((shared / "trials/expected.json").read_text())
    return [cell for cell in found if cell["dataset"] == "cdiscpilot01"]


@pytest.fixture(scope="module")
def datasets(shared):
    folder = shared / "trials/cdiscpilot01"
    adas = pd.read_csv(folder / "adqsadas_actot.csv")
    cibic = pd.read_sas(folder / "adqscibc.xpt", encoding="utf-8")
    frames = {"adas": adas, "cibic": cibic}
    return {name: frame[frame["EFFFL"] == "Y"] for name, frame in frames.items()}


def at_visit(frame, visit):
    """Return the analysed rows of a visit: LOCF where the visit was missed."""
    rows = frame[(frame["AVISIT"] == visit) & (frame["ANL01FL"] == "Y")]
    assert not rows["USUBJID"].duplicated().any()
    return rows.astype({"SITEGR1": str}).assign(
        TRTP=pd.Categorical(rows["TRTP"], list(ARMS.values())),
        DOSE=rows["TRTP"].map(dict(zip(ARMS.values(), (0.0, 54.0, 81.0), strict=True))),
    )


def ancova(rows, name, treatment):
    """Fit the model of the table: site, and the baseline where there is one."""
    formula = (
        f"CHG ~ {treatment} + SITEGR1 + BASE"
        if name == "adas"
        else (f"AVAL ~ {treatment} + SITEGR1")
    )
    return fit_mmrm(formula, rows, subject="USUBJID", visit="AVISIT", df="residual")


def comparisons(rows, name):
    """Return the printed texts of the comparisons by section, row and column."""
    dose = ancova(rows, name, "DOSE").coefficients.set_index("coefficient")
    fit = ancova(rows, name, "TRTP")
    pairs = fit.contrasts("TRTP", method="pairwise").set_index("contrast")
    texts = {("Dose Response", "p-value", "Xan High"): p_text(dose.loc["DOSE"])}
    for section, column, first, second in (
        ("Xan - Placebo", "Xan Low", "Xan Low", "Placebo"),
        ("Xan - Placebo", "Xan High", "Xan High", "Placebo"),
        ("Xan High - Xan Low", "Xan High", "Xan High", "Xan Low"),
    ):
        row = pairs.loc[f"{ARMS[first]} - {ARMS[second]}"]
        estimate, error = row["estimate"], row["standard_error"]
        ends = [format_number(row[end], 1) for end in ("ci_lower", "ci_upper")]
        texts[section, "p-value", column] = p_text(row)
        texts[section, "Diff of LS Means (SE)", column] = (
            f"{format_number(estimate, 1)} ({format_number(error, 2)})"
        )
        texts[section, "95% CI", column] = f"({';'.join(ends)})"
    return texts


def p_text(row):
    return format_number(row["p_value"], 3)


def summaries(rows, name, visit):
    """Return the printed summaries of the arms."""
    value = f"{visit}"
    sections = {value: "AVAL"}
    if name == "adas":
        sections |= {"Baseline": "BASE", "Change from Baseline": "CHG"}
    texts = {}
    for column, arm in ARMS.items():
        of_arm = rows[rows["TRTP"] == arm]
        for section, variable in sections.items():
            values = of_arm[variable].dropna()
            mean = format_number(values.mean(), 1)
            spread = format_number(values.std(), 2)
            ends = f"{format_number(values.min(), 0)};{format_number(values.max(), 0)}"
            middle = format_number(values.median(), 1)
            texts[section, "n", column] = str(len(values))
            texts[section, "Mean (SD)", column] = f"{mean} ({spread})"
            texts[section, "Median (Range)", column] = f"{middle} ({ends})"
    return texts


@pytest.mark.parametrize("table", TABLES)
def test_every_cell_of_the_table(cells, datasets, table):
    name, visit, n_cells = TABLES[table]
    rows = at_visit(datasets[name], visit)
    texts = summaries(rows, name, visit) | comparisons(rows, name)
    everyone = datasets["adas"].drop_duplicates("USUBJID")["TRTP"].value_counts()
    texts |= {
        ("header", "N", column): f"N={everyone[arm]}" for column, arm in ARMS.items()
    }
    expected = [cell for cell in cells if cell["table"] == table]
    assert len(expected) == n_cells
    for cell in expected:
        ours = texts[cell["section"], cell["row"], cell["column"]]
        assert ours == cell["printed"].strip(), cell["id"]


def test_supporting_listing_to_all_digits(cells, datasets):
    """PROC GLM's listing behind 14-3.01 prints eight decimals."""
    rows = at_visit(datasets["adas"], "Week 24")
    fit = ancova(rows, "adas", "TRTP")
    means = fit.ls_means("TRTP", weights="proportional").set_index("TRTP")
    pairs = fit.contrasts("TRTP", method="pairwise").set_index("contrast")
    arm = {"P": ARMS["Placebo"], "L": ARMS["Xan Low"], "H": ARMS["Xan High"]}
    column = {
        "LSMEAN": "estimate",
        "Estimate": "estimate",
        "SE": "standard_error",
        "t": "statistic",
        "p": "p_value",
        "LCL": "ci_lower",
        "UCL": "ci_upper",
    }
    compared = 0
    for cell in cells:
        if not (
            cell["table"].startswith("Supporting")
            and "treatment GLM" in cell["section"]
        ):
            continue
        kind, _, what = cell["row"].partition(" ")
        if kind == "LSMEAN":
            row = means.loc[arm[what]]
        elif kind in ("ESTIMATE", "DIFF"):
            first, second = what.replace(" vs ", "-").split("-")
            row = pairs.loc[f"{arm[first]} - {arm[second]}"]
        else:
            continue
        text = cell["printed"]
        if text == "<.0001":
            assert row["p_value"] < 0.0001
        else:
            digits = len(text.partition(".")[2])
            assert format_number(row[column[cell["column"]]], digits) == text, cell[
                "id"
            ]
        compared += 1
    assert compared == 33


def test_type_three_and_type_one_of_the_listing(cells, datasets):
    """F of PROC GLM's type I and III sums of squares, to the printed digits."""
    rows = at_visit(datasets["adas"], "Week 24")
    compared = 0
    for section, treatment, term in (
        ("dose-response GLM", "DOSE", "TRTDOSE"),
        ("treatment GLM", "TRTP", "TRTPCD"),
    ):
        fit = ancova(rows, "adas", treatment)
        names = {term: treatment, "SITEGRP": "SITEGR1", "BASE": "BASE"}
        for kind, words in ((1, "Type I "), (3, "Type III ")):
            tests = fit.tests(type=kind).set_index("term")
            for cell in cells:
                here = (
                    cell["table"].startswith("Supporting")
                    and cell["section"] == section
                )
                if not (here and cell["row"].startswith(words)):
                    continue
                if cell["column"] not in ("F", "p"):
                    continue
                row = tests.loc[names[cell["row"].removeprefix(words)]]
                value = row["statistic" if cell["column"] == "F" else "p_value"]
                digits = len(cell["printed"].partition(".")[2])
                assert format_number(value, digits) == cell["printed"], cell["id"]
                compared += 1
    assert compared == 24
