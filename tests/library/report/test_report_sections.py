"""The order of a section, and that no figure and no table is lost."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tables"))
import table_samples as samples

from trialstats.report import places
from trialstats.report.content import Figure, SynthesisMaterial, TrialMaterial
from trialstats.report.synthesis_section import synthesis_section
from trialstats.report.trial_section import trial_section
from trialstats.tables import trial_tables

NAMES = (
    *("profile", "account", "flow", "adverse_events", "residuals_pain_week12"),
    *("kaplan_meier_relapse", "waterfall", "individual_profiles", "periods"),
    *("subgroups_pain_week12", "tipping_point_responders", "analyses", "brand_new"),
)


def tables_of(trial, rows):
    return {
        "account": samples.account_steps(),
        "changes": samples.changed_values(),
        "queries": samples.query_rows(),
        "set_aside": samples.set_aside_rows(),
        "dictionary": samples.dictionary_rows(),
    }


@pytest.fixture(scope="module")
def section():
    config, rows = samples.PARALLEL, samples.parallel_rows()
    drawn = tuple(Figure(f"{config['id']}_{name}", "", name) for name in NAMES)
    material = TrialMaterial(config, rows, **tables_of(config, rows), figures=drawn)
    return trial_section(material, samples.agreement_rows())


def below(block):
    yield block
    for part in block.parts:
        yield from below(part)


def test_a_trial_goes_from_its_question_to_the_warnings(section):
    titles = [block.title for block in section.blocks]
    order = [
        "Question",
        "Estimand",
        "Data and their account",
        "Result",
        "Tables",
        "Sensitivity",
        "Methods as run",
        "Agreement of two engines",
        "Warnings",
    ]
    assert [title for title in titles if title in order] == order
    assert (
        section.blocks[0]
        .paragraphs[0]
        .startswith(
            "How does LDN 6 mg compare with Placebo in fibromyalgia: change in pain"
        )
    )
    assert ("Treatment", "LDN 6 mg versus placebo") in section.blocks[1].facts


def test_no_figure_of_a_trial_is_lost_and_unknown_ones_stand_apart(section):
    placed = {f.alt: block.title for block in section.blocks for f in block.figures}
    assert set(placed) == set(NAMES)
    assert placed["brand_new"] == "Further figures"
    assert placed["flow"] == placed["account"] == "Data and their account"
    assert placed["kaplan_meier_relapse"] == placed["waterfall"] == "Result"
    assert placed["tipping_point_responders"] == placed["analyses"] == "Sensitivity"
    assert placed["subgroups_pain_week12"] == "Subgroups"
    assert placed["residuals_pain_week12"] == "Residuals of the mixed models"


def test_no_table_of_a_trial_is_lost(section):
    config, rows = samples.PARALLEL, samples.parallel_rows()
    made = trial_tables(rows, trial=config, **tables_of(config, rows))
    shown = {t.id for block in section.blocks for b in below(block) for t in b.tables}
    missing = {t.id for t in made.values() if t.rows} - shown
    assert missing == set()


def test_the_type_of_a_declared_figure_places_it():
    declared = {"mine": {"type": "tipping_point"}}
    assert places.place_of_trial_figure("mine", declared) == places.SENSITIVITY
    assert places.place_of_trial_figure("mine") == places.FURTHER


def test_warnings_say_what_has_no_estimate_and_why():
    rows = samples.serious_rows()
    material = SynthesisMaterial(samples.SERIOUS, rows)
    warned = pd.DataFrame(
        [{**row, "trial": "T1"} for row in samples.warning_rows().to_dict("records")]
    )
    section = synthesis_section(
        material, samples.LABELS, agreement=samples.agreement_rows(), warnings=warned
    )
    assert [b.title for b in section.blocks][-1] == "Warnings"
    said = section.blocks[-1].sentences
    absent = [s for s in said if s.text.startswith("Without an estimate")]
    assert absent
    by_id = {r["row_id"]: r for r in rows.to_dict("records")}
    for sentence in absent:
        reasons = {by_id[i]["not_estimable"] for i in sentence.rows}
        assert len(reasons) == 1
        assert reasons.pop().rstrip(".") in sentence.text
    assert len(said) - len(absent) == len(warned)


def test_figures_of_a_synthesis_that_compare_need_trials_to_compare():
    kinds = ("", "funnel", "gosh", "prisma", "brand_new", "sensitivity")
    config = samples.SYNTHESIS
    drawn = tuple(
        Figure(f"{config['id']}.{k}".rstrip("."), "", k or "forest") for k in kinds
    )
    section = synthesis_section(
        SynthesisMaterial(config, samples.pain_rows(), drawn), samples.LABELS
    )
    placed = {f.alt: block.title for block in section.blocks for f in block.figures}
    # Two trials: a funnel of them shows nothing.
    assert placed == {
        "forest": "Result",
        "gosh": "Heterogeneity",
        "prisma": "Data and their account",
        "sensitivity": "Sensitivity",
        "brand_new": "Further figures",
    }
