"""Every number in a figure of a synthesis is found in the rows that its text names."""

import re

import pytest
from figure_samples import SYNTHESIS, two_trials
from synthesis_points import with_points
from synthesis_samples import GROUPED, WHOLE

from trialstats.figures.forest import ForestOptions, forest_plot
from trialstats.figures.of_synthesis import FIGURES, synthesis_figure
from trialstats.figures.reading import texts_of
from trialstats.figures.render import render
from trialstats.records import records
from trialstats.tracing import unresolved

#: A weight that rounding for the sum moves by a tenth.
TENTH = re.compile(r"\d+\.\d%?")


def lost(figure, rows, labels):
    """Return texts with numbers that none of the rows they name holds."""
    known = {r["row_id"]: r for r in records(rows)}
    found = []
    for written in texts_of(render(figure, "svg")):
        named = [known[i] for i in written.rows]
        if named and unresolved(written.text, named) and not moved(written.text, named):
            found.append((written.text, written.rows))
    return found


def moved(text, named):
    """Return whether a text is a share of the weight, printed to the next tenth."""
    if not TENTH.fullmatch(text):
        return False
    value = float(text.rstrip("%"))
    shares = {"weight", "subgroup_weight", "total_weight"}
    weights = [r["estimate"] for r in named if r["statistic"] in shares]
    # Members of a group are rounded one by one, their sum with them.
    return bool(weights) and abs(100 * sum(weights) - value) < 0.3


def unnamed(figure, labels):
    """Return texts with effects, intervals or p-values that name no row."""
    effect = re.compile(r"\d\.\d+ [\[(]|[pP]\s?[=<]\s?[\d.]|τ²\s?=|=\s?\d+\.\d")
    return [
        w.text
        for w in texts_of(render(figure, "svg"))
        if not w.rows and not w.of_axis and effect.search(w.text)
    ]


@pytest.mark.parametrize("layout", ["plain", "cochrane", "jama", "bmj"])
def test_numbers_of_a_forest_plot(layout):
    rows, labels = with_points(13, groups=3)
    figure = forest_plot(
        rows,
        synthesis=GROUPED,
        labels=labels,
        options=ForestOptions(layout=layout),
    )
    assert lost(figure, rows, labels) == []
    assert unnamed(figure, labels) == []


@pytest.mark.parametrize("layout", ["plain", "cochrane", "jama", "bmj"])
def test_numbers_of_a_forest_plot_of_means(layout):
    rows = two_trials()
    figure = forest_plot(
        rows,
        synthesis=SYNTHESIS,
        labels={},
        options=ForestOptions(layout=layout),
    )
    assert lost(figure, rows, {}) == []
    assert unnamed(figure, {}) == []


@pytest.mark.parametrize("name", [n for n in FIGURES if n != "prisma"])
def test_numbers_of_the_figures_beside(name):
    rows, labels = with_points(13)
    figure, *_ = synthesis_figure(name, rows, synthesis=WHOLE, labels=labels)
    assert lost(figure, rows, labels) == []
    assert [t for t in unnamed(figure, labels) if "< p ≤" not in t] == []


def test_every_mark_of_a_trial_names_its_row():
    rows, labels = with_points(13)
    svg = render(forest_plot(rows, synthesis=WHOLE, labels=labels), "svg").decode()
    main = rows[(rows["role"] == "primary") | (rows["statistic"] == "effect")]
    drawn = main[
        main["estimate"].notna() & main["statistic"].isin(["effect", "weight"])
    ]
    for row_id in drawn["row_id"]:
        assert re.search(rf'data-row="[^"]*\b{re.escape(row_id)}\b', svg)
