"""Tables of adverse events: parts, hierarchy, styles, and what each cell names."""

import pandas as pd
import pytest

from trialstats.errors import DataError
from trialstats.rows import estimates_frame
from trialstats.tables import adverse_events_table
from trialstats.tables.event_style import EVENT_STYLES, STUDY_REPORT

ARMS = ("Active", "Placebo")
CONTRAST = "Active versus Placebo"
TRIAL = {
    "trial": "DEMO",
    "design": "parallel",
    "arms": {"control": "Placebo", "treatments": ["Active"]},
    "analyses": {
        "events": {
            "title": "Adverse events",
            "model": {"type": "adverse_events", "minimum_percent": 5},
        }
    },
}

#: Line -> part, participants under both arms, p-value.
LINES = {
    "Any adverse event": ("overview", (40, 30), 0.0213),
    "Serious": ("overview", (0, 0), None),
    "Skin": ("AESOC", (20, 9), 0.0296),
    "Skin > Rash": ("AEDECOD", (20, 4), 0.00031),
    "Skin > Any other": ("AEDECOD", (0, 5), 0.0561),
    "Skin disorders": ("AESOC", (3, 3), 1.0),
    "Skin disorders > Rash": ("AEDECOD", (3, 3), 1.0),
}


def row(statistic, name, part, **values):
    where = values.get("group") or values.get("contrast") or "all"
    grade = values.get("subgroup") or ""
    return {
        "row_id": f"demo.{where}.{name}.{grade}.{statistic}".lower().replace(" ", "-"),
        "kind": "trial",
        "trial": "demo",
        "analysis": "events",
        "analysis_set": "Safety",
        "role": "descriptive",
        "statistic": statistic,
        "scale": "natural",
        "parameter": name,
        "method": "counted",
        "model_id": part,
        "data_status": "synthetic",
        **values,
    }


def rows():
    listed = []
    for name, (part, numbers, p) in LINES.items():
        for arm, number in zip(ARMS, numbers, strict=True):
            shared = {"group": arm, "n_subjects": 100}
            for statistic, estimate in (
                ("subjects_with_event", number),
                ("events", 2 * number),
            ):
                listed.append(row(statistic, name, part, estimate=estimate, **shared))
            for grade in ("MILD", "SEVERE") if name != "Serious" else ():
                graded = {**shared, "subgroup": f"Maximum severity: {grade}"}
                for statistic in ("subjects_with_event", "events"):
                    value = number if grade == "MILD" else 0
                    made = row(statistic, name, part, estimate=value, **graded)
                    listed.append(made)
        reason = None if p else "No subject of either arm had the event."
        test = {"contrast": CONTRAST, "p_value": p, "not_estimable": reason}
        listed.append(row("fisher_test", name, part, **test))
        listed.append(
            row(
                "risk_difference",
                name,
                part,
                contrast=CONTRAST,
                estimate=(numbers[0] - numbers[1]) / 100,
                ci_lower=-0.1,
                ci_upper=0.3,
                confidence_level=0.95,
            )
        )
    for level, number in (("AESOC", 2), ("AEDECOD", 11)):
        listed.append(row("terms_left_out", level, level, estimate=number))
    return estimates_frame(listed)


def texts(table):
    return [
        (row.indent, *(cell.printed for cell in row.cells))
        for row in table.rows
        if not row.heading
    ]


def test_all_parts_stand_in_one_table():
    table = adverse_events_table(rows(), trial=TRIAL)
    headings = [row.cells[0].text for row in table.rows if row.heading]
    assert headings == [
        "By system organ class and preferred term",
        "By maximum severity",
    ]
    made = texts(table)
    assert made[0][:6] == (
        *(0, "Any adverse event", "40 (40.0%)", "80", "30 (30.0%)", "60"),
    )
    assert made[0][-1] == "0.021"
    assert made[1][-1] == "NEa"
    # A term is below the system whose name goes before, not below one like it.
    assert [line[:2] for line in made[2:7]] == [
        (0, "Skin"),
        (1, "Rash"),
        (1, "Any other"),
        (0, "Skin disorders"),
        (1, "Rash"),
    ]
    mild = made.index((1, "Mild", "40 (40.0%)", "40", "30 (30.0%)", "30", "", ""))
    assert made[mild - 1][1] == "Any adverse event"


def test_each_row_stands_in_the_table():
    frame = rows()
    assert set(adverse_events_table(frame, trial=TRIAL).row_ids) == set(frame["row_id"])


def test_rare_terms_stand_above_the_table():
    table = adverse_events_table(rows(), trial=TRIAL)
    ((label, cell),) = table.preface
    assert label == "Terms not shown, in every arm below 5%"
    assert cell.text == "system organ class: 2; preferred term: 11"
    assert len(cell.rows) == 2


@pytest.mark.parametrize(
    ("part", "title", "first", "length"),
    [
        ("overview", "Adverse events: overview", "Any adverse event", 2),
        (
            "terms",
            "Adverse events by system organ class and preferred term",
            "Any adverse event",
            6,
        ),
        ("severity", "Adverse events by maximum severity", "Any adverse event", 18),
    ],
)
def test_a_part_alone(part, title, first, length):
    table = adverse_events_table(rows(), trial=TRIAL, parts=[part])
    assert (table.title, table.id) == (title, f"demo_events_{part}")
    made = texts(table)
    assert (made[0][1], len(made)) == (first, length)
    assert not any(row.heading for row in table.rows)


def test_as_a_study_report_prints_them():
    table = adverse_events_table(
        rows(),
        trial=TRIAL,
        analysis="events",
        parts=["terms"],
        style=STUDY_REPORT,
        labels={"Active": "High", CONTRAST: "High versus placebo"},
        footnotes=["Coded by the dictionary of the sponsor."],
    )
    assert [column.full_label for column in table.columns[1:]] == [
        "High (N = 100): n (%) [events]",
        "Placebo (N = 100): n (%) [events]",
        "High versus placebo: p-value",
    ]
    assert texts(table) == [
        (0, "ANY BODY SYSTEM", " 40 (40.0%) [80]", " 30 (30.0%) [60]", "0.021*"),
        (0, "Skin", " 20 (20.0%) [40]", "  9 ( 9.0%) [18]", "0.030*"),
        (1, "Rash", " 20 (20.0%) [40]", "  4 ( 4.0%) [8]", "0.000*"),
        (1, "Any other", "  0", "  5 ( 5.0%) [10]", "0.056*"),
        (0, "Skin disorders", "  3 ( 3.0%) [6]", "  3 ( 3.0%) [6]", ">0.99"),
        (1, "Rash", "  3 ( 3.0%) [6]", "  3 ( 3.0%) [6]", ">0.99"),
    ]
    notes = [text for _, text in table.footnotes]
    assert "p-values: Fisher's exact test, two-sided; * below 0.15." in notes
    assert notes[-1] == "Coded by the dictionary of the sponsor."
    assert EVENT_STYLES["study_report"] is STUDY_REPORT


def test_a_test_without_an_answer_is_empty_in_a_study_report():
    table = adverse_events_table(
        rows(), trial=TRIAL, parts=["overview"], style=STUDY_REPORT
    )
    assert texts(table)[1][-1] == ""
    notes = [text for _, text in table.footnotes]
    assert "No p-value where nobody in either arm had the event." in notes


def test_what_is_refused():
    with pytest.raises(DataError, match="there is no part 'grades'"):
        adverse_events_table(rows(), trial=TRIAL, parts=["grades"])
    twice = pd.concat([rows(), rows()])
    with pytest.raises(DataError, match="two rows where one was expected"):
        adverse_events_table(twice, trial=TRIAL)
