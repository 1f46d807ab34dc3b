"""Forest plots: the sixteen points, the fit of every text, the marks."""

import math

import pytest
from figure_samples import (
    BINARY,
    SYNTHESIS,
    arm,
    assert_tidy,
    effect,
    many,
    pooled,
    row,
    svg_texts,
    texts,
    two_trials,
)
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon, Rectangle

from trialstats.errors import ConfigError, DataError
from trialstats.figures.forest import ForestOptions, forest_alt_text, forest_plot
from trialstats.figures.render import render
from trialstats.figures.theme import INK, POOLED, PREDICTION, TRIAL
from trialstats.rows import estimates_frame
from trialstats.version import __version__

LABELS = {"A": "Adams 2020", "B": "Baker 2021"}


def draw(rows, synthesis=SYNTHESIS, labels=LABELS, **options):
    chosen = ForestOptions(**options) if options else None
    return forest_plot(rows, synthesis=synthesis, labels=labels, options=chosen)


def words(figure):
    return [t.get_text() for t in texts(figure)]


def joined(figure):
    return " ".join(words(figure))


def patches(figure, kind, colour):
    return [
        p
        for p in figure.findobj(kind)
        if to_hex(p.get_facecolor()) == colour and p.get_facecolor()[3] > 0
    ]


@pytest.mark.parametrize("layout", ["plain", "cochrane", "jama", "bmj"])
@pytest.mark.parametrize("size", [7, 9, 14])
def test_every_layout_and_size_is_tidy(layout, size):
    figure = draw(two_trials(), layout=layout, font_size=size)
    assert_tidy(figure)


@pytest.mark.parametrize("width", [4, 7, 16])
def test_a_narrow_page_grows_and_a_wide_one_is_filled(width):
    figure = draw(two_trials(), width=width)
    assert_tidy(figure)
    assert figure.get_size_inches()[0] >= width


def test_long_arms_titles_and_notes_are_broken_into_lines():
    synthesis = SYNTHESIS | {
        "title": "A title that never ends " * 12,
        "comparison": {
            "treatment": "Low-dose naltrexone 4.5 mg at night",
            "control": "Matching placebo capsules",
        },
        "favours": {
            "lower": "Low-dose naltrexone 4.5 mg at night",
            "higher": "Matching placebo capsules",
        },
        "notes": ["A note that is much longer than the page is wide. " * 9],
    }
    rows = two_trials()
    names = {"LDN": synthesis["comparison"]["treatment"]}
    names["Placebo"] = synthesis["comparison"]["control"]
    assert_tidy(draw(rows.assign(group=rows["group"].replace(names)), synthesis))


def test_what_belongs_on_a_forest_plot_of_means_is_there():
    svg = render(draw(two_trials(), minimal_important_difference=1.0), "svg")
    found = svg_texts(svg)
    page = " ".join(found)
    # 1 title, axis; 2 rows; 3 raw data and totals; 5 weights; 6 effects in text
    assert SYNTHESIS["title"] in found
    assert (
        "LDN versus Placebo; Pain intensity, NRS 0-10; women with fibromyalgia" in page
    )
    assert "Mean difference, pain intensity (NRS 0-10);" in found
    assert "negative favours LDN" in found
    assert {"Adams 2020", "Baker 2021‡"} <= set(found)
    assert found.count("Mean") == found.count("SD") == found.count("n") == 2
    assert {"−1.30", "1.57", "49", "−0.33", "LDN", "Placebo"} <= set(found)
    assert {"Total", "97", "100", "55.4", "44.6", "100.0"} <= set(found)
    assert {"Weight, %", "random, REML", "MD [95% CI]"} <= set(found)
    assert {"−0.34 [−0.95, 0.27]", "0.49 [−0.32, 1.30]"} <= set(found)
    # 8 diamond's label; 9 prediction interval and its form; sensitivity analyses
    assert "Random effects, REML, Hartung-Knapp, 95% CI" in found
    assert "−0.20 [−0.90, 0.50]" in found
    assert {"95% prediction interval (t, 1 df)", "[−1.40, 1.00]"} <= set(found)
    assert "Random effects, REML, Hartung-Knapp ad hoc, 95% CI" in found
    assert "Equal effects, Wald, 95% CI" in found
    # 10 heterogeneity; 11 test; 12 favours; 15 band; 16 footnotes
    assert "τ² = 0.21 (95% CI 0.00 to 351, Q-profile); I² = 61% (from τ²);" in page
    assert "Q = 10.01, df = 1, p = 0.040" in page
    assert "Test of overall effect: t = −0.87, df = 1, p = 0.433" in found
    assert {"← Favours LDN", "Favours placebo →"} <= set(found)
    assert "minimal important difference (±1)" in page
    assert "‡ Derived by arithmetic from published numbers." in found
    assert "A note of the synthesis." in found
    software = f"Software: trialstats {__version__}."
    assert f"Data: published (1 trial), derived (1). {software}" in found


def test_what_belongs_on_a_forest_plot_of_counts_is_there():
    rows, labels = many(5)
    found = words(draw(rows, BINARY, labels))
    page = " ".join(found)
    assert found.count("Events/Total") == 2
    assert "Risk ratio, any adverse event (log axis);" in found
    assert "below 1 favours LDN" in found
    assert found.count("Not estimable") == 1
    assert "Not estimable: Author 3 1993; no events in either arm." in found
    assert "0.5 added to every cell of a table that holds a zero" in page
    assert "Author 2 1992†" in found
    assert any(w.startswith("† Recalled") for w in found)


def test_printed_weights_add_to_one_hundred():
    # Thirteen weights of 1/13 = 7.692 %: cut to tenths they add to 98.8.
    listed = [effect(f"T{i}", 0.1, -1.0, 1.2) for i in range(13)]
    listed += pooled({f"T{i}": 1 / 13 for i in range(13)})
    printed = [w for w in words(draw(estimates_frame(listed))) if w in ("7.6", "7.7")]
    assert len(printed) == 13
    assert math.isclose(math.fsum(map(float, printed)), 100.0)


def test_area_of_the_squares_follows_the_weights():
    figure = draw(two_trials())
    areas = [p.get_width() * p.get_height() for p in patches(figure, Rectangle, TRIAL)]
    # Exact in the drawing's own units, but for floating point.
    assert areas[0] / areas[1] == pytest.approx(0.554 / 0.446, rel=1e-9)


def test_diamond_spans_the_pooled_interval_and_prediction_looks_different():
    figure = draw(two_trials(), axis_limits=(-2, 2))
    (diamond,) = patches(figure, Polygon, POOLED)
    tips = diamond.get_xy()[:, 0]
    (bar,) = patches(figure, Rectangle, PREDICTION)
    # Interval (-0.9, 0.5) against prediction (-1.4, 1.0) on one linear axis.
    assert (tips.max() - tips.min()) / bar.get_width() == pytest.approx(1.4 / 2.4)
    assert not patches(figure, Polygon, PREDICTION)


def test_no_diamond_for_one_trial():
    rows, labels = many(1)
    figure = draw(rows, BINARY, labels)
    assert not patches(figure, Polygon, POOLED)
    assert "One trial with an estimate: not pooled." in words(figure)
    assert "Weight, %" not in words(figure)


def test_arrows_where_the_axis_cuts_an_interval():
    whole = draw(two_trials(), axis_limits=(-3, 3))
    cut = draw(two_trials(), axis_limits=(-0.5, 0.5))
    # Lines of both trials are cut on one side at least; -0.95, 0.27 | -0.32, 1.30.
    assert len(patches(whole, Polygon, INK)) == 0
    assert len(patches(cut, Polygon, INK)) == 2
    # Both ends of the prediction interval lie beyond.
    assert len(patches(cut, Polygon, PREDICTION)) == 2


def test_a_result_wholly_beyond_the_axis_leaves_only_its_arrow():
    figure = draw(two_trials(), axis_limits=(2, 3))
    assert_tidy(figure)
    assert not patches(figure, Rectangle, TRIAL)
    assert len(patches(figure, Polygon, INK)) == 2


def test_ratios_have_ticks_on_the_natural_scale():
    listed = [
        effect("A", math.log(0.5), math.log(0.05), math.log(5), scale="log"),
        effect("B", math.log(2), math.log(0.4), math.log(10), scale="log"),
    ]
    found = words(draw(estimates_frame(listed), BINARY))
    assert {"0.1", "1", "10"} <= set(found)
    assert "0.50 [0.05, 5.00]" in found


def test_synthetic_data_are_named_under_the_title():
    rows = two_trials().assign(data_status="synthetic")
    figure = draw(rows)
    title, banner, *_ = sorted(texts(figure), key=lambda t: -t.get_position()[1])[::-1]
    assert title.get_text() == SYNTHESIS["title"]
    assert banner.get_text().startswith("SYNTHETIC DATA")
    alt = forest_alt_text(rows, synthesis=SYNTHESIS, labels=LABELS)
    assert alt.startswith("Synthetic data.")


def test_outcomes_of_one_trial_are_rows_under_its_name():
    listed = []
    for number, outcome in enumerate(("remission", "response")):
        about = {"parameter": outcome, "scale": "log"}
        listed += arm("A", "LDN", parameter=outcome, events=5 + number, n=18)
        listed += arm("A", "Placebo", parameter=outcome, events=3, n=16)
        listed.append(effect("A", 0.39 + number, -0.9, 1.7 + number, **about))
    figure = draw(estimates_frame(listed), BINARY | {"pooling": False})
    found = words(figure)
    assert {"Adams 2020", "Remission", "Response", "5/18", "6/18"} <= set(found)
    assert "Not pooled." in found
    assert not patches(figure, Polygon, POOLED)
    assert_tidy(figure)


def published(review, outcome, measure, estimate, low, high):
    ratio = measure in ("RR", "IRR")
    values = [math.log(v) if ratio else v for v in (estimate, low, high)]
    return row(
        "published_pool",
        group=review,
        parameter=outcome,
        unit=measure,
        scale="log" if ratio else "natural",
        estimate=values[0],
        ci_lower=values[1],
        ci_upper=values[2],
        confidence_level=0.95,
    )


REVIEWS = (
    published("Moss 2024, J Pain, doi 10.1/2", "pain score", "MD", -0.86, -1.2, -0.51),
    published("Reed 2025, Ann Med", "pain", "SMD", -0.5, -1.19, 0.19),
    published("Reed 2025, Ann Med", "vivid dreams", "RR", 2.41, 1.77, 3.28),
)


def test_published_pools_stand_below_under_their_own_heading():
    rows = estimates_frame([*two_trials().to_dict("records"), REVIEWS[0]])
    rows = rows.astype(object).where(rows.notna(), None)
    figure = draw(rows)
    found = words(figure)
    assert {"Published reviews", "Moss 2024", "−0.86 [−1.20, −0.51]"} <= set(found)
    at = {t.get_text(): t.get_position()[1] for t in texts(figure)}
    assert at["Moss 2024"] > at["Random effects, REML, Hartung-Knapp, 95% CI"]
    assert_tidy(figure)


def test_reviews_alone_have_an_axis_for_each_measure():
    figure = draw(estimates_frame(REVIEWS), SYNTHESIS | {"pooling": False})
    found = words(figure)
    for heading in ("Mean difference", "Standardized mean difference", "Risk ratio"):
        assert heading in found
    assert "Risk ratio (log axis)" in found
    assert any(w.startswith("Open diamonds: pooled results") for w in found)
    assert {"Pain score", "Reed 2025", "2.41 [1.77, 3.28]"} <= set(found)
    assert_tidy(figure)


def test_risk_differences_are_printed_in_points():
    listed = [effect("A", -0.0063, -0.0348, 0.0222), effect("B", 0.01, -0.02, 0.04)]
    synthesis = BINARY | {"measure": "RD"}
    found = words(draw(estimates_frame(listed), synthesis))
    assert "−0.63 [−3.48, 2.22]" in found
    assert any("percentage points" in w for w in found)


@pytest.mark.parametrize(
    ("layout", "interval", "test"),
    [
        ("plain", "−0.34 [−0.95, 0.27]", "t = −0.87, df = 1, p = 0.433"),
        ("cochrane", "−0.34 [−0.95, 0.27]", "t = −0.87, df = 1, P = 0.43"),
        ("jama", "−0.34 (−0.95 to 0.27)", "t = −0.87, df = 1, P = .43"),
        ("bmj", "−0.34 (−0.95 to 0.27)", "t=−0.87, df=1, P=0.43"),
    ],
)
def test_houses_print_intervals_and_p_values_their_way(layout, interval, test):
    figure = draw(two_trials(), layout=layout)
    assert interval in words(figure)
    assert f"Test of overall effect: {test}" in joined(figure)


def test_signs_without_a_side_name_none():
    favours = {"lower": "sign not stated", "higher": "sign not stated"}
    found = words(draw(two_trials(), SYNTHESIS | {"favours": favours}))
    assert not any("sign not stated" in w.lower() for w in found)


def test_another_measure_among_the_sensitivity_analyses_is_text_alone():
    rows, labels = many(5)
    variations = [{"measure": "OR"}, {"tau_squared": "EE", "inference": "wald"}]
    figure = draw(rows, BINARY | {"sensitivity": variations}, labels)
    assert any(w.startswith("OR 0.") for w in words(figure))


def test_the_rows_are_left_as_they_are():
    rows = two_trials()
    before = rows.copy(deep=True)
    draw(rows)
    forest_alt_text(rows, synthesis=SYNTHESIS, labels=LABELS)
    assert rows.equals(before)


def test_alt_text_says_the_result():
    alt = forest_alt_text(two_trials(), synthesis=SYNTHESIS, labels=LABELS)
    assert "2 trials pooled, mean difference −0.20 (95% CI −0.90 to 0.50;" in alt
    assert "the interval includes no effect. 95% prediction interval" in alt
    assert alt.endswith("prediction interval −1.40 to 1.00. I² 61%.")


def test_dollar_signs_are_printed_and_not_read_as_formulas():
    figure = draw(two_trials(), labels={"A": "Cost $5 to $6", "B": "B"})
    assert "Cost $5 to $6" in words(figure)
    assert_tidy(figure)


def test_nothing_to_draw_is_said():
    with pytest.raises(DataError, match="has no row to draw"):
        draw(two_trials().query("statistic == 'weight'"))


def test_scales_are_not_mixed():
    listed = [effect("A", 0.1, 0.0, 0.2), effect("B", 0.1, 0.0, 0.2, scale="log")]
    with pytest.raises(DataError, match="cannot share an axis"):
        draw(estimates_frame(listed))


def test_an_unknown_option_is_refused_with_what_was_meant():
    synthesis = SYNTHESIS | {"figure": {"font_siez": 9}}
    with pytest.raises(ConfigError, match="'font_siez' is not known; did you mean"):
        draw(two_trials(), synthesis)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"layout": "lancet"}, "one of plain, cochrane, jama, bmj"),
        ({"digits": 9}, "a whole number from 0 to 6"),
        ({"axis_limits": [2, 1]}, "two increasing numbers"),
        ({"width": "wide"}, "inches between 4 and 40"),
        ({"minimal_important_difference": -1}, "a number above 0"),
    ],
)
def test_an_option_that_cannot_be_drawn_is_refused(option, message):
    with pytest.raises(ConfigError, match=message):
        ForestOptions.from_mapping(option)


def test_a_ratio_needs_positive_limits():
    rows, labels = many(2)
    with pytest.raises(ConfigError, match="positive numbers"):
        draw(rows, BINARY, labels, axis_limits=(-1, 2))


def test_options_come_from_the_configuration():
    synthesis = SYNTHESIS | {"figure": {"show_sensitivity": False, "digits": 1}}
    found = words(draw(two_trials(), synthesis))
    assert "Sensitivity analyses" not in found
    assert "−0.3 [−1.0, 0.3]" in found
