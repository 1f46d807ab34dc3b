"""Intervals are labelled with the level of their rows, whatever it is."""

import pytest
import table_samples as samples

from trialstats import tables
from trialstats.report.sentences import synthesis_sentences, trial_sentences


def at_level(rows, level):
    """Return rows whose intervals are of another level."""
    return rows.assign(confidence_level=rows["confidence_level"].replace(0.95, level))


def trial_tables(level):
    made = []
    for rows, trial in (
        (samples.parallel_rows(), samples.PARALLEL),
        (samples.crossover_rows(), samples.CROSSOVER),
    ):
        for name, settings in trial["analyses"].items():
            part = at_level(rows, level)
            if settings["model"]["type"] == "adverse_events":
                made.append(tables.adverse_events_table(part, trial=trial))
            else:
                made.append(tables.efficacy_table(part, trial=trial, analysis=name))
    return made


def synthesis_tables(rows, settings=samples.SYNTHESIS):
    named = {"synthesis": settings}
    return [
        tables.trial_effects_table(rows, labels=samples.LABELS, **named),
        tables.sensitivity_table(rows, **named, labels={}),
        tables.published_pools_table(rows, **named),
        tables.summary_of_effects(rows, syntheses=[settings]),
    ]


def labels(table):
    """Return the heads of a table: its columns and its stubs."""
    return [c.label for c in table.columns] + [r.cells[0].text for r in table.rows]


@pytest.mark.parametrize(
    ("level", "words"), [(0.9, "90%"), (0.95, "95%"), (0.975, "97.5%"), (0.99, "99%")]
)
def test_every_table_states_the_level_of_its_rows(level, words):
    synthesis = synthesis_tables(at_level(samples.pain_rows(), level))
    for table in (*trial_tables(level), *synthesis):
        stated = [t for t in labels(table) if "CI" in t or "confidence interval" in t]
        assert stated, table.id
        assert all(words in text for text in stated), (table.id, stated)


def test_no_level_is_stated_that_no_row_has():
    rows = samples.parallel_rows()
    none = rows.assign(confidence_level=float("nan"))
    table = tables.efficacy_table(none, trial=samples.PARALLEL, analysis="pain_week12")
    assert "Confidence interval" in labels(table)


def test_an_interval_of_another_level_than_its_column_says_so():
    rows = samples.pain_rows()
    other = rows["model_id"] == samples.EQUAL["model_id"]
    mixed = rows.assign(confidence_level=rows["confidence_level"].mask(other, 0.8))
    table = tables.sensitivity_table(mixed, synthesis=samples.SYNTHESIS, labels={})
    printed = [row.cells[2].text for row in table.rows if not row.heading]
    # As many intervals of one level as of the other: the main model's is the usual.
    assert "Estimate (95% CI)" in [c.label for c in table.columns]
    assert "80%" not in printed[0]
    assert "(80% CI " in printed[1]


def test_sentences_state_the_level_unrounded():
    rows = at_level(samples.pain_rows(), 0.975)
    named = {"synthesis": samples.SYNTHESIS, "labels": samples.LABELS}
    said = synthesis_sentences(rows, **named)
    said += trial_sentences(
        at_level(samples.parallel_rows(), 0.975), trial=samples.PARALLEL
    )
    intervals = [s.text for s in said if " CI " in s.text]
    assert any("τ²" in text for text in intervals)
    assert len(intervals) > 2
    for text in intervals:
        assert text.count("97.5% CI") == text.count(" CI "), text
