"""Declared tables: how each house writes, what each template lays out, what it refuses.

Expected texts are worked out by hand from the numbers of the rows.
"""

import copy

import pandas as pd
import pytest
import table_samples as samples

from trialstats import tables
from trialstats.errors import ConfigError, DataError
from trialstats.formatting import MINUS
from trialstats.rows import ESTIMATES
from trialstats.tables.declared import declared_table, listed_datasets, table_names
from trialstats.tables.houses import HOUSES, P_VALUES
from trialstats.tables.trial import analysis_table

NAME = "demo_parallel"


def trial_with(**spec):
    trial = copy.deepcopy(samples.PARALLEL)
    trial["tables"] = {"declared": spec}
    return trial


def made(estimates=None, *, datasets=None, **spec):
    return declared_table(
        samples.parallel_rows() if estimates is None else estimates,
        trial=trial_with(**spec),
        name="declared",
        usual=analysis_table,
        datasets=datasets,
    )


def lines(table):
    return {
        row.cells[0].text: [cell.printed for cell in row.cells[1:]]
        for row in table.rows
        if not row.heading
    }


# --- houses ---


@pytest.mark.parametrize(
    ("house", "signed", "plain"),
    [
        ("csr", "(-2.1;1.1)", "(1.2;3.4)"),
        ("plain", f"({MINUS}2.1, 1.1)", "(1.2, 3.4)"),
        ("jama", f"({MINUS}2.1 to 1.1)", "(1.2\N{EN DASH}3.4)"),
        ("bmj", f"({MINUS}2.1 to 1.1)", "(1.2 to 3.4)"),
        ("cochrane", f"[{MINUS}2.1, 1.1]", "[1.2, 3.4]"),
    ],
)
def test_intervals(house, signed, plain):
    chosen = HOUSES[house]
    assert chosen.interval(chosen.number(-2.1, 1), chosen.number(1.1, 1)) == signed
    assert chosen.interval("1.2", "3.4") == plain


@pytest.mark.parametrize("house", HOUSES)
def test_no_house_writes_a_negative_zero_or_rounds_to_even(house):
    assert HOUSES[house].number(-0.04, 1) == "0.0"
    assert HOUSES[house].number(2.25, 1) == "2.3"


@pytest.mark.parametrize(
    ("how", "texts"),
    [
        ("sas", ["<.0001", "0.0004", "0.0042", "0.0420", "0.9960"]),
        ("three", ["<0.001", "<0.001", "0.004", "0.042", "0.996"]),
        ("journal", ["<0.001", "<0.001", "0.004", "0.04", ">0.99"]),
        ("jama", ["<.001", "<.001", ".004", ".04", ">.99"]),
        ("one_figure", ["<0.0001", "0.0004", "0.004", "0.042", "0.996"]),
        ("scientific", ["4.2e-05", "0.0004", "0.0042", "0.0420", "0.9960"]),
    ],
)
def test_p_values(how, texts):
    values = (0.000042, 0.00042, 0.0042, 0.042, 0.996)
    assert [P_VALUES[how](p) for p in values] == texts


@pytest.mark.parametrize(
    ("style", "interval", "p"),
    [
        (None, ("(", " to ", ")"), "0.95"),
        ("cochrane", ("[", ", ", "]"), "0.95"),
        ("jama", ("(", " to ", ")"), ".95"),
    ],
)
def test_tables_of_syntheses_in_the_way_of_a_house(style, interval, p):
    rows = samples.pain_rows()
    with tables.written_as(style):
        table = tables.summary_of_effects(rows, syntheses=[samples.SYNTHESIS])
    heads = [column.label for column in table.columns]
    (line,) = [row for row in table.rows if not row.heading][:1]
    effect = line.cells[heads.index("Estimate (95% CI)")].text
    left, between, right = interval
    assert effect.endswith(right)
    assert effect.partition(f" {left}")[2].count(between) == 1
    assert line.cells[heads.index("p")].text.startswith(p)
    # The way ends with its block.
    after = tables.summary_of_effects(rows, syntheses=[samples.SYNTHESIS])
    assert (after == table) == (style is None)


# --- templates ---


def test_a_declared_table_stands_in_place_of_the_default_one():
    trial = trial_with(template="ancova", analysis="pain_week12")
    names = table_names(trial)
    assert names[0] == "declared"
    assert "pain_week12" not in names
    assert "responders" in names
    assert listed_datasets(trial) == []


def test_means_with_estimand_and_model_above():
    table = made(template="ancova", analysis="pain_week12", population="All treated")
    usual = tables.efficacy_table(
        samples.parallel_rows(), trial=samples.PARALLEL, analysis="pain_week12"
    )
    above = dict(usual.preface)
    for label in ("Treatment", "Variable", "Scale", "Model"):
        assert dict(table.preface)[label].text == above[label].text
    assert table.protocol == "Protocol: DEMO-PARALLEL"
    assert table.population == "Population: All treated"
    assert "synthetic" in table.subtitle.lower()
    assert "Difference from Placebo (SE)" in lines(table)


def test_every_number_names_a_row():
    rows = samples.parallel_rows()
    known = set(rows["row_id"])
    for template, analysis in (
        ("ancova", "pain_week12"),
        ("mmrm", "pain_over_time"),
        ("responder", "responders"),
        ("adverse_events", "adverse_events"),
    ):
        table = made(rows, template=template, analysis=analysis)
        assert set(table.row_ids) <= known
        for row in table.rows:
            for cell in row.cells[1:]:
                assert bool(cell.rows) == bool(cell.text), (template, row.cells[0].text)
        for column in table.columns:
            sized = any("N" in t and "=" in t for t in (column.label, column.spanner))
            assert sized == bool(column.rows)


def test_visits_of_a_mixed_model_in_order():
    table = made(template="mmrm", analysis="pain_over_time")
    headings = [row.cells[0].text for row in table.rows if row.heading]
    rows = samples.parallel_rows()
    part = rows[(rows["analysis"] == "pain_over_time") & rows["visit"].notna()]
    assert headings == list(dict.fromkeys(part["visit"]))


def test_absolute_and_relative_effects_of_responders():
    found = lines(made(template="responder", analysis="responders", style="bmj"))
    absolute = [label for label in found if label.startswith("Risk difference")]
    relative = [label for label in found if label.startswith("Risk ratio versus")]
    assert len(absolute) == len(relative) == 1
    assert " to " in found[relative[0]][0]
    assert {"Participants analysed", "Participants with data"} <= set(found)


def test_columns_in_the_order_and_with_the_heads_declared():
    table = made(
        template="ancova",
        analysis="pain_week12",
        columns={"Placebo": "Control", "LDN 6 mg": "Naltrexone"},
        sizes=False,
    )
    assert [c.label for c in table.columns[1:]] == ["Control", "Naltrexone"]


def test_footnote_marks_by_house():
    spec = {
        "template": "ancova",
        "analysis": "pain_week12",
        "rows": [{"row": "comparison", "label": "p-value [1]"}],
        "statistics": ["p_value"],
        "footnotes": ["[1] Of the model.", "All participants."],
    }
    report = made(**spec)
    assert report.rows[0].cells[0].text == "p-value [1]"
    assert report.footnotes[:2] == (
        ("", "[1] Of the model."),
        ("", "All participants."),
    )
    journal = made(**spec, style="jama")
    assert journal.rows[0].cells[0].text == "p-value"
    assert journal.rows[0].cells[0].marks == "a"
    assert ("a", "Of the model.") in journal.footnotes


def test_what_could_not_be_estimated_says_why():
    rows = samples.trial_row(
        NAME,
        "pain_week12",
        "difference",
        contrast=samples.CONTRAST,
        not_estimable="The design has no variation",
    )
    frame = pd.DataFrame([rows], columns=ESTIMATES.names)
    table = made(
        frame,
        template="estimates",
        analysis="pain_week12",
        columns={"difference": {"print": "estimate_ci"}},
        rows=[{"row": "pain", "where": {"statistic": "difference"}}],
    )
    (cell,) = table.rows[0].cells[1:]
    assert (cell.text, cell.marks) == ("NE", "a")
    assert table.footnotes[0][1].endswith("The design has no variation.")


def test_a_comparison_turned_round():
    spec = {
        "template": "estimates",
        "analysis": "pain_week12",
        "columns": {"difference": {"print": "estimate_ci"}},
        "rows": [{"row": "pain", "where": {"statistic": "difference"}}],
        "decimals": {"estimate": 2, "limits": 2},
    }
    rows = samples.parallel_rows()
    part = rows[
        (rows["analysis"] == "pain_week12") & (rows["statistic"] == "difference")
    ]
    (row,) = part.to_dict("records")
    texts = [f"{row[n]:.2f}" for n in ("estimate", "ci_lower", "ci_upper")]
    assert made(**spec).rows[0].cells[1].text == f"{texts[0]} ({texts[1]};{texts[2]})"
    opposite = [f"{-row[n]:.2f}" for n in ("estimate", "ci_upper", "ci_lower")]
    turned = made(**spec, turned=True)
    assert (
        turned.rows[0].cells[1].text == f"{opposite[0]} ({opposite[1]};{opposite[2]})"
    )
    assert any("control with treatment" in text for _, text in turned.footnotes)


# --- listings ---


def people():
    return pd.DataFrame(
        {
            "USUBJID": ["S 2", "S 1", "S 3"],
            "TRT01P": ["Placebo", "LDN 6 mg", "Placebo"],
            "AGE": [61.0, 50.5, None],
        }
    ).astype({"USUBJID": "str", "TRT01P": "str"})


def listing(**spec):
    return made(
        template="listing",
        dataset="adsl",
        columns={"USUBJID": "Participant", "AGE": "Age"},
        datasets={"adsl": people()},
        **spec,
    )


def test_a_listing_prints_the_dataset_as_it_stands():
    table = listing()
    texts = [[cell.text for cell in row.cells] for row in table.rows]
    assert texts == [["S 1", "50.5"], ["S 2", "61"], ["S 3", ""]]
    assert table.rows[0].cells[1].rows == (f"adsl:{NAME}:S_1",)
    assert table.source == f"results/datasets/{NAME}/adsl.parquet"


def test_a_listing_is_filtered_sorted_and_paged():
    table = listing(where="TRT01P == 'Placebo'", sort=["AGE"], page=1)
    texts = [row.cells[0].text for row in table.rows]
    assert texts == ["Page 1 of 2", "S 2", "Page 2 of 2", "S 3"]
    nobody = listing(where="AGE > 99")
    assert [row.cells[0].text for row in nobody.rows] == ["Nobody."]


def test_a_listing_without_its_dataset_or_column_is_refused():
    with pytest.raises(DataError, match="lists 'adsl', no such dataset"):
        made(template="listing", dataset="adsl", columns={"USUBJID": "Participant"})
    with pytest.raises(ConfigError, match="no column 'BMI'; known: USUBJID, TRT01P"):
        made(
            template="listing",
            dataset="adsl",
            columns={"BMI": "BMI"},
            datasets={"adsl": people()},
        )


# --- what the rows do not have ---


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"template": "ancova", "rows": [{"row": "comparison", "reference": "X"}]},
            "at tables.declared.rows: no comparison with 'X'; known: LDN 6 mg versus",
        ),
        (
            {"template": "ancova", "rows": ["dose_response"]},
            "at tables.declared.rows: no statistic 'dose_response'; known: ",
        ),
        (
            {
                "template": "estimates",
                "columns": {"x": "X"},
                "rows": [{"row": "a", "where": {"statistic": "diffrence"}}],
            },
            "at tables.declared.rows: no statistic 'diffrence'; known: ",
        ),
        (
            {"template": "ancova", "columns": {"LDN 3 mg": "Low"}},
            "at tables.declared.columns: no group 'LDN 3 mg'; known: LDN 6 mg, Placebo",
        ),
    ],
)
def test_a_name_that_the_rows_do_not_know_is_refused(spec, said):
    with pytest.raises(ConfigError) as refused:
        made(analysis="pain_week12", **spec)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"config/trials/{NAME}.yaml, ")


def test_an_analysis_without_rows_is_refused():
    none = samples.parallel_rows().iloc[:0]
    with pytest.raises(DataError, match="there are no rows of the analysis"):
        made(none, template="ancova", analysis="pain_week12")
