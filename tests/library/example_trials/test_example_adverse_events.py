"""Adverse events of the examples from configuration alone.

cdiscpilot01: Table 14-5.01 of the study report, every cell as printed and every line in
its order, read from the cells of the table. Pages and numbers: trials/EXPECTED.md. No
tolerance: text equals text. Severity, relation and the counts of crohn_ae_counts have
no published table; they are counted once more from the raw files by pandas.
"""

import pandas as pd
import pytest

from trialstats.formatting import format_number
from trialstats.tables.adverse_events import adverse_events_table
from trialstats.tables.event_style import STUDY_REPORT

pytestmark = pytest.mark.reference

ARMS = {
    "Placebo": "Placebo",
    "Xan Low": "Xanomeline Low Dose",
    "Xan High": "Xanomeline High Dose",
}
LOW = "Xanomeline Low Dose versus Placebo"
HIGH = "Xanomeline High Dose versus Placebo"

#: The report cuts the names of body systems and of terms at so many letters.
SYSTEM, TERM = 40, 38

_SITE = "GENERAL DISORDERS AND ADMINISTRATION SIT"
#: Rounded twice in the report, to four decimals and then to three.
ROUNDED_TWICE = {
    ("GASTROINTESTINAL DISORDERS", "VOMITING", "p High vs Placebo"): "0.209",
    (
        "GASTROINTESTINAL DISORDERS",
        "SALIVARY HYPERSECRETION",
        "p High vs Placebo",
    ): "0.058*",
    (_SITE, "APPLICATION SITE ERYTHEMA", "p High vs Placebo"): "0.003*",
    ("NERVOUS SYSTEM DISORDERS", "SYNCOPE", "p Low vs Placebo"): "0.058*",
}


@pytest.fixture(scope="module")
def results(example):
    return example("cdiscpilot01")


@pytest.fixture(scope="module")
def rows(results):
    return pd.DataFrame(results.rows["adverse_events"])


@pytest.fixture(scope="module")
def table(results, rows):
    return adverse_events_table(
        rows, trial=results.config, parts=["terms"], style=STUDY_REPORT
    )


@pytest.fixture(scope="module")
def lines(table):
    """Return the cells of each line under its section and name as the report cuts."""
    found, system = {}, ""
    for row in table.rows:
        name = row.cells[0].text
        if row.indent:
            key = (system, name[:TERM].strip())
        else:
            system = name[:SYSTEM].strip()
            key = ("", f"[SOC] {system}")
        assert key not in found
        found[key] = dict(zip(table.columns, row.cells, strict=True))
    return found


@pytest.fixture(scope="module")
def columns(table):
    """Return the column of the report -> column of the table."""
    heads = {head.spanner.partition(" (N")[0]: head for head in table.columns}
    named = ARMS | {"p Low vs Placebo": LOW, "p High vs Placebo": HIGH}
    return {name: heads[head] for name, head in named.items()}


def test_every_cell_of_the_table_is_as_printed(lines, columns, printed):
    ours = {
        (*key, name): cells[column].text.strip()
        for key, cells in lines.items()
        for name, column in columns.items()
    }
    cells = printed("cdiscpilot01")
    cells.compare("14-5.01", ours, n_cells=1175, excepted=ROUNDED_TWICE)
    # What the report leaves empty is empty here, and nothing stands beside it.
    theirs = {(c["section"], c["row"], c["column"]) for c in cells.of("14-5.01")}
    assert {key for key, text in ours.items() if text} == theirs


def test_the_lines_stand_in_the_order_of_the_report(lines, printed):
    cells = printed("cdiscpilot01").of("14-5.01")
    assert list(lines) == list(dict.fromkeys((c["section"], c["row"]) for c in cells))


def test_the_exceptions_are_p_values_that_were_rounded_twice(results, lines, columns):
    by_id = {row["row_id"]: row for row in results.rows["adverse_events"]}
    for (section, name, column), text in ROUNDED_TWICE.items():
        (row_id,) = lines[section, name][columns[column]].rows
        once = float(format_number(by_id[row_id]["p_value"], 4))
        assert format_number(once, 3) == text.rstrip("*")


def test_every_number_of_the_table_names_the_rows_it_prints(table, results):
    by_id = {row["row_id"]: row for row in results.rows["adverse_events"]}
    for row in table.rows:
        for cell in row.cells[1:]:
            assert bool(cell.rows) == bool(cell.text)
            if "[" in cell.text:
                people, events = (by_id[i]["estimate"] for i in cell.rows)
                assert cell.text.startswith(f"{people:2g} (")
                assert cell.text.endswith(f"[{events:g}]")
    for head in table.columns[1:4]:
        assert head.spanner.endswith(f"(N = {by_id[head.rows[0]]['n_subjects']})")


@pytest.fixture(scope="module")
def raw(shared):
    folder = shared / "trials" / "cdiscpilot01"
    events = pd.read_sas(folder / "adae.xpt", encoding="utf-8")
    return events[events["TRTEMFL"] == "Y"]


def test_all_emergent_events_are_counted(results, raw):
    # 281 + 412 + 433 of the first line.
    counted = [
        results.value(
            "adverse_events",
            statistic="events",
            group=arm,
            parameter="Any adverse event",
            subgroup=None,
        )
        for arm in ARMS.values()
    ]
    assert sum(counted) == len(results.clean.adae) == len(raw) == 1126


@pytest.mark.parametrize(
    ("column", "words", "grades"),
    [
        (
            "AESEV",
            "Maximum severity",
            {"MILD": ["MILD"], "MODERATE": ["MODERATE"], "SEVERE": ["SEVERE"]},
        ),
        (
            "AEREL",
            "Relation to treatment",
            {
                "Missing": [""],
                "NOT RELATED": ["NONE", "REMOTE"],
                "RELATED": ["POSSIBLE", "PROBABLE"],
            },
        ),
    ],
)
def test_severity_and_relation_are_counted_once_a_subject(
    rows, raw, column, words, grades
):
    # Ranks of the raw values; the highest of a subject's events counts.
    ranks = {v: i for i, values in enumerate(grades.values()) for v in values}
    events = raw.assign(rank=raw[column].map(ranks))
    term = events["AEBODSYS"] + " > " + events["AEDECOD"]
    for name, chosen in (
        ("Any adverse event", events),
        ("CARDIAC DISORDERS", events[events["AEBODSYS"] == "CARDIAC DISORDERS"]),
        (
            "SKIN AND SUBCUTANEOUS TISSUE DISORDERS > PRURITUS",
            events[term == "SKIN AND SUBCUTANEOUS TISSUE DISORDERS > PRURITUS"],
        ),
    ):
        here = rows[(rows["parameter"] == name) & rows["subgroup"].notna()]
        highest = chosen.groupby(["TRTA", "USUBJID"])["rank"].max()
        for place, grade in enumerate(grades):
            own = here[here["subgroup"] == f"{words}: {grade}"]
            for arm in ARMS.values():
                ours = own[own["group"] == arm].set_index("statistic")["estimate"]
                people = highest[highest.index.get_level_values("TRTA") == arm]
                assert ours["subjects_with_event"] == (people == place).sum()
                at_arm = chosen[chosen["TRTA"] == arm]
                assert ours["events"] == (at_arm["rank"] == place).sum()


def test_people_with_an_event_in_crohns_disease(example, shared):
    results = example("crohn_ae_counts")
    raw = pd.read_csv(shared / "trials" / "crohn_ae_counts" / "CrohnD.csv")
    for arm, code in (("Placebo", "placebo"), ("d1", "d1"), ("d2", "d2")):
        numbers = raw.loc[raw["treat"] == code, "nrAdvE"]
        count = results.row("any_adverse_event", statistic="count", group=arm)
        assert (count["estimate"], count["n_subjects"]) == ((numbers > 0).sum(), 39)
        total = results.row("any_adverse_event", statistic="total", group=arm)
        assert total["estimate"] == numbers.sum()
