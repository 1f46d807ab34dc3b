"""Declared tables of the example trials against what their publications print.

Cell by cell and character by character: the text of the table that the configuration
declares is the text of the publication (trials/expected.json; papers and pages:
trials/EXPECTED.md). No tolerance. The minus sign of the houses that print one is read
as the hyphen of the file.
"""

import pandas as pd
import pytest

from trialstats.formatting import MINUS
from trialstats.rows import ESTIMATES
from trialstats.tables.adverse_events import adverse_events_table
from trialstats.tables.declared import declared_table, table_names
from trialstats.tables.event_style import STUDY_REPORT
from trialstats.tables.trial import analysis_table

pytestmark = pytest.mark.reference

CDISC = "cdiscpilot01"

#: Column of the report -> how its head begins in ours.
ARMS = {
    "Placebo": "Placebo",
    "Xan Low": "Xanomeline Low Dose",
    "Xan High": "Xanomeline High Dose",
    "Total": "Total",
    "p-value": "p-value",
}


def text_of(cell):
    return cell.text.replace(MINUS, "-").strip()


class Cells:
    """The printed cells of a declared table, by section, label and head of column."""

    def __init__(self, table):
        self.table = table
        self.heads = [
            " ".join(filter(None, (c.spanner.rpartition(" (")[0], c.label)))
            if c.spanner
            else c.label
            for c in table.columns
        ]
        self.lines = {}
        section = ""
        for row in table.rows:
            label = row.cells[0].text
            if row.heading or not row.indent:
                section = label
            if not row.heading:
                # A second line of the same name would hide a number.
                assert (section, label) not in self.lines, (section, label)
                self.lines[section, label] = row.cells[1:]

    def at(self, section, label, column):
        """Return the cell of a line whose column begins so."""
        cells = self.lines[section, label]
        places = [
            place
            for place, head in enumerate(self.heads[1:])
            if head == column or head.startswith(f"{column} ")
        ]
        assert len(places) == 1, (column, self.heads)
        cell = cells[places[0]]
        assert cell.rows or not cell.text, "a number without its row"
        return text_of(cell)


@pytest.fixture(scope="module")
def made(example):
    """Return a declared table of an example by its name."""

    def of(trial, name):
        results = example(trial)
        frame = pd.DataFrame(
            [row for rows in results.rows.values() for row in rows],
            columns=ESTIMATES.names,
        )
        return Cells(
            declared_table(frame, trial=results.config, name=name, usual=analysis_table)
        )

    return of


def compare(cells, table, wanted, *, n_cells, excepted=()):
    """Compare every cell of a printed table with the one that `wanted` finds."""
    ours = {}
    for cell in cells.of(table):
        key = (cell["section"], cell["row"], cell["column"])
        ours[key] = wanted(*key)
    cells.compare(table, ours, n_cells=n_cells, excepted=excepted)


# --- the CDISC pilot ---


def test_the_titles_and_numbers_of_the_study_report(example, made):
    titles = {
        "t_14_1_01": ("Table 14-1.01", "Summary of Populations"),
        "t_14_1_02": ("Table 14-1.02", "Summary of End of Study Data"),
        "t_14_1_03": ("Table 14-1.03", "Summary of Number of Subjects By Site"),
        "t_14_3_10": (
            "Table 14-3.10",
            "ADAS Cog (11) - Mean and Mean Change from Baseline over Time",
        ),
    }
    for name, expected in titles.items():
        table = made(CDISC, name).table
        assert (table.number, table.title) == expected
        assert table.protocol == "Protocol: CDISCPILOT01"
    assert made(CDISC, "t_14_1_02").table.population == "Population: Intent-to-Treat"
    names = table_names(example(CDISC).config)
    assert names[0] == "t_14_1_01"
    assert "populations" not in names


def test_populations(made, printed):
    found = made(CDISC, "t_14_1_01")
    compare(
        printed(CDISC),
        "14-1.01",
        lambda _, row, column: found.at(row, row, ARMS[column]),
        n_cells=20,
    )


def test_end_of_study(made, printed):
    found = made(CDISC, "t_14_1_02")
    sections = {
        "Completion Status": "Completion Status:",
        "Reason": "Reason for Early Termination (prior to Week 24):",
    }
    compare(
        printed(CDISC),
        "14-1.02",
        lambda section, row, column: found.at(sections[section], row, ARMS[column]),
        n_cells=55,
    )


def test_tests_stand_only_where_the_report_has_them(made, printed):
    found = made(CDISC, "t_14_1_02")
    cells = [c for c in printed(CDISC).of("14-1.02") if c["column"] == "p-value"]
    ours = [line[-1].text for line in found.lines.values()]
    assert len([text for text in ours if text]) == len(cells) == 3


def test_sites(made, printed):
    found = made(CDISC, "t_14_1_03")

    def wanted(_, row, column):
        arm, line = column.rsplit(" ", 1)
        return found.at(row, row, f"{ARMS[arm]} {line}")

    compare(printed(CDISC), "14-1.03", wanted, n_cells=216)


def test_demographics(made, printed):
    found = made(CDISC, "t_14_2_01")
    compare(
        printed(CDISC),
        "14-2.01",
        lambda section, row, column: found.at(section, row, ARMS[column]),
        n_cells=244,
    )


#: Section and row of the analysis of covariance -> section and label in ours.
TESTS = {
    "Dose Response": "p-value(Dose Response) [1][2]",
    "Xan - Placebo": "p-value(Xan - Placebo) [1][3]",
    "Xan High - Xan Low": "p-value(Xan High - Xan Low) [1][3]",
}


@pytest.mark.parametrize(
    ("table", "n_cells"),
    [("14-3.01", 40), ("14-3.02", 22), ("14-3.03", 40), ("14-3.04", 22)],
)
def test_efficacy(made, printed, table, n_cells):
    found = made(CDISC, f"t_{table.replace('-', '_').replace('.', '_')}")
    sizes = {
        column: head.rpartition("(")[2].rstrip(")")
        for head in found.heads
        for column, arm in ARMS.items()
        if head.startswith(arm)
    }

    def wanted(section, row, column):
        if section == "header":
            return sizes[column]
        label = TESTS.get(section)
        if label and row == "p-value":
            return found.at(label, label, ARMS[column])
        return found.at(label or section, row, ARMS[column])

    compare(printed(CDISC), table, wanted, n_cells=n_cells)


def test_least_squares_means_and_differences_of_the_listing(made, printed):
    found = made(CDISC, "supporting_14_3_01")
    seen = 0
    for cell in printed(CDISC).of("Supporting 14-3.01"):
        kind, _, what = cell["row"].partition(" ")
        mean = kind == "LSMEAN"
        # A mean has no test of zero in the rows; sums of squares are not declared.
        if kind not in ("ESTIMATE", "DIFF", "LSMEAN") or (
            mean and cell["column"] == "p"
        ):
            continue
        label = cell["row"] if mean else what.replace(" vs ", "-")
        column = "Estimate" if cell["column"] == "LSMEAN" else cell["column"]
        assert found.at(label, label, column) == cell["printed"].strip(), cell["id"]
        seen += 1
    assert seen == 30


def test_adas_over_time(made, printed):
    found = made(CDISC, "t_14_3_10")
    compare(
        printed(CDISC),
        "14-3.10",
        lambda section, row, column: found.at(ARMS[section], row, column),
        n_cells=252,
    )


def test_time_to_the_first_dermatologic_event(made, printed):
    found = made(CDISC, "f_14_1")
    labels = {
        "Median LCL": ("Median", "95% CI, lower limit"),
        "Median UCL": ("Median", "95% CI, upper limit"),
        "Logrank p": ("Logrank p", "Logrank p"),
    }

    def wanted(_, row, column):
        section, label = labels.get(row, (row, row))
        arm = "Xan High" if column == "all" else column
        return found.at(section, label, ARMS[arm])

    compare(printed(CDISC), "Figure 14-1", wanted, n_cells=19)


# --- parallel trials ---


def test_acupuncture_completers(made, printed):
    found = made("acupuncture_headache", "table_1")
    places = {
        "n": ("", "n"),
        "Age mean (SD)": ("Age", "Mean (SD)"),
        "Female n (%)": ("Sex", "Female"),
        "Migraine n (%)": ("Diagnosis", "Migraine"),
        "Tension-type n (%)": ("Diagnosis", "Tension-type"),
        "Chronicity mean (SD)": ("Chronicity (years)", "Mean (SD)"),
    }
    compare(
        printed("acupuncture_headache"),
        "Table 1",
        lambda _, row, column: found.at(*places[row], column),
        n_cells=12,
    )


def test_acupuncture_differences(made, printed):
    found = made("acupuncture_headache", "table_2")

    def wanted(section, row, column):
        head = "Difference" if column == "Adj difference" else column
        return found.at(section, row, head)

    # 0.00025, printed as 0.0002; every other cell of the table agrees.
    late = ("Weekly headache score", "12 months", "P")
    compare(
        printed("acupuncture_headache"),
        "Table 2",
        wanted,
        n_cells=34,
        excepted=[late],
    )
    assert found.at(*late) == "0.0003"
    notes = " ".join(text for _, text in found.table.footnotes)
    assert "control minus acupuncture" in notes


def test_acupuncture_text(made, printed):
    interaction = made("acupuncture_headache", "interaction")
    migraine = made("acupuncture_headache", "migraine")
    heads = {"Adj difference (95% CI)": "Adjusted difference (95% CI)", "n": "n"}

    def wanted(section, row, column):
        if row:
            return migraine.at(section, section, heads[column])
        return interaction.at(section, section, column)

    compare(printed("acupuncture_headache"), "Text", wanted, n_cells=3)


def test_indomethacin(made, printed):
    outcome = made("indo_rct", "pancreatitis_table")
    people = made("indo_rct", "participants_table")

    def wanted(_, row, column):
        if column == "All":
            return people.at(row, row, "All")
        if column == "P":
            return outcome.at("P", "P", "Placebo")
        return outcome.at(row, row, column)

    compare(printed("indo_rct"), "Abstract", wanted, n_cells=7)


def test_interferon(made, printed):
    infections = made("cgd_interferon", "infections_table")
    times = made("cgd_interferon", "first_infection_table")

    def wanted(_, row, column):
        if row.startswith("Time"):
            label = "Time to first serious infection, P"
            return times.at(label, label, "Placebo")
        return infections.at(row, row, column)

    # 0.0044 by chi-square, 0.0053 by Fisher; the abstract's 0.002 follows from neither.
    patients = ("", "Patients with serious infection", "P")
    compare(
        printed("cgd_interferon"), "Abstract", wanted, n_cells=8, excepted=[patients]
    )


def test_respiratory_logistic_regression(made, printed):
    found = made("hsaur_respiratory", "coefficients")
    compare(
        printed("hsaur_respiratory"),
        "Fig 14.3 logistic GLM",
        lambda _, row, column: found.at(row, row, column or "Estimate"),
        n_cells=19,
    )


# --- repeated measures and crossovers ---

#: Cells of SAS's stopping point, a little short of the maximum (trials/EXPECTED.md).
STOPPED = [("fit", "-2RLL", "")] + [
    ("covariance", f"UN({i},{j})", "")
    for i, j in ((2, 1), (2, 2), (3, 2), (3, 3), (4, 1), (4, 2))
]

ANTIDEPRESSANT = "antidepressant_hamd17"


def test_antidepressant_fit(made, printed):
    found = made(ANTIDEPRESSANT, "fit")

    def wanted(section, row, _):
        if row == "-2RLL":
            # Twice the log-likelihood stands above the body.
            return dict(found.table.preface)["Fit"].text
        place = row if section == "fit" else "Covariance within a patient"
        return found.at(place, row, "Value")

    compare(printed(ANTIDEPRESSANT), "PROC MIXED", wanted, n_cells=12, excepted=STOPPED)


@pytest.mark.parametrize(
    ("name", "table", "n_cells"),
    [
        ("means", "PROC MIXED LSMEANS", 40),
        ("differences", "PROC MIXED diffs", 20),
        ("type_3", "PROC MIXED Type 3", 8),
    ],
)
def test_antidepressant_means_differences_and_terms(
    made, printed, name, table, n_cells
):
    found = made(ANTIDEPRESSANT, name)
    compare(
        printed(ANTIDEPRESSANT),
        table,
        lambda _, row, column: found.at(row, row, column),
        n_cells=n_cells,
    )


@pytest.mark.parametrize(
    ("trial", "dataset", "name", "table", "n_cells"),
    [
        (*["xo_senn_asthma_pef"] * 2, "mixed_model", "Mixed model", 12),
        (*["xo_senn_asthma_pef"] * 2, "means", "LS means", 2),
        (
            "xo_ema_replicate_be_1",
            "xo_ema_replicate_be",
            "method_a_table",
            "rds01 Method A",
            11,
        ),
        (
            "xo_ema_replicate_be_1",
            "xo_ema_replicate_be",
            "method_a_anova",
            "rds01 Method A ANOVA",
            15,
        ),
        (
            "xo_ema_replicate_be_1",
            "xo_ema_replicate_be",
            "method_b_table",
            "rds01 Method B Satterthwaite",
            8,
        ),
        (
            "xo_ema_replicate_be_1",
            "xo_ema_replicate_be",
            "method_b_kenward_roger_table",
            "rds01 Method B Kenward-Roger",
            2,
        ),
        (
            "xo_ema_replicate_be_2",
            "xo_ema_replicate_be",
            "ratio_table",
            "rds02 ABE",
            3,
        ),
    ],
)
def test_crossovers(made, printed, trial, dataset, name, table, n_cells):
    found = made(trial, name)
    heads = {"mean": "Mean"}
    compare(
        printed(dataset),
        table,
        lambda _, row, column: found.at(row, row, heads.get(column, column)),
        n_cells=n_cells,
    )


def test_ashina_headache(made, printed):
    found = made("xo_ashina_headache", "pain_table")
    line = "VAS pain reduction L-NMMA vs placebo"
    heads = {"All": "Patients", "P": "P"}
    compare(
        printed("xo_ashina_headache"),
        "Abstract",
        lambda _, row, column: found.at(line, line, heads[column]),
        n_cells=2,
    )


def test_adverse_events_are_those_of_the_study_report(example, made):
    # Cell by cell with the report in test_example_adverse_events.py.
    results = example(CDISC)
    frame = pd.DataFrame(results.rows["adverse_events"], columns=ESTIMATES.names)
    report = adverse_events_table(
        frame, trial=results.config, parts=["terms"], style=STUDY_REPORT
    )
    table = made(CDISC, "t_14_5_01").table
    assert table.rows == report.rows
    assert table.columns == report.columns
    assert (table.number, table.population) == ("Table 14-5.01", "Population: Safety")
