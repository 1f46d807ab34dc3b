"""Figures name the confidence level of the intervals that they draw."""

import re

import pytest
from figure_samples import SYNTHESIS, row, texts, two_trials
from test_trial_figures import TITLES, adverse_events, crossover, profile

from trialstats.figures.adverse_events import adverse_event_plot
from trialstats.figures.forest import forest_alt_text, forest_plot
from trialstats.figures.period_means import period_plot
from trialstats.figures.render import drawn_ggplot
from trialstats.figures.visits import mean_profile
from trialstats.rows import estimates_frame


def at_level(rows, level):
    return rows.assign(confidence_level=rows["confidence_level"].replace(0.95, level))


def stated(figure):
    """Return every level that a figure states."""
    page = " ".join(t.get_text() for t in texts(figure)).replace("\n", " ")
    pattern = r"([\d.]+%)\s(?:CI|confidence|prediction)"
    return re.findall(pattern, page.replace("\N{NO-BREAK SPACE}", " "))


@pytest.mark.parametrize("level", [0.9, 0.95, 0.975])
def test_figures_of_a_trial_state_the_level_of_their_rows(level):
    figures = [
        drawn_ggplot(
            mean_profile(at_level(profile(["Week 4", "Week 8"]), level), **TITLES)
        ),
        drawn_ggplot(period_plot(at_level(crossover(), level), **TITLES)),
        adverse_event_plot(at_level(adverse_events(), level), title="Events"),
    ]
    for figure in figures:
        assert set(stated(figure)) == {f"{100 * level:g}%"}


def test_forest_plots_state_the_level_of_their_rows():
    rows = at_level(two_trials(), 0.9)
    about = {"synthesis": SYNTHESIS, "labels": {}}
    assert set(stated(forest_plot(rows, **about))) == {"90%"}
    assert "(90% CI " in forest_alt_text(rows, **about)


def test_a_published_pool_of_another_level_says_so():
    pool = row(
        "published_pool",
        group="Moss 2024",
        parameter="Pain",
        unit="MD",
        estimate=-0.5,
        ci_lower=-1.0,
        ci_upper=0.0,
        confidence_level=0.95,
    )
    listed = [*at_level(two_trials(), 0.9).to_dict("records"), pool]
    figure = forest_plot(estimates_frame(listed), synthesis=SYNTHESIS, labels={})
    found = [t.get_text() for t in texts(figure)]
    assert "MD [90% CI]" in found
    assert [t for t in found if t.endswith("(95% CI)")]
