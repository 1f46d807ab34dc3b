"""The evidence map: every trial in its row, under what it offers."""

import pandas as pd
import pytest
from figure_samples import assert_tidy, texts

from trialstats.errors import DataError
from trialstats.figures.evidence import OFFERS, evidence_map_alt_text, evidence_map_plot
from trialstats.figures.render import render


def evidence(n=1):
    rows = [
        ("chronic pain", "fibromyalgia", "Due Bruun 2024", "randomised parallel", 99),
        (
            "chronic pain",
            "fibromyalgia",
            "Younger 2009",
            "crossover, not randomised",
            10,
        ),
        ("mental health", "depression", "Mischoulon 2017", "randomised parallel", 12),
        ("other", "a condition with a very long name indeed", "X", "case series", None),
    ]
    names = ["group", "condition_group", "label", "design_class", "n"]
    frame = pd.DataFrame(rows * n, columns=names).sort_values("group", kind="stable")
    offers = [*OFFERS] * n
    reasons = [None, None, "Descriptive only. More words.", "No number was published."]
    return frame.assign(
        trial=[f"T{i}" for i in range(len(frame))], offers=offers, reason=reasons * n
    ).astype({"n": "Int64"})


@pytest.mark.parametrize("n", [1, 12])
def test_the_map_is_tidy_and_names_everything(n):
    figure = evidence_map_plot(
        evidence(n), title="Trials of LDN", subtitle="By condition"
    )
    assert_tidy(figure)
    found = [t.get_text() for t in texts(figure)]
    assert {"Chronic pain", "Mental health", "Other", "Due Bruun 2024"} <= set(found)
    assert {"Pooled", "Randomised parallel", "Case series", "99", "–"} <= set(found)


def test_each_trial_is_marked_under_what_it_offers():
    figure = evidence_map_plot(evidence(), title="Trials")
    heads = {t.get_text(): t.get_position()[0] for t in texts(figure)}
    marks = [
        line.get_xdata()[0]
        for line in figure.axes[0].lines
        if line.get_marker() not in ("None", None) and len(line.get_xdata()) == 1
    ]
    # The first trial offers a pooled number, the second stands alone.
    assert marks[0] == heads["Pooled"]
    assert marks[1] == heads["Usable"] == heads["alone"]


def test_the_map_is_drawn_alike_twice_and_leaves_its_rows():
    frame = evidence()
    before = frame.copy(deep=True)
    first = render(evidence_map_plot(frame), "svg")
    assert first == render(evidence_map_plot(frame), "svg")
    assert frame.equals(before)


def test_alt_text_counts_the_trials():
    alt = evidence_map_alt_text(evidence(), title="Trials")
    assert alt.startswith("Trials: chronic pain, 2 trials (1 pooled, 1 usable alone);")


def test_an_unknown_offer_is_refused():
    frame = evidence().assign(offers="everything")
    with pytest.raises(DataError, match=r"write one of pooled, usable alone"):
        evidence_map_plot(frame)
