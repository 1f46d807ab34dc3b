"""Tables print what stands in the rows: every expected text is read off the samples."""

import math

import pandas as pd
import pytest
import table_samples as samples

import trialstats
from trialstats import tables
from trialstats.errors import DataError
from trialstats.formatting import MINUS, format_interval, format_number
from trialstats.records import finding_counts, identified, one, records
from trialstats.rows import estimates_frame
from trialstats.tables.table import Footnotes
from trialstats.vocabulary import AVERAGE_OVER_VISITS


def efficacy_tables(rows, *, trial):
    """Return the table of every analysis of a trial but its adverse events."""
    return [
        tables.efficacy_table(rows, trial=trial, analysis=name)
        for name, settings in trial["analyses"].items()
        if settings["model"]["type"] != "adverse_events"
    ]


def line(table, stub):
    """Return the printed cells of the row that begins with `stub`."""
    found = [
        [c.printed for c in row.cells]
        for row in table.rows
        if not row.heading and row.cells[0].text == stub
    ]
    assert len(found) == 1, (stub, found)
    return found[0]


def all_tables():
    parallel, crossover = samples.parallel_rows(), samples.crossover_rows()
    effects = pd.concat(
        [samples.pain_rows(), samples.serious_rows(), samples.crohn_rows()]
    )
    settings = [samples.SYNTHESIS, samples.SERIOUS, samples.CROHN]
    made = [
        tables.adverse_events_table(parallel, trial=samples.PARALLEL),
        tables.summary_of_effects(effects, syntheses=settings),
        tables.agreement_table(samples.agreement_rows()),
        tables.evidence_table(samples.evidence_rows()),
        tables.warnings_table(samples.warning_rows()),
        tables.trial_characteristics(
            samples.published_trials(), samples.published_effects()
        ),
    ]
    for rows, trial in ((parallel, samples.PARALLEL), (crossover, samples.CROSSOVER)):
        labels = tables.labels_of(trial)
        made += [
            tables.baseline_table(rows, labels, trial=trial),
            tables.disposition_table(rows, trial=trial),
            *efficacy_tables(rows, trial=trial),
            tables.account_table(samples.account_steps(), trial=trial),
            tables.changes_table(samples.changed_values(), trial=trial),
            tables.quality_table(samples.query_rows(), trial=trial),
            tables.dictionary_table(samples.dictionary_rows(), trial=trial),
            tables.queries_table(samples.query_rows(), trial=trial),
            tables.set_aside_table(samples.set_aside_rows(), trial=trial),
        ]
    for s in settings:
        part = effects[effects["synthesis"] == s["synthesis"]]
        made.append(
            tables.trial_effects_table(part, synthesis=s, labels=samples.LABELS)
        )
        if s["pooling"]:
            made.append(tables.sensitivity_table(part, synthesis=s, labels={}))
        made.append(tables.published_pools_table(part, synthesis=s))
    return made


def all_row_ids():
    frames = [
        samples.parallel_rows(),
        samples.crossover_rows(),
        samples.pain_rows(),
        samples.serious_rows(),
        samples.crohn_rows(),
        samples.agreement_rows(),
    ]
    listings = {
        "agreement": samples.agreement_rows(),
        "evidence_map": samples.evidence_rows(),
        "warnings": samples.warning_rows(),
        "published_trials": samples.published_trials(),
    }
    of_trial = {
        "steps": samples.account_steps(),
        "changes": samples.changed_values(),
        "queries": samples.query_rows(),
        "findings": finding_counts(samples.query_rows()),
        "dictionary": samples.dictionary_rows(),
        "set_aside": samples.set_aside_rows(),
    }
    listed = [identified(frame, kind) for kind, frame in listings.items()] + [
        identified(frame, kind, trial["id"])
        for trial in (samples.PARALLEL, samples.CROSSOVER)
        for kind, frame in of_trial.items()
    ]
    ids = {row["row_id"] for rows in listed for row in rows if ":" in row["row_id"]}
    return ids | {i for frame in frames for i in frame["row_id"]}


def test_ids_of_tables_are_unique():
    names = [t.id for t in all_tables()]
    assert len(names) == len(set(names))


def test_every_row_named_by_a_cell_exists():
    known = all_row_ids()
    named = {i for t in all_tables() for i in t.row_ids}
    assert named
    assert named <= known


def test_every_estimate_of_a_trial_is_on_a_table():
    # Nothing computed is hidden: the tables of a trial name all of its rows but the
    # denominators that other cells already print.
    for rows, trial in (
        (samples.parallel_rows(), samples.PARALLEL),
        (samples.crossover_rows(), samples.CROSSOVER),
    ):
        made = [
            tables.baseline_table(rows, {}, trial=trial),
            tables.disposition_table(rows, trial=trial),
            *efficacy_tables(rows, trial=trial),
        ]
        if "adverse_events" in trial["analyses"]:
            made.append(tables.adverse_events_table(rows, trial=trial))
        printed = {i for t in made for i in t.row_ids}
        assert set(rows["row_id"]) - printed == set()


def test_ancova_prints_the_rows_with_its_model_and_estimand():
    table = tables.efficacy_table(
        samples.parallel_rows(), trial=samples.PARALLEL, analysis="pain_week12"
    )
    rows = records(samples.parallel_rows())
    difference = one(rows, statistic="difference", analysis="pain_week12")
    limits = format_interval(
        difference["ci_lower"], difference["ci_upper"], separator=" to ", minus=MINUS
    ).strip("()")
    assert line(table, "95% confidence interval")[-1] == limits
    assert line(table, "Adjusted mean (SE)")[-1] == f"{MINUS}0.34 (0.31)"
    assert line(table, "Participants analysed")[1:3] == ["49", "49"]
    assert line(table, "Participants with data")[1:3] == ["45", "45"]
    assert line(table, "p-value")[-1] == "0.270"
    assert line(table, "Degrees of freedom")[-1] == "95"
    preface = {label: cell.text for label, cell in table.preface}
    assert preface["Model"] == samples.ANCOVA
    assert (
        preface["Intercurrent events"]
        == "discontinuation of treatment: treatment policy"
    )
    assert preface["Scale"] == "Average pain (NRS 0-10); lower is better"
    assert [c.label for c in table.columns[1:]] == [*samples.ARMS, samples.CONTRAST]


def test_a_rounded_zero_has_no_minus_sign():
    # The placebo mean is -0.004 and a risk difference is -0.0001.
    printed = [
        c.printed
        for t in all_tables()
        for row in t.rows
        for c in row.cells
        if c.text.startswith(("0.0", "-0", f"{MINUS}0"))
    ]
    assert "0.00 (0.22)" in printed
    assert not [t for t in printed if t.startswith((f"{MINUS}0.0 ", f"{MINUS}0.00"))]


def test_binary_table_has_absolute_and_relative_effects():
    table = tables.efficacy_table(
        samples.parallel_rows(), trial=samples.PARALLEL, analysis="responders"
    )
    assert line(table, "With the event, n (%)")[1:3] == ["12 (25.0%)", "8 (16.7%)"]
    absolute = line(table, "Risk difference, percentage points (95% CI)")
    assert absolute[-1] == f"8.3 ({MINUS}8.0 to 25.0)"
    # Stored as logs of 1.5, 0.7 and 3.2.
    assert line(table, "Risk ratio (95% CI)")[-1] == "1.50 (0.70 to 3.20)"


def test_not_estimable_carries_its_reason():
    rows = samples.binary_rows("demo_parallel", estimable=False)
    table = tables.efficacy_table(
        estimates_frame(rows), trial=samples.PARALLEL, analysis="responders"
    )
    assert line(table, "Risk ratio (95% CI)")[-1] == "NEa"
    assert ("a", "NE, not estimable: no event in either arm.") in table.footnotes


def test_a_model_over_visits_has_a_row_a_visit_and_its_terms():
    table = tables.efficacy_table(
        samples.parallel_rows(), trial=samples.PARALLEL, analysis="pain_over_time"
    )
    assert [row.cells[0].text for row in table.rows] == [
        *("Week 4", "Week 8", "Week 12", "Average over visits"),
        *("Tests of the terms (type III)", "Treatment by visit"),
    ]
    assert line(table, "Week 12")[1] == "44 (45)"
    assert line(table, "Week 12")[-2:] == ["250.5", "0.005"]  # p is 0.0048
    assert line(table, "Average over visits")[1] == ""
    tested = [cell for cell in line(table, "Treatment by visit")[1:] if cell]
    assert tested == ["F(2) = 2.35", "88.0", "0.031"]


def test_the_model_stands_on_its_table_with_every_step_of_the_ladder():
    table = tables.efficacy_table(
        samples.parallel_rows(), trial=samples.PARALLEL, analysis="pain_over_time"
    )
    said = [(label, cell.text) for label, cell in table.preface]
    start = said.index(("Model", samples.MIXED))
    assert said[start + 1 :] == [
        ("Covariance", "unstructured: left. It did not converge."),
        ("", "Toeplitz, 3 parameters"),
        ("", "had that not fitted, in this order: compound symmetry"),
        (
            "Fit",
            f"log-likelihood {MINUS}512.35; AIC 1030.69; BIC 1038.50; "
            "93 participants; 265 observations",
        ),
        ("Software", f"trialstats {trialstats.__version__}"),
    ]


def test_a_model_over_visits_without_estimate_says_why_at_each_visit():
    rows = [
        row
        for row in samples.mixed_rows("demo_parallel")
        if row["statistic"] == "n_with_data"
    ]
    visits = ("Week 4", "Week 8", "Week 12", AVERAGE_OVER_VISITS)
    failed = [
        samples.trial_row(
            "demo_parallel",
            "pain_over_time",
            "difference",
            visit=visit,
            contrast=samples.CONTRAST,
            method=samples.MIXED,
            not_estimable="Placebo has no data.",
        )
        for visit in visits
    ]
    table = tables.efficacy_table(
        estimates_frame([*rows, *failed]),
        trial=samples.PARALLEL,
        analysis="pain_over_time",
    )
    for visit in visits:
        assert "NEa" in line(table, visit)
        said = "" if visit == AVERAGE_OVER_VISITS else "NE (45)"
        assert line(table, visit)[1] == said
    models = [cell.text for label, cell in table.preface if label == "Model"]
    assert models == [samples.MIXED]


def test_the_visits_averaged_over_are_named():
    rows = samples.parallel_rows()
    name = "pain_over_time"
    settings = samples.PARALLEL["analyses"][name]
    model = settings["model"] | {"averaged_over": ["Week 8", "Week 12"]}
    chosen = samples.PARALLEL | {"analyses": {name: settings | {"model": model}}}
    table = tables.efficacy_table(rows, trial=chosen, analysis=name)
    usual = tables.efficacy_table(rows, trial=samples.PARALLEL, analysis=name)
    assert line(table, "Average of weeks 8 and 12") == [
        "Average of weeks 8 and 12",
        *line(usual, AVERAGE_OVER_VISITS)[1:],
    ]
    notes = " ".join(text for _, text in table.footnotes)
    assert "average is over Week 8 and Week 12 alone" in notes


def test_an_average_alone_still_states_its_model():
    rows = samples.parallel_rows()
    only = rows[rows["visit"].isin([AVERAGE_OVER_VISITS])]
    table = tables.efficacy_table(
        only, trial=samples.PARALLEL, analysis="pain_over_time"
    )
    assert ("Model", samples.MIXED) in [(k, c.text) for k, c in table.preface]


def test_crossover_has_period_and_sequence():
    (table,) = efficacy_tables(samples.crossover_rows(), trial=samples.CROSSOVER)
    stubs = [row.cells[0].text for row in table.rows]
    assert "Period effect (Period 2 versus Period 1) (95% CI)" in stubs
    assert "Sequence effect (95% CI)" in stubs
    assert any(stub.startswith("First period alone") for stub in stubs)
    preface = {label: cell.text for label, cell in table.preface}
    assert preface["Variance between subjects"] == "1.23"
    assert preface["Variance within subjects"] == "0.88"
    assert [c.label for c in table.columns[1:]] == [*samples.ARMS, samples.CONTRAST]


def test_baseline_has_missing_rows_denominators_and_no_test():
    table = tables.baseline_table(
        samples.parallel_rows(),
        tables.labels_of(samples.PARALLEL),
        trial=samples.PARALLEL,
    )
    assert [c.label for c in table.columns][1:] == [
        "LDN 6 mg (N = 50)",
        "Placebo (N = 51)",
        "Total (N = 52)",
    ]
    stubs = [row.cells[0].text for row in table.rows]
    assert stubs.count("Missing") == 2
    assert line(table, "Female")[1] == "30/40 (75.0%)"
    # 50.25 rounds half away from zero.
    assert line(table, "Mean (SD)")[1] == "50.3 (8.8)"
    assert not [s for s in stubs if s == "p" or "p-value" in s]


def test_adverse_events_count_people_and_events():
    table = tables.adverse_events_table(samples.parallel_rows(), trial=samples.PARALLEL)
    made = line(table, "Any adverse event")
    assert made[1:5] == ["10 (20.4%)", "15", "10 (20.4%)", "15"]
    assert made[5] == f"0.0 ({MINUS}15.0 to 15.0)"
    assert line(table, "Nausea")[-1] == ""


def test_synthetic_tables_say_so():
    for table in all_tables():
        if table.id.startswith(("demo_parallel", "demo_crossover")):
            assert "Synthetic data" in table.subtitle


def test_summary_marks_what_was_not_read_in_print():
    effects = pd.concat([samples.pain_rows(), samples.crohn_rows()])
    table = tables.summary_of_effects(
        effects, syntheses=[samples.SYNTHESIS, samples.CROHN]
    )
    marks = dict(table.footnotes)
    assert {"†", "‡"} <= set(marks)
    stubs = [r.cells[0].printed for r in table.rows if not r.heading]
    assert stubs == [
        "Pain in fibromyalgia‡",
        "Review 2024: pain†a",
        "Crohn's diseaseb",
        "clinical remission†",
        "clinical response†",
    ]
    pain = next(r for r in table.rows if r.cells[0].text == "Pain in fibromyalgia")
    assert [c.text for c in pain.cells[2:9]] == [
        "2",
        "197",
        f"0.03 ({MINUS}5.21 to 5.27)",
        "0.950",
        f"{MINUS}9.10 to 9.20",
        "0.211 (0.000 to 350.100)",
        "61%",
    ]
    review = next(r for r in table.rows if r.cells[0].text == "Review 2024: pain")
    assert review.cells[4].text == f"{MINUS}0.90 ({MINUS}1.50 to {MINUS}0.30)"


def test_trials_without_events_stay_in_view():
    table = tables.trial_effects_table(
        samples.serious_rows(), synthesis=samples.SERIOUS, labels=samples.LABELS
    )
    assert line(table, "Beta 2025")[1:4] == ["0/49", "0/49", "NEb"]
    assert ("b", "NE, not estimable: no event in either arm.") in table.footnotes
    assert ("a", "As published") in table.footnotes


def test_agreement_shows_the_check_that_differs_most():
    table = tables.agreement_table(samples.agreement_rows())
    title, row = table.rows
    assert title.heading
    assert row.cells[-1].rows == ("demo_parallel.pain_week12.difference-3",)
    assert [c.printed for c in row.cells[:4]] == [
        "dense-matrix solution",
        "3 of 3",
        f"3e{MINUS}13",
        f"1e{MINUS}6a",
    ]
    assert ("a", "Tolerance: closed form in both") in table.footnotes


def test_agreement_puts_a_disagreement_first():
    frame = samples.agreement_rows()
    frame.loc[2, "agrees"] = False
    (_, row) = tables.agreement_table(frame).rows
    assert row.cells[1].text == "2 of 3"
    assert row.cells[-1].rows == (frame.loc[2, "row_id"],)


def test_evidence_says_where_no_number_is_usable():
    table = tables.evidence_table(
        samples.evidence_rows(), titles={"demo_pain": "Pain in fibromyalgia"}
    )
    made = line(table, "Beta 2025")
    assert made[:3] == [
        "Beta 2025†",
        "no usable number",
        "No number was published or found.",
    ]
    assert made[7] == "31 analysed"
    assert line(table, "Alpha 2024")[1:3] == ["pooled", "Pain in fibromyalgia"]
    assert line(table, "Alpha 2024")[7:] == ["99", "One remark."]


def test_a_frame_without_its_columns_is_refused():
    frame = samples.evidence_rows().drop(columns="group")
    with pytest.raises(DataError, match="no column 'group'"):
        tables.evidence_table(frame)


def test_tables_of_a_trial_go_by_the_names_of_their_files():
    made = tables.trial_tables(
        samples.parallel_rows(),
        trial=samples.PARALLEL,
        account=samples.account_steps(),
        changes=samples.changed_values(),
        queries=samples.query_rows(),
        set_aside=samples.set_aside_rows(),
        dictionary=samples.dictionary_rows(),
    )
    described = ["baseline", "disposition", "account", "changes", "quality"]
    described += ["queries", "set_aside", "dictionary"]
    assert list(made) == [*samples.PARALLEL["analyses"], *described]
    assert all(t.id == f"demo_parallel_{name}" for name, t in made.items())


def test_two_rows_for_one_cell_are_refused():
    frame = samples.parallel_rows()
    twin = frame[frame["statistic"] == "difference"].head(1).assign(row_id="twin")
    with pytest.raises(DataError, match="2 rows where one was expected"):
        tables.efficacy_table(
            pd.concat([frame, twin]), trial=samples.PARALLEL, analysis="pain_week12"
        )


def test_letters_go_on_after_z():
    notes = Footnotes()
    marks = [notes.letter(str(n)) for n in range(28)]
    assert (marks[0], marks[25], marks[26], marks[27]) == ("a", "z", "aa", "ab")


@pytest.mark.parametrize("value", [-0.004, 0.0, -1.005, 12345.678])
def test_cells_print_as_formatting_does(value):
    row = samples.trial_row("t", "a", "mean", estimate=value)
    cell = tables.cells.value(records(estimates_frame([row]))[0], Footnotes())
    assert cell.text == format_number(value, 2, minus=MINUS)


def test_ratios_come_back_from_the_log_scale():
    row = samples.trial_row(
        "t", "a", "risk_ratio", scale="log", estimate=math.log(2), ci_lower=0.0
    )
    row["ci_upper"] = math.log(4)
    record = records(estimates_frame([row]))[0]
    cell = tables.cells.value_interval(record, Footnotes())
    assert cell.text == "2.00 (1.00 to 4.00)"


def test_pools_of_several_measures_stand_under_headings_that_begin_with_a_capital():
    rows = samples.pain_rows()
    other = rows[rows["statistic"] == "published_pool"].assign(
        row_id="demo.other", subgroup="other"
    )
    made = tables.published_pools_table(
        pd.concat([rows, other], ignore_index=True), synthesis=samples.SYNTHESIS
    )
    headings = [row.cells[0].text for row in made.rows if row.heading]
    assert headings[:2] == ["Mean difference", "Other measures"]


def test_risk_differences_of_a_synthesis_are_percentage_points():
    """-0.0063 (-0.0348 to 0.0222) as a proportion is -0.63 (-3.48 to 2.22) points."""
    rows = samples.serious_rows()
    pooled = rows["statistic"].eq("pooled_effect")
    rows.loc[pooled, ["scale", "unit"]] = ["natural", "proportion"]
    rows.loc[pooled, ["estimate", "ci_lower", "ci_upper"]] = [-0.0063, -0.0348, 0.0222]
    made = tables.sensitivity_table(rows, synthesis=samples.SERIOUS, labels={})
    printed = [c.text for row in made.rows for c in row.cells]
    assert f"{MINUS}0.63 ({MINUS}3.48 to 2.22)" in printed
    assert any("percentage points" in text for _, text in made.footnotes)


def test_the_dagger_of_a_trial_does_not_claim_that_its_numbers_were_checked():
    """For some trials only the citation was recalled (data/published/trials.csv)."""
    made = tables.evidence_table(
        samples.evidence_rows().assign(evidence_status="recalled")
    )
    said = [text for mark, text in made.footnotes if mark == "†"]
    assert len(said) == 1
    assert said[0].startswith("Recalled in part")
    assert all(r.cells[0].marks == "†" for r in made.rows if not r.heading)


def test_fitted_trials_show_their_participants_and_no_empty_arms():
    rows = samples.pain_rows()
    fitted = rows[~rows["statistic"].isin(["mean", "standard_deviation", "n"])]
    made = tables.trial_effects_table(
        fitted, synthesis=samples.SYNTHESIS, labels=samples.LABELS
    )
    heads = [c.label for c in made.columns]
    assert "n" in heads
    assert not {"LDN", "Placebo"} & set(heads)
    sizes = [row.cells[heads.index("n")].text for row in made.rows]
    effects = fitted.loc[fitted["statistic"].eq("effect"), "n_subjects"]
    assert sizes == [f"{n:.0f}" for n in effects]
