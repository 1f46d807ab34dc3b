"""Figures of a synthesis beside its forest plot: marks against the rows, and words."""

import math

import numpy as np
import pytest
from figure_samples import assert_tidy, row, texts
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from synthesis_samples import GROUPED, WHOLE, continuous, synthesis, without

from trialstats.errors import DataError
from trialstats.figures.baujat import baujat_alt_text, baujat_plot, placed
from trialstats.figures.forest import forest_plot
from trialstats.figures.funnel import funnel_alt_text, funnel_plot
from trialstats.figures.influence import (
    DIAGNOSTICS,
    influence_alt_text,
    influence_plot,
)
from trialstats.figures.leave_one_out import (
    leave_one_out_alt_text,
    leave_one_out_plot,
)
from trialstats.figures.render import render
from trialstats.figures.sensitivity import sensitivity_alt_text, sensitivity_plot
from trialstats.figures.theme import PAPER, POOLED, PREDICTION, SENSITIVITY, TRIAL
from trialstats.rows import estimates_frame

FIGURES = {
    "funnel": (funnel_plot, funnel_alt_text),
    "influence": (influence_plot, influence_alt_text),
    "baujat": (baujat_plot, baujat_alt_text),
    "leave_one_out": (leave_one_out_plot, leave_one_out_alt_text),
    "sensitivity": (sensitivity_plot, sensitivity_alt_text),
}


def about(k, **figure):
    rows, labels = synthesis(k)
    return rows, {"synthesis": WHOLE | {"figure": figure}, "labels": labels}


def words(figure):
    return [t.get_text() for t in texts(figure)]


def place(figure, text):
    """Return where a text stands; of several the lowest, for ticks are low."""
    found = [t.get_position() for t in texts(figure) if t.get_text() == text]
    return max(found, key=lambda at: at[1])


def marks(figure, colour, shape=None):
    """Return the places of all markers of a colour, an array (n, 2)."""
    found = [
        np.column_stack([line.get_xdata(), line.get_ydata()])
        for line in figure.findobj(Line2D)
        if line.get_linestyle() == "None"
        and to_hex(line.get_markerfacecolor()) == colour
        and (shape is None or line.get_marker() == shape)
    ]
    return np.concatenate(found) if found else np.empty((0, 2))


def values(rows, statistic):
    found = rows[(rows["statistic"] == statistic) & rows["estimate"].notna()]
    return found.set_index("trial")["estimate"]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("k", [1, 2, 13, 150])
def test_texts_neither_touch_nor_leave_the_page(name, k):
    rows, named = about(k)
    assert_tidy(FIGURES[name][0](rows, **named))


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        *((name, "jama") for name in FIGURES),
        ("leave_one_out", "cochrane"),
        ("sensitivity", "bmj"),
    ],
)
def test_every_house_with_long_names(name, layout):
    rows, labels = synthesis(
        13, label="A very long name of a trial with a consortium {i} {year}"
    )
    synthesis_ = WHOLE | {"figure": {"layout": layout, "font_size": 11}}
    assert_tidy(FIGURES[name][0](rows, synthesis=synthesis_, labels=labels))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("scale", [1e-8, 1e9])
def test_huge_and_tiny_units(name, scale):
    rows, labels = continuous(6, scale=scale)
    named = {"synthesis": WHOLE | {"measure": "MD"}, "labels": labels}
    assert_tidy(FIGURES[name][0](rows, **named))


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_bytes_twice_and_the_rows_as_they_were(name):
    rows, named = about(13)
    before = rows.copy(deep=True)
    draw, describe = FIGURES[name]
    alt = describe(rows, **named)
    first = render(draw(rows, **named), "svg", alt=alt)
    assert first == render(draw(rows, **named), "svg", alt=describe(rows, **named))
    assert rows.equals(before)


@pytest.mark.parametrize("name", FIGURES)
def test_synthetic_data_are_named(name):
    rows, named = about(13)
    rows = rows.assign(data_status="synthetic")
    draw, describe = FIGURES[name]
    assert any(w.startswith("SYNTHETIC DATA") for w in words(draw(rows, **named)))
    assert describe(rows, **named).startswith("Synthetic data.")


@pytest.mark.parametrize("name", FIGURES)
def test_without_a_trial_there_is_nothing_to_draw(name):
    rows, named = about(2)
    with pytest.raises(DataError, match="no row to draw"):
        FIGURES[name][0](without(rows, "effect"), **named)


@pytest.mark.parametrize("name", FIGURES)
def test_rows_of_the_trials_alone_are_enough(name):
    # A synthesis that is not pooled has no other rows.
    rows, named = about(13)
    alone = rows[rows["statistic"] == "effect"]
    draw, describe = FIGURES[name]
    assert_tidy(draw(alone, **named))
    assert WHOLE["title"] in describe(alone, **named)


# Funnel plots


def effect_axis(figure):
    """Return where an effect stands, from the ticks 0.5 and 1."""
    half, one = place(figure, "0.5")[0], place(figure, "1")[0]
    return lambda value: one + value * (one - half) / math.log(2)


def test_points_stand_at_effect_and_standard_error_the_precise_ones_on_top():
    rows, named = about(13)
    figure = funnel_plot(rows, **named)
    x = effect_axis(figure)
    effects = rows[(rows["statistic"] == "effect") & rows["estimate"].notna()]
    # The legend has one more.
    points = marks(figure, TRIAL, "o")[: len(effects)]
    found = points[np.argsort(points[:, 0])]
    wanted = effects.sort_values("estimate")
    np.testing.assert_allclose(found[:, 0], wanted["estimate"].map(x), atol=1e-6)
    slopes = np.diff(found[:, 1]) / np.diff(wanted["standard_error"])
    # One scale for all, growing downwards.
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-6)
    assert slopes[0] > 0


def test_trials_added_by_trim_and_fill_are_open():
    rows, named = about(13)
    figure = funnel_plot(rows, **named)
    filled = rows[rows["statistic"] == "trim_and_fill_filled"]
    # The legend has one more.
    points = marks(figure, PAPER, "o")
    assert len(points) == len(filled) + 1
    x = effect_axis(figure)
    np.testing.assert_allclose(
        sorted(points[:-1, 0]), sorted(filled["estimate"].map(x)), atol=1e-6
    )
    assert "Trial added by trim and fill" in words(figure)


def test_regions_begin_where_p_is_ten_five_and_one_per_cent():
    rows, named = about(13)
    figure = funnel_plot(rows, **named)
    x = effect_axis(figure)
    top, low = place(figure, "0.0")[1], place(figure, "0.7")[1]
    unit = (low - top) / 0.7
    limits = []
    for region in figure.findobj(Polygon):
        corners = region.get_xy()
        assert corners[0][0] == pytest.approx(x(0.0), abs=1e-6)
        right = corners[1]
        effect = (right[0] - x(0.0)) / (x(1.0) - x(0.0))
        # The apex is at a standard error of zero.
        limits.append(effect / ((right[1] - corners[0][1]) / unit))
    # Two-sided points of the normal: 10, 5 and 1 %.
    assert sorted(limits) == pytest.approx([1.645, 1.960, 2.576], abs=5e-4)


def test_the_pooled_effect_is_a_dashed_line():
    rows, named = about(13)
    figure = funnel_plot(rows, **named)
    pooled = rows[(rows["statistic"] == "pooled_effect") & (rows["role"] == "primary")]
    dashed = [
        line.get_xdata()[0]
        for line in figure.findobj(Line2D)
        if to_hex(line.get_color()) == POOLED and line.get_linestyle() == "--"
    ]
    wanted = effect_axis(figure)(pooled["estimate"].iloc[0])
    assert dashed[0] == pytest.approx(wanted, abs=1e-6)


def test_tests_of_asymmetry_stand_under_the_funnel_with_a_warning_for_few_trials():
    for k, warned in ((13, False), (10, True)):
        rows, named = about(k)
        # One trial of thirteen has no estimate; all of ten have one.
        if k == 10:
            first = values(rows, "effect").index[0]
            lost = (rows["statistic"] == "effect") & (rows["trial"] == first)
            rows.loc[lost, ["estimate", "ci_lower", "ci_upper"]] = np.nan
        page = " ".join(words(funnel_plot(rows, **named)))
        egger = rows[rows["statistic"] == "egger_test"].iloc[0]
        assert f"(SE 0.90), t = {egger['test_statistic']:.2f}".replace("-", "−") in page
        assert "Begg's test: Kendall's τ = 0.18, p = 0.390." in page
        assert "Harbord's test:" in page
        assert ("fewer than 10 trials, tests of asymmetry" in page) == warned
        assert "Trim and fill: 2 trials added; pooled effect with them" in page


def test_a_test_that_is_not_estimable_says_why():
    rows, named = about(13)
    own = rows["statistic"] == "egger_test"
    rows.loc[own, ["estimate", "p_value", "test_statistic"]] = np.nan
    rows["not_estimable"] = rows["not_estimable"].astype(object)
    rows.loc[own, "not_estimable"] = "all standard errors are equal"
    page = words(funnel_plot(rows, **named))
    assert "Egger's test: not estimable; all standard errors are equal." in page


def test_the_funnel_says_its_result_in_words():
    rows, named = about(13)
    alt = funnel_alt_text(rows, **named)
    assert "12 trials, risk ratio 0.50 [0.36, 0.68]" in alt
    assert "Egger's test: intercept" in alt


# Influence


def test_a_point_for_each_trial_and_diagnostic():
    rows, named = about(13)
    figure = influence_plot(rows, **named)
    flagged = int(values(rows, "influential").sum())
    assert 0 < flagged < 12
    assert len(marks(figure, TRIAL, "o")) == (12 - flagged) * len(DIAGNOSTICS)
    assert len(marks(figure, PREDICTION, "D")) == flagged * len(DIAGNOSTICS)
    found = {w for text in words(figure) for w in text.split()}
    for diagnostic in DIAGNOSTICS:
        assert set(diagnostic.title.split()) <= found


def test_points_of_one_diagnostic_share_a_scale():
    rows, named = about(13)
    figure = influence_plot(rows, **named)
    residuals = values(rows, "studentized_residual")
    everything = np.concatenate([marks(figure, TRIAL), marks(figure, PREDICTION)])
    y = {name: place(figure, named["labels"][name])[1] for name in residuals.index}
    # The text stands a little lower than the middle of its row.
    height = min(y.values()) - everything[:, 1].min()
    first = {}
    for name, at in y.items():
        own = everything[abs(everything[:, 1] - (at - height)) < 1.0]
        first[name] = own[:, 0].min()
    xs = np.array([first[name] for name in residuals.index])
    fit = np.polyfit(residuals, xs, 1)
    np.testing.assert_allclose(np.polyval(fit, residuals), xs, atol=1e-6)


def test_influential_trials_are_named_however_many_there_are():
    rows, named = about(150)
    found = words(influence_plot(rows, **named))
    influential = values(rows, "influential")
    shown = [named["labels"][t] for t, flag in influential.items() if flag]
    apart = [n for n in shown if n in found]
    # Neighbours both influential may leave one without a name on the figure.
    assert len(apart) >= 0.8 * len(shown)
    assert sum(w.startswith("Author") for w in found) < len(influential)
    assert "names that have no room are left out" in " ".join(found)


def test_influence_in_words():
    rows, named = about(13)
    alt = influence_alt_text(rows, **named)
    flags = values(rows, "influential")
    for trial, flag in flags.items():
        told = alt.split("Influential: ")[1].split(".")[0]
        assert (named["labels"][trial] in told) == bool(flag)
    assert "The largest studentized residual is −1.79, of Author 4 1952." in alt


def test_limits_of_influence_are_drawn_where_they_belong():
    # Thirteen trials with numbers so large that no limit is far from them.
    limits = {d.statistic: d.limits(13) for d in DIAGNOSTICS}
    assert limits["studentized_residual"] == pytest.approx((-1.96, 1.96), abs=1e-4)
    # metafor: 3 sqrt(p/(k - p)), the median of chi-squared, 3 p/k; p = 1 here.
    assert limits["dffits"] == pytest.approx((-(0.75**0.5), 0.75**0.5))
    assert limits["cook_distance"] == pytest.approx((0.4549364,), abs=1e-4)
    assert limits["hat"] == pytest.approx((3 / 13,))


# Baujat


def test_baujat_places_trials_by_both_coordinates_and_names_the_extremes():
    rows, named = about(60)
    figure = baujat_plot(rows, **named)
    x, y = values(rows, "baujat_heterogeneity"), values(rows, "baujat_influence")
    points = np.concatenate([marks(figure, TRIAL), marks(figure, PREDICTION)])
    assert len(points) == len(x) == 55
    order = np.argsort(points[:, 0])
    fit = np.polyfit(np.sort(x), points[order, 0], 1)
    np.testing.assert_allclose(np.polyval(fit, np.sort(x)), points[order, 0], atol=1e-6)
    heights = np.sort(points[:, 1])[::-1]
    fit = np.polyfit(np.sort(y), heights, 1)
    np.testing.assert_allclose(np.polyval(fit, np.sort(y)), heights, atol=1e-6)
    assert fit[0] < 0
    found = words(figure)
    for extreme in (x.idxmax(), y.idxmax()):
        assert named["labels"][extreme] in found


def test_names_of_points_in_one_place_are_left_out_but_the_first():
    places = {name: (100.0, 100.0) for name in "abc"}
    names = dict.fromkeys("abc", "A name of some length")
    frame = (0.0, 0.0, 200.0, 200.0)
    found = placed(names, places, frame, 9.0)
    assert "a" in found
    assert placed(names, places, (95.0, 95.0, 105.0, 105.0), 9.0) == {}


def test_baujat_in_words():
    rows, named = about(13)
    alt = baujat_alt_text(rows, **named)
    most = values(rows, "baujat_heterogeneity").idxmax()
    assert f"Most heterogeneity from: {named['labels'][most]}," in alt


# Leave-one-out


def test_leave_one_out_prints_each_result_and_the_main_one_last():
    rows, named = about(13)
    figure = leave_one_out_plot(rows, **named)
    found = words(figure)
    left = rows[rows["statistic"] == "leave_one_out_effect"]
    assert len(left) == 12
    for _, one in left.iterrows():
        shown = [
            f"{math.exp(one[c]):.2f}" for c in ("estimate", "ci_lower", "ci_upper")
        ]
        assert f"{shown[0]} [{shown[1]}, {shown[2]}]" in found
    ys = [place(figure, named["labels"][t])[1] for t in left["trial"]]
    assert ys == sorted(ys)
    assert place(figure, "None left out, 95% CI")[1] > ys[-1]
    assert {"p", "τ²", "I²", "Trials", "RR [95% CI]"} <= set(found)
    diamonds = [
        p for p in figure.findobj(Polygon) if to_hex(p.get_facecolor()) == POOLED
    ]
    assert len(diamonds) == 1


def test_the_main_estimate_is_a_dashed_line_across():
    rows, named = about(13)
    pooled = rows[(rows["statistic"] == "pooled_effect") & (rows["role"] == "primary")]
    for draw in (leave_one_out_plot, sensitivity_plot):
        figure = draw(rows, **named)
        dashed = [
            line.get_xdata()
            for line in figure.findobj(Line2D)
            if to_hex(line.get_color()) == SENSITIVITY
        ]
        assert len(dashed) == 1
        half, one = place(figure, "0.5")[0], place(figure, "1")[0]
        unit = (one - half) / math.log(2)
        wanted = one + pooled["estimate"].iloc[0] * unit
        assert dashed[0] == pytest.approx([wanted, wanted], abs=1e-6)


def test_leave_one_out_in_words_names_who_changes_the_verdict():
    rows, named = about(2)
    alt = leave_one_out_alt_text(rows, **named)
    assert "All trials: risk ratio 0.83 [0.48, 1.43]" in alt
    assert "changes without Author 1 1949" in alt


# Sensitivity


def test_every_analysis_has_a_line_under_its_heading():
    rows, named = about(13)
    figure = sensitivity_plot(rows, **named)
    headings = [
        "Main analysis",
        "Configured analyses",
        "Bayesian analyses",
        "Small-study effects",
        "Estimators of τ² and intervals",
        "Without one trial",
    ]
    ys = [place(figure, heading)[1] for heading in headings]
    assert ys == sorted(ys)
    found = words(figure)
    assert "Random effects, DerSimonian-Laird, Wald, 95% CI" in found
    assert "Equal effects, Wald, 95% CI" in found
    assert "Bayesian, half-normal prior of τ, scale 0.5, 95% CrI" in found
    assert "Trim and fill, 2 trials added, 95% CI" in found
    assert "Paule-Mandel, Hartung-Knapp ad hoc" in found
    grid = rows[rows["statistic"] == "grid_effect"]
    squares = 1 + 2 + 1 + len(grid) + 12
    drawn = [
        t
        for t in texts(figure)
        if "[" in t.get_text() and "interval" not in t.get_text()
    ]
    # The diamond of the main model has a line as well.
    assert len(drawn) == squares + 1


def test_of_many_trials_left_out_the_extremes_are_shown():
    rows, named = about(60)
    found = words(sensitivity_plot(rows, **named))
    assert "45 estimates between these" in found
    left = values(rows, "leave_one_out_effect").sort_values()
    shown = [named["labels"][t] for t in (left.index[0], left.index[-1])]
    assert set(shown) <= set(found)


def test_another_measure_stands_in_text_alone():
    rows, named = about(13)
    listed = [{"measure": "OR"}]
    figure = sensitivity_plot(
        rows, synthesis=WHOLE | {"sensitivity": listed}, labels=named["labels"]
    )
    assert any(w.startswith("OR 0.") for w in words(figure))


def test_an_analysis_that_failed_stays_with_its_line():
    rows, named = about(13)
    own = rows["model_id"] == "HE.wald"
    numbers = ["estimate", "ci_lower", "ci_upper", "p_value"]
    rows.loc[own, numbers] = np.nan
    found = words(sensitivity_plot(rows, **named))
    assert "Not estimable" in found
    assert "Hedges-Olkin, Wald" in found


def test_sensitivity_in_words():
    rows, named = about(13)
    alt = sensitivity_alt_text(rows, **named)
    assert "Main analysis: risk ratio 0.50 [0.36, 0.68]" in alt
    assert "34 other analyses: estimates from 0.47 to 0.54" in alt
    assert "intervals that exclude no effect: 34." in alt


def test_a_model_with_levels_names_its_variances():
    rows, labels = synthesis(13)
    key = "REML.wald.district-school"
    rows["model_id"] = rows["model_id"].replace("DL.wald", key)
    rows = without(rows, "weight")
    listed = rows.astype(object).where(rows.notna(), None).to_dict("records")
    for group, value in (("district", 0.065), ("district/school", 0.033)):
        listed.append(
            row(
                "variance_component",
                model_id=key,
                group=group,
                estimate=value,
                method="profile-likelihood interval",
            )
        )
    figure = forest_plot(estimates_frame(listed), synthesis=GROUPED, labels=labels)
    assert_tidy(figure)
    page = " ".join(words(figure)).replace("\N{NO-BREAK SPACE}", " ")
    assert "Random effects of district and school, REML, Wald" in page
    assert "district 0.065; school within district 0.033" in page
    # Trials have no weights of their own in such a model.
    assert "Weight, %" not in page
    assert "Squares: estimate;" in page
