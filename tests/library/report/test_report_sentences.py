"""Sentences say what the rows say: each number in them is printed from a row."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tables"))
import table_samples as samples

from trialstats.formatting import MINUS, format_number, format_p_value
from trialstats.records import records
from trialstats.report.section_ends import agreement_sentence
from trialstats.report.sentences import synthesis_sentences, trial_sentences
from trialstats.tables.cells import printed_value

CASES = {
    "pain": (samples.pain_rows, samples.SYNTHESIS),
    "serious": (samples.serious_rows, samples.SERIOUS),
    "crohn": (samples.crohn_rows, samples.CROHN),
}


def said(name):
    rows, settings = CASES[name]
    return synthesis_sentences(rows(), synthesis=settings, labels=samples.LABELS)


def numbers_of(record):
    """Return every way in which a sentence may print a row."""
    texts = set()
    for column in ("estimate", "ci_lower", "ci_upper"):
        value = printed_value(record, column)
        texts |= {format_number(value, d, minus=MINUS) for d in (2, 3)}
    if record["estimate"] is not None:
        texts.add(format_number(100 * record["estimate"], 0))
    texts |= {str(record[c]) for c in ("n_subjects", "n_trials")}
    texts.add(format_p_value(record["p_value"]).lstrip("<>"))
    return texts


@pytest.mark.parametrize("name", CASES)
def test_every_number_is_printed_from_a_row_that_the_sentence_names(name):
    by_id = {r["row_id"]: r for r in records(CASES[name][0]())}
    # Years of labels, the level of intervals, and the time point are no results.
    other = {"2024", "2025", "2011", "95", "12"}
    for sentence in said(name):
        named = [by_id[i] for i in sentence.rows]
        allowed = other.union(*(numbers_of(r) for r in named))
        numbers = re.findall(rf"{MINUS}?\d+(?:\.\d+)?", sentence.text)
        assert set(numbers) <= allowed, sentence.text


def test_pooled_result_is_honest_about_width_and_conflict():
    texts = [s.text for s in said("pain")]
    assert texts[0] == (
        "In two trials (k = 2, n = 197), the pooled mean difference in pain intensity "
        f"at 12 weeks was 0.03 (95% CI {MINUS}5.21 to 5.27; p = 0.950)."
    )
    assert "includes no difference" in texts[1]
    assert "is no evidence that there is no effect" in texts[1]
    assert f"opposite directions: Alpha 2024 {MINUS}0.34 against Beta 2025 0.49" in (
        " ".join(texts)
    )


def test_single_trial_is_called_one_and_missing_trials_are_named():
    texts = " ".join(s.text for s in said("serious"))
    assert "In a single trial (Alpha 2024, n = 98)" in texts
    assert "One trial is not a replication." in texts
    assert "Beta 2025 gives no estimate: no event in either arm." in texts


def test_recalled_numbers_are_named():
    texts = " ".join(s.text for s in said("crohn"))
    assert "The numbers of Gamma 2011 are recalled" in texts


def test_dependence_on_the_model_is_said():
    rows = samples.pain_rows()
    other = (rows["statistic"] == "pooled_effect") & (rows["role"] == "sensitivity")
    # The equal-effects interval moves off zero, so that the reading changes.
    rows.loc[other, "ci_upper"] = -0.01
    texts = " ".join(
        s.text
        for s in synthesis_sentences(
            rows, synthesis=samples.SYNTHESIS, labels=samples.LABELS
        )
    )
    assert "The reading depends on the model; it differs under EE.wald" in texts


def test_direction_names_whom_it_favours():
    rows = samples.pain_rows()
    main = rows["role"].eq("primary") & rows["statistic"].eq("pooled_effect")
    rows.loc[main, ["estimate", "ci_lower", "ci_upper"]] = [-0.5, -0.9, -0.1]
    texts = [
        s.text
        for s in synthesis_sentences(
            rows, synthesis=samples.SYNTHESIS, labels=samples.LABELS
        )
    ]
    assert texts[1] == "The interval excludes no difference and favours LDN."


def test_trials_say_that_their_data_are_synthetic():
    (sentence,) = trial_sentences(samples.parallel_rows(), trial=samples.PARALLEL)
    assert sentence.text == (
        "Change in pain at week 12, LDN 6 mg versus Placebo, in these synthetic data: "
        f"difference {MINUS}0.34 (95% CI {MINUS}0.95 to 0.27; p = 0.270)."
    )
    assert sentence.rows[0] in set(samples.parallel_rows()["row_id"])


def test_agreement_counts_the_checks():
    sentence = agreement_sentence(samples.agreement_rows())
    assert sentence.text == (
        "3 of 3 checks agree within their tolerance (dense-matrix solution)."
    )


def test_a_single_trial_is_told_at_its_own_time():
    """The time of the outcome, 8 to 52 weeks, spans trials that give no estimate."""
    settings = samples.SERIOUS | {
        "outcome": samples.SERIOUS["outcome"] | {"timepoint": "8 to 52 weeks"}
    }
    rows = samples.serious_rows().assign(visit="12 weeks")
    text = synthesis_sentences(rows, synthesis=settings, labels=samples.LABELS)[0].text
    assert " at 12 weeks was " in text
    assert "52" not in text
